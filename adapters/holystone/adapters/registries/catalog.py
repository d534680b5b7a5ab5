"""Names of repositories as a registry's catalog shows them: those that are wanted, each once, within bounds."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final, NamedTuple

import msgspec

from holystone.adapters.http.errors import summary
from holystone.adapters.http.paging import CAPS, MAX_ENTRIES, PageGuard, after, next_link
from holystone.adapters.http.reply import Reply, printable
from holystone.adapters.registries.oci_replies import LIST_LIMIT, STRANGE, is_wide
from holystone.engine.errors import IncompleteSource, Unauthorized, Unseen, UsageError
from holystone.engine.model.references import InvalidName, RegistryHost, Repository, RepositoryPath
from holystone.engine.ports import CatalogPage

_LONGEST: Final = 4096
"""Characters of a name that is no repository's. Those have 255 at most."""
_PASSES: Final = 4
"""Times that numbered pages are read because something changed meanwhile."""
_NAME_THEM: Final = "Name the repositories themselves."
_AGAIN: Final = "Run again when less is made and deleted there."


class Catalog:
    """What of one listing was shown so far. Of each name a fingerprint is kept."""

    def __init__(self, host: RegistryHost, prefix: RepositoryPath | None, *, max_entries: int = MAX_ENTRIES) -> None:
        """`max_entries`: names that the pages have altogether, wanted or not."""
        self.host = host
        self.prefix = prefix
        self.what = f"the repositories of {host}" if prefix is None else f"the repositories of {host}/{prefix}"
        self._max_entries = max_entries
        self._guard = PageGuard(self.what, max_entries=max_entries)
        self._shown: set[bytes] = set()

    def __repr__(self) -> str:
        return f"<Catalog of {self.what}, {len(self._shown)} shown>"

    def admit(self, cursor: str) -> None:
        """Call before each page with what identifies it. Raises IncompleteSource."""
        self._guard.admit(cursor)

    def weigh(self, reply: Reply, each: bytes = b"{") -> None:
        """Call before a page is decoded. `each` is what every entry has at least one of. Raises IncompleteSource."""
        PageGuard(self.what, max_entries=self._max_entries).take(reply.body.count(each))

    def page(self, names: Sequence[str]) -> CatalogPage:
        """The names that are wanted and were not shown yet. Raises IncompleteSource for a name that cannot be one, and
        for more names than can be kept."""
        self._guard.take(len(names))
        repositories: list[Repository] = []
        odd: list[str] = []
        for name in names:
            if len(name) > _LONGEST:
                raise IncompleteSource(
                    f"The list of {self.what} has a name of {len(name):,} characters.", what_to_do=STRANGE
                )
            if self.wants(name) and self._is_new(name):
                try:
                    repositories.append(Repository(self.host, RepositoryPath.parse(name)))
                except InvalidName:
                    odd.append(name)
        return CatalogPage(tuple(repositories), tuple(odd))

    def wants(self, name: str) -> bool:
        return self.prefix is None or name == self.prefix or name.startswith(f"{self.prefix}/")

    @property
    def shows_nothing(self) -> bool:
        return not self._shown

    def expect_some(self, who: str, what_to_do: str) -> None:
        """To be called at the end of a list that shows everybody his own. Raises Unseen if it showed nothing."""
        if self.shows_nothing:
            raise Unseen(
                f"{self.host} shows {who} none of {self.what}: either there is none, or they may not be read. It does "
                "not say which.",
                what_to_do=what_to_do,
            )

    def owner(self, kind: str, example: str) -> str:
        """The first part of the prefix. Raises UsageError where there is none, for a vendor that lists nothing without
        a `kind`."""
        if self.prefix is None:
            raise UsageError(
                f"{self.host} lists its repositories only by {kind}, and none was named.",
                what_to_do=f"Write {self.host}/{example}.",
            )
        return self.prefix.partition("/")[0]

    def refused(self, reply: Reply, needed: str) -> IncompleteSource:
        """What to say of a page that was not given. `needed`: the way out where it is a matter of rights."""
        said = f"The list of {self.what} cannot be read: {summary(reply)}."
        if reply.status in (401, 403):
            return Unauthorized(said, what_to_do=needed)
        if reply.status in (404, 405):
            return IncompleteSource(said, what_to_do=f"The registry may have no such list. {_NAME_THEM}")
        return IncompleteSource(said, what_to_do=STRANGE)

    def broken(self, reply: Reply) -> IncompleteSource:
        """What to say of a later page that was not given."""
        return IncompleteSource(f"The list of {self.what} breaks off: {summary(reply)}.", what_to_do=_AGAIN)

    def strange(self, error: Exception) -> IncompleteSource:
        """What to say of a page that is none."""
        return IncompleteSource(
            f"The list of {self.what} cannot be read: the answer is not a page of it ({error}).", what_to_do=STRANGE
        )

    def unsteady(self, why: str) -> IncompleteSource:
        return IncompleteSource(f"The list of {self.what} cannot be read completely: {why}.", what_to_do=_AGAIN)

    def _is_new(self, name: str) -> bool:
        known = len(self._shown)
        self._shown.add(fingerprint(name))
        return len(self._shown) > known


