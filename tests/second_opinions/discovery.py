"""A discovery document of Google's, the description from which its clients are made, as types and operations.

The format: developers.google.com/discovery/v1/reference/apis.
"""

import json
import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Annotated, Any, Final, Literal, NamedTuple
from urllib.parse import parse_qsl

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import AfterValidator, Field, TypeAdapter

from tests.second_opinions.strictness import shape


def _moment(text: str) -> str:
    Timestamp().FromJsonString(text)
    return text


def _span(text: str) -> str:
    Duration().FromJsonString(text)
    return text


_NUMBER: Final = Annotated[str, Field(pattern=r"^-?[0-9]+$")]
_FORMATS: Final[Mapping[str, Any]] = {
    "google-datetime": Annotated[str, AfterValidator(_moment)],
    "google-duration": Annotated[str, AfterValidator(_span)],
    "int64": _NUMBER,
    "int32": Annotated[int, Field(ge=-(2**31), lt=2**31)],
}
_PLAIN: Final[Mapping[str, Any]] = {"string": str, "integer": int, "boolean": bool, "any": Any}


class Operation(NamedTuple):
    name: str
    """E.g. `projects.locations.repositories.get`."""
    reply: Any
    """Its type."""


class Discovery:
    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._methods = list(_methods(document))
        # A resource is called by what it is asked for with.
        self._names = {
            method["response"]["$ref"]: method["parameters"]["name"]["pattern"]
            for method in self._methods
            if method["id"].endswith(".get")
        }

    @classmethod
    def shipped(cls, name: str) -> "Discovery":
        """With google-api-python-client."""
        folder = files("googleapiclient") / "discovery_cache" / "documents"
        return cls(json.loads((folder / f"{name}.json").read_text()))

    def schema(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self._document["schemas"][name]
        return found

    def fields(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """With their types."""
        return {name: self.type(field) for name, field in schema.get("properties", {}).items()}

    def type(self, schema: Mapping[str, Any]) -> Any:
        if name := schema.get("$ref"):
            fields = self.fields(self.schema(name))
            if pattern := self._names.get(name):
                fields["name"] = Annotated[str, Field(pattern=pattern)]
                return shape(name, fields, required={"name"})
            return shape(name, fields)
        if schema["type"] == "array":
            return list[self.type(schema["items"])]  # type: ignore[misc]
        if schema["type"] == "object" and "additionalProperties" in schema:
            return dict[str, self.type(schema["additionalProperties"])]  # type: ignore[misc]
        if schema["type"] == "object":
            return shape("Inline", self.fields(schema))
        if "enum" in schema:
            return Literal[tuple(schema["enum"])]
        return _FORMATS.get(schema.get("format", ""), _PLAIN[schema["type"]])

    def operation(self, method: str, target: str) -> Operation:
        """What this request, as on the wire, is for. Raises LookupError if the document does not know it, and
        ValidationError for a parameter that it does not know, that has no such value or that lacks."""
        path, _, query = target.partition("?")
        for each in self._methods:
            if each["httpMethod"] == method and _is_at(each["flatPath"], path):
                given = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
                TypeAdapter(self._query(each)).validate_strings(dict(given), extra="forbid")
                return Operation(each["id"].partition(".")[2], self.type(each["response"]))
        raise LookupError(f"{method} {path}")

    def _query(self, method: Mapping[str, Any]) -> Any:
        known = {**self._document["parameters"], **method["parameters"]}
        known = {name: each for name, each in known.items() if each["location"] == "query"}
        required = {name for name, each in known.items() if each.get("required")}
        return shape("Query", {name: self.type(each) for name, each in known.items()}, required)


def _is_at(template: str, path: str) -> bool:
    """`template`: like `v1/projects/{projectsId}`."""
    return re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(f"/{template}")), path) is not None


def _methods(resource: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield from resource.get("methods", {}).values()
    for child in resource.get("resources", {}).values():
        yield from _methods(child)
