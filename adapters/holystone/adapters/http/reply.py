"""What came back for a request, and how it is shown."""

from typing import Final

import msgspec
from multidict import CIMultiDictProxy
from yarl import URL

from holystone.adapters.credentials.redaction import beginning, redacted

LOOKED_AT: Final = 4096
"""Characters of what a stranger says that are shown at most, blanks and markup included."""


class Reply(msgspec.Struct, frozen=True):
    """Does not show what it says: servers repeat what they were sent."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes
    url: URL
    """What answered, after redirects. Never show its query: storage hosts put signatures there."""
    asked: URL
    """What was asked, before redirects."""

    def __repr__(self) -> str:
        return f"<Reply {self.status} of {address(self.url)}>"


def to_url(text: str) -> URL:
    """A URL from a header as it stands, escapes included; what has no place in a URL is escaped. Raises ValueError."""
    try:
        url = URL(text, encoded=text.isascii() and text.isprintable() and " " not in text)
        _ = url.host  # of what is taken as encoded, host and port are parsed when somebody asks for them
    except IndexError as error:  # yarl's own, of `//[::1]x@`
        raise ValueError("it has no host behind its user") from error
    return url


def address(url: URL) -> str:
    """Host, and the port if it is not the usual one: for people."""
    return redacted(url.host_port_subcomponent or "") or "a host without a name"


def printable(text: str, limit: int = 200) -> str:
    """Text of a stranger made fit for a terminal, a log and the journal: one line, no control characters, no secret,
    not too long."""
    clean = " ".join("".join(c if c.isprintable() else " " for c in beginning(text, LOOKED_AT)).split())
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"
