"""What came back."""

from dataclasses import dataclass

from multidict import CIMultiDictProxy
from yarl import URL


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: CIMultiDictProxy[str]
    body: bytes
    url: URL
    """What answered, after redirects. Never show its query: storage hosts put signatures there."""
    asked: URL
    """What was asked, before redirects."""


def to_url(text: str) -> URL:
    """A URL from a header as it stands, escapes included; what has no place in a URL is escaped. Raises ValueError."""
    return URL(text, encoded=text.isascii() and text.isprintable() and " " not in text)


def address(url: URL) -> str:
    """Host, and the port if it is not the usual one: for people."""
    return url.host_port_subcomponent or "a host without a name"


def printable(text: str, limit: int = 200) -> str:
    """Text of a stranger made fit for a terminal and a log: one line, no control characters, not too long."""
    clean = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"
