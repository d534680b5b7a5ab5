"""Refusals as the OCI distribution specification words them."""

from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec

from holystone.embedded.exchange import Reply, encode

# Code → status and message; the messages are distribution's.
_CODES: Final = {
    "UNAUTHORIZED": (401, "authentication required"),
    "DENIED": (403, "requested access to the resource is denied"),
    "UNSUPPORTED": (405, "The operation is unsupported."),
    "NAME_INVALID": (400, "invalid repository name"),
    "TAG_INVALID": (400, "manifest tag did not match URI"),
    "NAME_UNKNOWN": (404, "repository name not known to registry"),
    "METHOD_UNKNOWN": (400, "method or path unknown"),
    "MANIFEST_UNKNOWN": (404, "manifest unknown"),
    "BLOB_UNKNOWN": (404, "blob unknown to registry"),
    "BLOB_UPLOAD_UNKNOWN": (404, "blob upload unknown to registry"),
    "MANIFEST_BLOB_UNKNOWN": (400, "blob unknown to registry"),
    "MANIFEST_INVALID": (400, "manifest invalid"),
    "DIGEST_INVALID": (400, "provided digest did not match uploaded content"),
    "RANGE_INVALID": (416, "invalid content range"),
    "PAGINATION_NUMBER_INVALID": (400, "invalid number of results requested"),
    "TOOMANYREQUESTS": (429, "too many requests"),
    "UNKNOWN": (500, "unknown error"),
}


class ErrorReply(Exception):
    """A request that is answered with an error. `reply` is what goes over the wire."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def error_reply(
    code: str,
    detail: Any = None,
    *,
    status: int | None = None,
    headers: dict[str, str] | None = None,
) -> ErrorReply:
    usual, said = _CODES[code]
    error = {"code": code, "message": said}
    error |= {"detail": detail} if detail is not None else {}
    body = encode({"errors": [error]}) + b"\n"
    return ErrorReply(Reply(status or usual, body, {"Content-Type": "application/json", **(headers or {})}))


def silenced(reply: Reply) -> Reply:
    """The reply without its words, as `Quirks.silent` wants it."""
    if reply.headers.get("Content-Type") != "application/json":
        return reply
    errors = [{"code": each["code"], "message": ""} for each in msgspec.json.decode(reply.body)["errors"]]
    return msgspec.structs.replace(reply, body=encode({"errors": errors}) + b"\n")


def unrouted(status: Literal[404, 405], code: str, allowed: Sequence[str] = ()) -> ErrorReply:
    """A path, or a verb on it, that nothing answers to; see `Quirks.router_code`."""
    if code:
        return error_reply(code, status=status if status == 404 else None)
    if status == 404:
        return plain(404, "404 page not found\n")
    return plain(405, "Method not allowed\n", {"Allow": ", ".join(allowed)})


def plain(status: int, text: str, headers: dict[str, str] | None = None) -> ErrorReply:
    """What a router or a proxy says: no OCI error body."""
    return ErrorReply(Reply(status, text.encode(), {"Content-Type": "text/plain; charset=utf-8", **(headers or {})}))
