"""Complete listings, page by page (RFC 8288 `Link: <…>; rel="next"`)."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final

from yarl import URL

from holystone.adapters.http.errors import summary
from holystone.adapters.http.links import Link, StrangeLink, parse_links
from holystone.adapters.http.reply import Reply, address, printable, to_url
from holystone.engine.errors import IncompleteSource

MAX_PAGES = 100_000
MAX_ENTRIES: Final = 500_000
"""Of one listing: names as long as they may be take 200 MiB."""
_LONGEST: Final = 1 << 16
"""Characters of a cursor, as long as a header at most. It becomes a part of an address, which takes many times as much,
and the last hundred of which yarl keeps."""
CAPS: Final = frozenset((50, 100, 200, 250, 500, 1000))
"""Sizes of pages that servers keep to, whatever they are asked for."""


class PageGuard:
    """Ends a listing that turns in circles, does not end, or has more than can be kept. For vendors' cursors; `pages`
    has one inside."""

    def __init__(self, what: str, *, max_pages: int = MAX_PAGES, max_entries: int = MAX_ENTRIES) -> None:
        """`what` is being listed, for the message."""
        self._what = what
        self._max_pages = max_pages
        self._max_entries = max_entries
        self._entries = 0
        self._seen: set[bytes] = set()
        """Hashes: a cursor may be as long as a header."""

    def admit(self, cursor: str) -> None:
        """Call before each page with what identifies it. Raises IncompleteSource."""
        if len(cursor) > _LONGEST:
            raise IncompleteSource(f"Listing {self._what} goes on with more than {_LONGEST:,} characters.")
        seen = hashlib.sha256(cursor.encode(errors="surrogatepass")).digest()
        if seen in self._seen:
            raise IncompleteSource(
                f"Listing {self._what} turns in circles: after {len(self._seen)} pages the server names one again."
            )
        if len(self._seen) >= self._max_pages:
            raise IncompleteSource(f"Listing {self._what} does not end: more than {self._max_pages} pages.")
        self._seen.add(seen)

    def take(self, entries: int) -> None:
        """Call for each page with what will be kept of it. Raises IncompleteSource."""
        self._entries += entries
        if self._entries > self._max_entries:
            raise IncompleteSource(
                f"Listing {self._what} has more than {self._max_entries:,} entries, the most that are kept of one.",
                what_to_do="No registry's pages show so many that are used. Find out who put them there, delete what "
                "is not wanted by the registry's own means, or leave this one out.",
            )

    @property
    def pages(self) -> int:
        return len(self._seen)


def next_link(reply: Reply) -> str | None:
    """Path and query of the next page, None at the end. Raises IncompleteSource as `linked`."""
    return linked(reply, "next")


def linked(reply: Reply, relation: str) -> str | None:
    """Path and query of the page that is `next`, `last`, … None if there is none. Raises IncompleteSource if it is on
    another host, if two are named, and for a header that cannot be understood: that is not the end of a list.

    Scheme and port of the link are not taken: servers behind a proxy often get them wrong. Whatever it says, the next
    request goes to the registry that was asked. Nor is a path that a proxy has put something before or taken something
    from (sonatype/nexus-public#1011): then only the query counts. A link that does not say what it is for is the next
    page of what was asked if it leads there, and not understood if it leads anywhere else.
    """
    try:
        links = parse_links(reply.headers.getall("Link", ()))
    except StrangeLink as error:
        raise _strange(reply, str(error)) from error
    found = {
        _path(reply, link)
        for link in links
        if relation in (_relations(reply, link) if link.relations is None else link.relations)
    }
    if len(found) > 1:
        raise IncompleteSource(
            f"{address(reply.asked)} names {len(found)} different pages of {reply.asked.path} as one."
        )
    return found.pop() if found else None


def _relations(reply: Reply, link: Link) -> frozenset[str]:
    path = _path(reply, link)
    if path == reply.asked.raw_path_qs or path.partition("?")[0] != reply.asked.raw_path:
        raise _strange(reply, link.target)
    return frozenset(("next",))


def _path(reply: Reply, link: Link) -> str:
    asked = reply.asked
    try:
        url = asked.join(to_url(link.target))
    except ValueError:
        url = URL()
    if (url.host or "").lower() != (asked.host or "").lower():
        raise IncompleteSource(
            f"{address(asked)} says that the list goes on at another host, {url.host or 'without a name'}."
        )
    ours, theirs = asked.raw_path, url.raw_path
    if ours != theirs and (theirs.endswith(ours) or (ours.endswith(theirs) and theirs != "/")):
        url = url.with_path(ours, encoded=True).with_query(url.query)
    return url.raw_path_qs


def _strange(reply: Reply, what: str) -> IncompleteSource:
    return IncompleteSource(
        f"{address(reply.asked)} says how the list {reply.asked.path} goes on, and it cannot be understood: "
        f"Link: {printable(what)}",
        what_to_do="A list is whole or it decides nothing. Report this server, and ask it without the proxy before it.",
    )


async def pages(
    get: Callable[[str], Awaitable[Reply]],
    first: str,
    *,
    what: str,
    names: Callable[[Reply], Sequence[str]] | None = None,
    size: int = 0,
    each: bytes = b",",
    max_pages: int = MAX_PAGES,
    max_entries: int = MAX_ENTRIES,
) -> AsyncIterator[Reply]:
    """Every page from path `first` on. The first is yielded whatever its status, and then nothing more if it is not
    200. A later one that is not 200 raises IncompleteSource, and so do more entries than `max_entries`, before a page
    is decoded that has them: `each` is what every entry has at least one of, a comma or a brace.

    `names` reads a page of a list that goes on after `last=NAME`, of which `size` were asked for. Where no page had a
    `Link`, a full one is not believed to be the last (Nexus' group repositories and Gitea 1.17 send none:
    sonatype/nexus-public#117, #209; a proxy may have removed it): what follows its last name is asked for. A server
    that does not know `last` sends names that are known; one that does not know `n` sends all, at any size.

    The reader lets go of a page (`del`) before he asks for the next one: of eight lists at once, each may be as large
    as a reply can be."""
    guard = PageGuard(what, max_pages=max_pages, max_entries=max_entries)
    known: set[str] = set()
    says_so = False
    path: str | None = first
    while path is not None:
        guard.admit(path)
        reply = await get(path)
        if reply.status != 200:
            if guard.pages > 1:
                raise IncompleteSource(
                    f"Page {guard.pages} of the list of {what} could not be read: {summary(reply)}.",
                    what_to_do="Run again: something may have been deleted or pushed while it was read. If it happens "
                    "each time, the server's link to that page leads nowhere: report that, and ask it without the "
                    "proxy before it.",
                )
            yield reply
            return
        guard.take(reply.body.count(each))
        yield reply
        following = next_link(reply)
        says_so = says_so or following is not None
        if names and not says_so:
            page = names(reply)
            if not known.issuperset(page) and len(page) in {size, *CAPS}:
                following = after(path, page[-1])
            known.update(page)
        del reply
        path = following


def after(path: str, name: str) -> str:
    """The path of the page that follows this name."""
    return URL(path, encoded=True).update_query(last=name).raw_path_qs
