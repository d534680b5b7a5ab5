"""Errors of Google's APIs: what its discovery documents say of them is less than what is sent, and the rest stands in
the protos of google.rpc."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal

from google.protobuf.json_format import ParseDict, ParseError
from google.rpc import code_pb2, error_details_pb2
from pydantic import AfterValidator

from holystone.embedded.exchange import Reply
from tests.second_opinions.discovery import Discovery
from tests.second_opinions.strictness import shape, understood


@cache
def statuses() -> Mapping[str, int]:
    """The names of google.rpc.Code with the status of HTTP that each comes with, which only comments tell."""
    text = (files("google.rpc") / "code.proto").read_text()
    found = re.findall(r"// HTTP Mapping: ([0-9]+) .*\n(?: *//.*\n| *\n)* *([A-Z_]+) = [0-9]+;", text)
    mapped = {name: int(status) for status, name in found}
    assert mapped.keys() == set(code_pb2.Code.keys())
    return mapped


def check_refusal(document: Discovery, reply: Reply) -> None:
    """Raises ValidationError or AssertionError if it is none of Google's."""
    names: Any = Literal[tuple(statuses())]
    details: Any = list[Annotated[dict[str, Any], AfterValidator(_known)]]
    fields = {**document.fields(document.schema("Status")), "status": names, "details": details}
    type_ = shape("Refusal", {"error": shape("Error", fields, {"code", "message", "status"})}, {"error"})
    error = understood(type_, reply.body)["error"]
    # In HTTP `code` is the status of HTTP, not the number of the name (google.aip.dev/193).
    assert error["code"] == reply.status == statuses()[error["status"]]


def _known(detail: dict[str, Any]) -> dict[str, Any]:
    fields = dict(detail)
    name = fields.pop("@type", "").removeprefix("type.googleapis.com/google.rpc.")
    try:
        ParseDict(fields, getattr(error_details_pb2, name)())
    except (AttributeError, ParseError) as error:
        raise ValueError(str(error)) from error
    return detail