class _Names(msgspec.Struct):
    repositories: list[str] | None


def names_of(catalog: Catalog, reply: Reply) -> list[str]:
    """The names on a page of `_catalog`. Raises IncompleteSource."""
    if 4 * len(reply.body) > LIST_LIMIT and is_wide(reply.body):
        raise IncompleteSource(
            f"A page of {catalog.what} has {len(reply.body) >> 20} MiB, in which there are letters that no repository "
            "has.",
            what_to_do=STRANGE,
        )
    try:
        return msgspec.json.decode(reply.body, type=_Names).repositories or []
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise catalog.strange(error) from error


async def linked(
    catalog: Catalog, get: Callable[[str], Awaitable[Reply]], first: str, *, size: int, by_name: bool = True
) -> AsyncIterator[CatalogPage]:
    """The pages of `_catalog`: those after `first`, path by path, which asks for `size` names. The caller has seen to
    it that `get` raises for what is no page.

    A full page that no `Link` follows is not believed to be the last: what follows its last name is asked for. A server
    that says the same again does not know `last`; if it does know `n`, as ggcr's does (pkg/registry/manifest.go,
    handleCatalog), there is no way to see more. `by_name`: a page begins after a `last` of this list. zot says that
    nothing follows a `last` that was deleted meanwhile (pkg/storage/imagestore/imagestore.go, GetNextRepositories; seen
    on a main of 2026-08), so that a page which a `Link` promised and which is empty, as zot's is after a full last one,
    ends the list only if the name before it is still there."""
    path: str | None = first
    names: list[str] = []
    before, last, says_so = "", "", False
    while path is not None:
        catalog.admit(path)
        reply = await get(path)
        catalog.weigh(reply, b",")
        previous, names = names, names_of(catalog, reply)
        yield catalog.page(names)
        following = next_link(reply)
        says_so = says_so or following is not None
        del reply
        if not names and last and by_name:
            await _expect(catalog, get, first, before, last)
        if names:
            before, last = ([last, *names])[-2:]
        if not says_so and names and len(names) in {size, *CAPS}:
            if set(names) != set(previous):
                following = after(path, last)
            else:
                await _expect_all(catalog, get, first, len(names))
        path = following


async def _expect(catalog: Catalog, get: Callable[[str], Awaitable[Reply]], first: str, before: str, last: str) -> None:
    base = first.partition("?")[0] + "?n=1"
    found = names_of(catalog, await get(after(base, before) if before else base))
    if found[:1] != [last]:
        raise catalog.unsteady(f"nothing follows {printable(last)}, and that is not there any more")


async def _expect_all(catalog: Catalog, get: Callable[[str], Awaitable[Reply]], first: str, shown: int) -> None:
    found = names_of(catalog, await get(f"{first.partition('?')[0]}?n={shown - 1}"))
    if len(found) < shown:
        raise IncompleteSource(
            f"The list of {catalog.what} cannot be read completely: the registry shows {shown:,} at most.",
            what_to_do=_NAME_THEM,
        )


class NumberedPage(NamedTuple):
    """One of the numbered pages of a list."""

    names: Sequence[str]
    more: bool
    """Another page follows."""


async def numbered(
    catalog: Catalog, read: Callable[[int], Awaitable[NumberedPage]], *, key: str = ""
) -> AsyncIterator[Sequence[str]]:
    """The names of a list whose pages have numbers; `key` tells it from others of the same catalog. What is made or
    deleted meanwhile moves names from page to page, so that some come twice and some are missed, and a number of all
    names may be right for all that: a list of more than one page is read until it was the same twice."""
    earlier: set[bytes] | None = None
    for attempt in range(1, _PASSES + 1):
        found: set[bytes] = set()
        number, more = 0, True
        while more:
            number += 1
            catalog.admit(f"{key} {attempt} {number}")
            names, more = await read(number)
            found.update(map(fingerprint, names))
            yield names
        if number == 1 or found == earlier:
            return
        earlier = found
    raise catalog.unsteady(f"it was another one each of the {_PASSES} times that it was read")


def fingerprint(name: str) -> bytes:
    return hashlib.blake2b(name.encode(errors="surrogatepass"), digest_size=12).digest()
