"""One request and one reply as plain values, so that everything behind the socket is synchronous."""

import base64
from collections.abc import Mapping

import msgspec

from holystone.engine.model.codec import to_json


class Incoming(msgspec.Struct, frozen=True):
    method: str
    path: str
    """Decoded, without the query."""
    target: str
    """As on the wire, with the query."""
    query: Mapping[str, str]
    """The last value of each name."""
    scopes: tuple[str, ...]
    """Every `scope` of the query: the only name that may come more than once."""
    headers: Mapping[str, str]
    """Looked up without regard to case."""
    base: str
    """`http://host:port` as the client spelled it."""
    body: bytes = b""

    def basic(self) -> tuple[str, str] | None:
        """User and password of HTTP Basic authentication, if it was sent and can be read."""
        scheme, _, value = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            user, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
        except ValueError:  # no base64, or no UTF-8
            return None
        return (user, password) if colon else None


class Reply(msgspec.Struct, frozen=True):
    status: int
    body: bytes = b""
    """Also given for HEAD: its length is told, its bytes are not sent."""
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)


def encode(value: object) -> bytes:
    """The value as JSON; checked names (tags, digests) are strings there."""
    try:
        return msgspec.json.encode(value, enc_hook=str)
    except UnicodeEncodeError:  # what a header said that is not UTF-8
        return to_json(value)


def json_reply(value: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status, encode(value) + b"\n", {"Content-Type": "application/json", **(headers or {})})
