"""What an error reply says, whoever wrote it: JSON of the OCI specification, text, or a proxy's HTML page."""

import re
from http import HTTPStatus
from typing import Any, Final

import msgspec

from holystone.adapters.credentials.redaction import beginning
from holystone.adapters.http.reply import LOOKED_AT, Reply, printable

_MARKUP = re.compile(r"<(?:script|style|head)\b.*?</(?:script|style|head)>|<[^<>]*>", re.IGNORECASE | re.DOTALL)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_READ: Final = 64 << 10
"""Bytes of an error body that is none of JSON."""
_LARGEST: Final = 8 << 20
_MOST_VALUES: Final = 200_000
"""Bytes and values, by their commas, of an error body that is decoded: one that names each missing part of the largest
index has a third. A `{}` takes three bytes of a reply, and seventy of memory."""


def document(reply: Reply) -> Any:
    """What the body is in JSON; None if it is none, or more than an error says."""
    if len(reply.body) > _LARGEST or reply.body.count(b",") > _MOST_VALUES:
        return None
    try:
        return msgspec.json.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def error_code(reply: Reply) -> str:
    """The first code of an OCI error body in capitals, e.g. `MANIFEST_UNKNOWN`; empty if there is none."""
    return _first(reply)[0].upper()


def summary(reply: Reply) -> str:
    """A reply for people: status, code and message in at most 200 printable characters."""
    code, message = _first(reply)
    if not code and not message:
        message = _plain(reply.body)
    said = ": ".join(part for part in (printable(code).upper(), message) if part)
    said = said.rstrip(". \n")  # a sentence goes on behind it
    return printable(f"{reply.status} {said or _phrase(reply.status)}")


def _first(reply: Reply) -> tuple[str, str]:
    said = document(reply)
    if not isinstance(said, dict):
        return "", ""
    errors = said.get("errors")
    entry: Any = errors[0] if isinstance(errors, list) and errors else said
    if isinstance(entry, str):
        return "", entry
    if not isinstance(entry, dict):
        return "", ""
    message = next(
        (entry[k] for k in ("message", "error_description", "detail", "details", "error") if _said(entry.get(k))), ""
    )
    code = entry.get("code")
    return (code if isinstance(code, str) else ""), message


def _said(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _plain(body: bytes) -> str:
    # No more of it: the time that markup takes grows with the square.
    text = beginning(body[:_READ].decode("utf-8", "replace"), LOOKED_AT)
    if "<" not in text:
        return text
    title = _TITLE.search(text)
    return title[1] if title else _MARKUP.sub(" ", text)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "unknown status"
