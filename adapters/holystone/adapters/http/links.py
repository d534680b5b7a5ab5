"""`Link` headers (RFC 8288), read so that none that is there is passed over: whoever takes a link that he cannot read
for no link takes the beginning of a list for all of it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

_SPACE: Final = re.compile(r"[ \t]*")
_EMPTY: Final = re.compile(r"[ \t,]*")
_BRACKETED: Final = re.compile(r"<([^<>]*)>")
_BARE: Final = re.compile(r"[^ \t<>,;\"']+")
_NAME: Final = re.compile(r"[^ \t=;,<>\"']*")
_DOUBLE: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_SINGLE: Final = re.compile(r"'([^']*)'")
_TOKEN: Final = re.compile(r"[^ \t;,\"']*")


class StrangeLink(ValueError):
    """There is a link, and nobody can tell which."""


@dataclass(frozen=True, slots=True)
class Link:
    target: str
    relations: frozenset[str] | None
    """In lower case; None if it does not say: RFC 8288 wants them, and does not say what a link without is."""


def parse_links(headers: Iterable[str]) -> tuple[Link, ...]:
    """The links of all headers of that name. Besides what the RFC allows: quotes of the other kind around a value, and
    a target without brackets if there is no other link in its header (Cloudflare's serverless-registry sends
    `http://…/tags/list?n=10&last=t009; rel=next`): with two of them a comma may belong to either. Raises
    StrangeLink."""
    return tuple(link for header in headers for link in _parse(header))


def _parse(header: str) -> Iterator[Link]:
    position = _end(_EMPTY, header, 0)
    count, bare = 0, False
    while position < len(header):
        target = _BRACKETED.match(header, position)
        bare = bare or target is None
        target = target or _BARE.match(header, position)
        count += 1
        if target is None or (bare and count > 1):
            raise StrangeLink(header)
        relations, position = _parameters(header, target.end())
        yield Link(target[1] if target.re is _BRACKETED else target[0], relations)
        if position < len(header) and header[position] != ",":
            raise StrangeLink(header)
        position = _end(_EMPTY, header, position)


def _parameters(header: str, position: int) -> tuple[frozenset[str] | None, int]:
    """The relations that one link says, and where its parameters end. Of several `rel` the first counts (RFC 8288,
    3.3)."""
    relations: frozenset[str] | None = None
    while True:
        position = _end(_SPACE, header, position)
        if position >= len(header) or header[position] != ";":
            return relations, position
        position = _end(_SPACE, header, position + 1)
        start, position = position, _end(_NAME, header, position)
        name = header[start:position].lower()
        position = _end(_SPACE, header, position)
        if position < len(header) and header[position] == "=":
            position = _end(_SPACE, header, position + 1)
            value = next(m for each in (_DOUBLE, _SINGLE, _TOKEN) if (m := each.match(header, position)))
            position = value.end()
            if name in ("rel", "rel*") and relations is None:
                text = value[0] if value.re is _TOKEN else value[1]
                relations = frozenset(text.lower().split())


def _end(pattern: re.Pattern[str], header: str, position: int) -> int:
    found = pattern.match(header, position)
    return found.end() if found else position
