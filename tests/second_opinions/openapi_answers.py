"""Requests and replies held against a vendor's own OpenAPI 3.0 document: stricter than its words, since a field that it
does not name is wrong here."""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from jsonschema import Draft202012Validator

Json = Mapping[str, Any]


class Operation(NamedTuple):
    path: str
    """With the names of its parameters: `/tags/{tag}`."""
    parameters: Mapping[str, bool]
    """Those of the query, and whether they must be there."""
    document: Json


class Description:
    def __init__(self, document: Json) -> None:
        self._document = document

    def operation(self, method: str, path: str) -> Operation | None:
        for pattern, template, shared in self._paths:
            if pattern.fullmatch(path) and method.lower() in shared:
                own = shared[method.lower()]
                named = [self._resolved(each) for each in (*shared.get("parameters", ()), *own.get("parameters", ()))]
                query = {each["name"]: each.get("required", False) for each in named if each["in"] == "query"}
                return Operation(template, query, own)
        return None

    def mistakes(self, method: str, target: str) -> Sequence[str]:
        """What the document does not have of a request."""
        path, _, query = target.partition("?")
        operation = self.operation(method, path)
        if operation is None:
            return [f"no {method} {path}"]
        given = {name for name, _ in parse_qsl(query, keep_blank_values=True)}
        return [
            *(f"no parameter {name} of {operation.path}" for name in sorted(given - operation.parameters.keys())),
            *(
                f"no {name} for {operation.path}"
                for name, must in operation.parameters.items()
                if must and name not in given
            ),
        ]

    def misfits(self, operation: Operation, status: int, body: bytes) -> Sequence[str]:
        """What is wrong with a reply, each with the place where it is: `results/0/id: …`."""
        replies = operation.document["responses"]
        if str(status) not in replies:
            return [f"no {status} of {operation.path}"]
        content = self._resolved(replies[str(status)]).get("content")
        if content is None:
            return ["a body"] if body else []
        schema = self._strict(content["application/json"]["schema"])
        errors = Draft202012Validator(schema).iter_errors(json.loads(body))
        return [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in errors]

    @cached_property
    def _paths(self) -> Sequence[tuple[re.Pattern[str], str, Json]]:
        return [
            (re.compile(re.sub(r"\\\{[^}]+\\\}", "[^/]+", re.escape(template))), template, shared)
            for template, shared in self._document["paths"].items()
        ]

    def _resolved(self, value: Json) -> Json:
        if "$ref" not in value:
            return value
        found: Any = self._document
        for part in value["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return self._resolved(found)

    def _strict(self, schema: Json) -> dict[str, Any]:
        """As JSON Schema, with `$ref` and `allOf` resolved, so that `additionalProperties` sees all of a thing."""
        schema = self._merged(self._resolved(schema))
        strict = {name: value for name, value in schema.items() if name in ("type", "enum", "required")}
        if "properties" in schema:
            strict["properties"] = {name: self._strict(each) for name, each in schema["properties"].items()}
            strict["additionalProperties"] = False
        if "items" in schema:
            strict["items"] = self._strict(schema["items"])
        return {"anyOf": [strict, {"type": "null"}]} if schema.get("nullable") else strict

    def _merged(self, schema: Json) -> Json:
        if "allOf" not in schema:
            return schema
        parts = [self._merged(self._resolved(each)) for each in schema["allOf"]]
        properties = {name: each for part in parts for name, each in part.get("properties", {}).items()}
        required = [name for part in parts for name in part.get("required", ())]
        return {"type": "object", "properties": properties, "required": required}
