"""Complete lists of a package's versions. A version is a manifest, with all of its tags.

Pages are numbered (github/docs, REST reference of packages), in an order that is not documented and in practice newest
first. What is pushed meanwhile moves rows to later pages, so that some come twice; what is deleted moves them to
earlier ones, so that some are never seen. So what GitHub says of the package itself is read before and after: a list
during which something changed is read again, and none counts during which versions became fewer.
"""

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Final, Literal, NamedTuple

import msgspec
from yarl import URL

from holystone.adapters.http.paging import MAX_PAGES, PageGuard, linked
from holystone.adapters.http.reply import Reply
from holystone.adapters.registries.github.api import GithubApi, decoded, is_of_somebody_else
from holystone.adapters.registries.github.profile import PAGE_SIZE
from holystone.engine.errors import IncompleteSource
from holystone.engine.model.references import Digest, InvalidName
from holystone.engine.scheduler import for_each

State = Literal["active", "deleted"]
_AT_ONCE: Final = 10
_ATTEMPTS: Final = 3
_UNSTEADY: Final = "Run again when less is pushed and deleted there."


class Version(msgspec.Struct, frozen=True):
    id: int
    digest: Digest
    tags: tuple[str, ...]
    pushed: int
    """Unix seconds, `created_at`: when the version came to be, i.e. its manifest was pushed for the first time."""
    touched: int
    """Unix seconds, the later of that and `updated_at`. That a new tag changes `updated_at` is UNCONFIRMED: github/docs
    (schema of package versions) says of neither time what it is."""


class _Container(msgspec.Struct):
    tags: list[str]


class _Metadata(msgspec.Struct):
    container: _Container | None = None


class _Row(msgspec.Struct):
    id: int
    name: str
    metadata: _Metadata
    created_at: dt.datetime | None = None
    updated_at: dt.datetime | None = None


class _About(msgspec.Struct):
    """The package itself, as far as it tells that something changed."""

    version_count: int | None = None
    """Which versions it counts is not documented; that they became fewer is all that is concluded."""
    updated_at: str | None = None


class _Page(NamedTuple):
    versions: list[Version]
    last: int
    """Number of the last page, as far as this one knows."""


async def read_versions(api: GithubApi, package: str, state: State, *, what: str) -> list[Version] | None:
    """All versions in a state; None if GitHub answers 404: there is no such package, or the token must not know of it.
    `what` names the repository. Raises IncompleteSource."""
    first = await api.get(_path(package, state, 1))
    if first.status == 404:
        return None
    begun = _page(api, first, 1, what)
    is_short = begun.last == 1 and len(begun.versions) < PAGE_SIZE
    if is_short and not is_of_somebody_else(package):
        return begun.versions
    end = max(begun.last, 2)  # a full page without a Link may be the first of many: a proxy may have removed it

    async def read(number: int) -> _Page:
        return _page(api, await api.get(_path(package, state, number)), number, what)

    async def look() -> _About:
        reply = await api.get(package)
        if reply.status != 200:
            raise api.unreadable(f"The package of {what}", reply)
        found: _About = decoded(reply, _About, f"The package of {what}")
        return found

    before = await look()
    if is_short or (begun.last == 1 and is_of_somebody_else(package)):
        if state == "active" and (before.version_count or 0) > len(begun.versions):
            raise IncompleteSource(
                f"GitHub lists {len(begun.versions)} versions of {what} and counts {before.version_count}: the list of "
                "a personal account's package, as others see it, is not documented to have pages.",
                what_to_do="Use a classic token of that account itself.",
            )
        return begun.versions
    for attempt in range(1, _ATTEMPTS + 1):
        versions = await _all_pages(read, end, what)
        after = await look()
        if after == before or (attempt == _ATTEMPTS and (after.version_count or 0) >= (before.version_count or 0)):
            return versions
        before = after
    raise IncompleteSource(
        f"The versions of {what} cannot be listed: every time some were deleted meanwhile, which moves others to pages "
        "that were read already.",
        what_to_do=_UNSTEADY,
    )


async def _all_pages(read: Callable[[int], Awaitable[_Page]], last: int, what: str) -> list[Version]:
    """Several at once; those that appear at the end meanwhile follow."""
    found: dict[int, Version] = {}
    guard = PageGuard(what)
    known = 0

    async def page(number: int) -> None:
        nonlocal last
        versions, end = await read(number)
        guard.take(sum(1 + len(version.tags) for version in versions))
        found.update((version.id, version) for version in versions)
        last = max(last, end)
        if last > MAX_PAGES:
            raise IncompleteSource(f"Listing {what} does not end: more than {MAX_PAGES} pages.")

    while known < last:
        numbers = range(known + 1, last + 1)
        known = last
        await for_each(numbers, page, workers=_AT_ONCE)
    return list(found.values())


def _path(package: str, state: State, number: int) -> str:
    return f"{package}/versions?per_page={PAGE_SIZE}&page={number}&state={state}"


def _page(api: GithubApi, reply: Reply, number: int, what: str) -> _Page:
    named = f"Page {number} of the versions of {what}"
    if reply.status != 200:
        raise api.unreadable(named, reply)
    rows: list[_Row] = decoded(reply, list[_Row], named)
    try:
        versions = [_version(row) for row in rows]
    except (InvalidName, ValueError) as error:
        raise IncompleteSource(
            f"{named}: {error}.", what_to_do="Nothing is decided on a list that is not known."
        ) from error
    return _Page(versions, _last(reply, number))


def _version(row: _Row) -> Version:
    """Raises InvalidName, and ValueError where there is no word of tags: such a version is not an untagged one."""
    if row.metadata.container is None:
        raise ValueError(f"version {row.id} does not say its tags")
    created, updated = (int(time.timestamp()) if time else 0 for time in (row.created_at, row.updated_at))
    tags = tuple(row.metadata.container.tags)
    return Version(row.id, Digest.parse(row.name), tags, created, max(created, updated))


def _last(reply: Reply, number: int) -> int:
    """GitHub names the last page on all but the last (github/docs, using-pagination-in-the-rest-api.md)."""
    last, following = linked(reply, "last"), linked(reply, "next")
    # A path that begins with two slashes would be taken for a host.
    named = URL(f"//host{last}", encoded=True).query.get("page", "") if last else ""
    if following is None:
        return number
    if len(named) > len(str(MAX_PAGES)):
        raise IncompleteSource(f"{reply.asked.path} does not end: more than {MAX_PAGES} pages.")
    return max(int(named) if named.isdecimal() else 0, number + 1)
