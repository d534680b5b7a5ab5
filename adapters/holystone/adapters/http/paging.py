"""Complete listings, page by page (RFC 8288 `Link: <…>; rel="next"`)."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

from yarl import URL

from holystone.adapters.http.errors import summary
from holystone.adapters.http.reply import Reply, address, to_url
from holystone.engine.errors import IncompleteSource

MAX_PAGES = 100_000
_LINK = re.compile(r"\s*,?\s*<([^>]*)>((?:\s*;\s*[^\s=;,]+(?:\s*=\s*(?:\"(?:[^\"\\]|\\.)*\"|[^\s\";,]*))?)*)")
_PARAMETER = re.compile(r";\s*([^\s=;,]+)\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s\";,]*))")


class PageGuard:
    """Ends a listing that turns in circles or does not end. For vendors' cursors; `pages` has one inside."""

    def __init__(self, what: str, *, max_pages: int = MAX_PAGES) -> None:
        """`what` is being listed, for the message."""
        self._what = what
        self._max_pages = max_pages
        self._seen: set[str] = set()

    def admit(self, cursor: str) -> None:
        """Call before each page with what identifies it. Raises IncompleteSource."""
        if cursor in self._seen:
            raise IncompleteSource(
                f"Listing {self._what} turns in circles: after {len(self._seen)} pages the server names one again."
            )
        if len(self._seen) >= self._max_pages:
            raise IncompleteSource(f"Listing {self._what} does not end: more than {self._max_pages} pages.")
        self._seen.add(cursor)

    @property
    def pages(self) -> int:
        return len(self._seen)


def next_link(reply: Reply) -> str | None:
    """Path and query of the next page, None at the end. Raises IncompleteSource if it is on another host."""
    return linked(reply, "next")


def linked(reply: Reply, relation: str) -> str | None:
    """Path and query of the page that is `next`, `last`, … None if there is none. Raises IncompleteSource if it is on
    another host.

    Scheme and port of the link are not taken: servers behind a proxy often get them wrong. Whatever it says, the next
    request goes to the registry that was asked.
    """
    for target in _targets(reply, relation):
        try:
            url = reply.asked.join(to_url(target))
        except ValueError:
            url = URL()
        if (url.host or "").lower() != (reply.asked.host or "").lower():
            raise IncompleteSource(
                f"{address(reply.asked)} says that the list goes on at another host, {url.host or 'without a name'}."
            )
        return url.raw_path_qs
    return None


async def pages(
    get: Callable[[str], Awaitable[Reply]], first: str, *, what: str, max_pages: int = MAX_PAGES
) -> AsyncIterator[Reply]:
    """Every page from path `first` on. The first is yielded whatever its status, and then nothing more if it is not
    200. A later one that is not 200 raises IncompleteSource."""
    guard = PageGuard(what, max_pages=max_pages)
    path: str | None = first
    while path is not None:
        guard.admit(path)
        reply = await get(path)
        if reply.status != 200:
            if guard.pages > 1:
                raise IncompleteSource(
                    f"Page {guard.pages} of the list of {what} could not be read: {summary(reply)}.",
                    what_to_do="Run again; something was probably deleted or pushed while it was read.",
                )
            yield reply
            return
        yield reply
        path = next_link(reply)


def _targets(reply: Reply, relation: str) -> Iterator[str]:
    for header in reply.headers.getall("Link", ()):
        at = 0
        while link := _LINK.match(header, at):
            at = link.end()
            for name, quoted, plain in _PARAMETER.findall(link[2]):
                if name.lower() == "rel":
                    if relation in (quoted or plain).lower().split():
                        yield link[1]
                    break  # RFC 8288, 3.3: a second rel is ignored
