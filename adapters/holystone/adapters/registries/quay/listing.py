"""Complete lists of tags, by either door.

The API pages by offset, newest tag first, without a snapshot (quay/quay:data/model/oci/tag.py,
list_repository_tag_history): a push meanwhile moves every row down, so that rows come twice; a deletion moves them up,
so that rows are skipped. So each page begins with rows that the page before ended with. The size of a page may be
chosen, and (page - 1) * limit with limits from 80 to 100 comes close enough to any row. If its first row is new, rows
were skipped, and an earlier page is read. At the end the first page is read again, for what was pushed or moved.

/v2 caches each page for two minutes, by where it begins and by how many names were asked for; a push leaves the cache
as it is, a deletion clears it only since 2026-08 (data/registry_model/registry_oci_model.py,
lookup_cached_active_repository_tags; seen: tags that were just pushed are missing). So each list asks for another
number. Quays whose pages end at 50 names whatever is asked (before 3.12) are not fooled by that: there a tag is
listed two minutes after its push at the latest.
"""

import itertools
import secrets
import time
from collections.abc import Awaitable, Callable, Collection, Iterator
from typing import Final, NamedTuple

import msgspec

from holystone.adapters.http.dates import date_of
from holystone.adapters.http.paging import PageGuard, pages
from holystone.adapters.http.reply import Reply
from holystone.adapters.registries.listed import ListedNames
from holystone.adapters.registries.oci_replies import STRANGE, names_on, unreadable
from holystone.adapters.registries.quay.api import absent, refused
from holystone.adapters.registries.quay.replies import NONSENSE, code
from holystone.engine.errors import IncompleteSource
from holystone.engine.model.references import Digest, InvalidName, Repository, Tag
from holystone.engine.ports import Listing

PAGE_SIZE: Final = 100
"""The most of both doors (endpoints/api/tag.py; V2_PAGINATION_SIZE)."""
_UNUSUAL: Final = range(75, PAGE_SIZE)
"""Sizes of pages that nobody else asks /v2 for: 50 and 100 are cached because of others."""
_SMALLEST: Final = 80
_PATIENCE: Final = 20
"""How often rows may be skipped before the list counts as unreadable."""
_UNSTEADY: Final = "Run again when fewer tags are pushed and deleted there."


class _Row(msgspec.Struct):
    name: str
    manifest_digest: str
    start_ts: float = 0
    """Unix seconds since when the tag points there (quay/quay, data/model/oci/tag.py, retarget_tag: a row for each
    time). Of manifests nothing is said, and of pulls nothing either: Quay counts them since 3.16 where its operator
    wants it (FEATURE_IMAGE_PULL_STATS), and tells them for one tag a request."""
    end_ts: float | None = None
    """When it ceased or will cease to."""
    immutable: bool = False

    @property
    def key(self) -> tuple[str, float]:
        return self.name, self.start_ts


class _Page(msgspec.Struct):
    tags: list[_Row]
    has_additional: bool


class _Read(NamedTuple):
    page: _Page
    at: float
    """The server's own clock, unix seconds."""


async def list_by_api(repository: Repository, get: Callable[[int, int], Awaitable[Reply]]) -> Listing:
    """Lists by the API. `get` takes the number and the size of a page. Raises Unauthorized and IncompleteSource."""
    reply = await get(1, PAGE_SIZE)
    if absent(reply):
        return Listing({}, exists=False)
    read = _page(repository, reply)
    rows = {row.key: row for row in read.page.tags}
    if read.page.has_additional and not rows:
        raise IncompleteSource(f"The tags of {repository} cannot be listed: an empty page says that more follow.")
    if read.page.has_additional:
        read = await _read_on(repository, get, rows)
    return _listing(repository, rows.values(), read.at)


def unusual_sizes() -> Iterator[int]:
    """Sizes of pages without end, each as late again as possible, beginning anywhere: another run may have just asked,
    too."""
    start = secrets.randbelow(len(_UNUSUAL))
    return itertools.cycle((*_UNUSUAL[start:], *_UNUSUAL[:start]))


async def list_by_registry(repository: Repository, size: int, get: Callable[[str], Awaitable[Reply]]) -> Listing:
    """Lists by /v2, in pages of `size`. Where there is a Link it is followed: its cursor was an opaque token on older
    servers, and the page was smaller."""
    listed = ListedNames()
    first = f"/v2/{repository.path}/tags/list?n={size}"
    async for reply in pages(get, first, what=str(repository), names=names_on, size=size):
        if reply.status == 404 and code(reply) == "NAME_UNKNOWN":
            return Listing({}, exists=False)
        if reply.status != 200:
            raise unreadable(f"The tags of {repository}", reply)
        try:
            listed.add_all(names_on(reply))
        except NONSENSE as error:
            raise _nonsense(repository, error) from error
        del reply
    return listed.listing()


async def _read_on(
    repository: Repository, get: Callable[[int, int], Awaitable[Reply]], rows: dict[tuple[str, float], _Row]
) -> _Read:
    """Adds to `rows` all that follows. What is in it is contiguous, as the list was at some moment."""
    end, more, gaps, guard = len(rows), True, 0, PageGuard(str(repository))
    whole = PageGuard(str(repository))
    while more:
        number, size = overlapping(end)
        start = (number - 1) * size
        guard.admit(str(start))
        found = _page(repository, await get(number, size)).page
        if start and (not found.tags or found.tags[0].key not in rows):
            gaps += 1
            if gaps > _PATIENCE:
                raise IncompleteSource(
                    f"The tags of {repository} cannot be listed: they are deleted faster than they can be read.",
                    what_to_do=_UNSTEADY,
                )
            end, guard = max(1, start - PAGE_SIZE // 2), PageGuard(str(repository))
            continue
        whole.take(len(found.tags))
        rows.update((row.key, row) for row in found.tags)
        end, more = start + len(found.tags), found.has_additional
    top = _page(repository, await get(1, PAGE_SIZE))
    if top.page.has_additional and not any(row.key in rows for row in top.page.tags):
        raise IncompleteSource(
            f"The tags of {repository} cannot be listed: they are pushed faster than they can be read.",
            what_to_do=_UNSTEADY,
        )
    rows.update((row.key, row) for row in top.page.tags)
    return top


def overlapping(end: int) -> tuple[int, int]:
    """Number and size of the page that holds row `end - 1` (counted from 0) and reaches furthest beyond it."""
    size = max(range(_SMALLEST, PAGE_SIZE + 1), key=lambda size: ((end - 1) // size + 1) * size)
    return (end - 1) // size + 1, size


def _page(repository: Repository, reply: Reply) -> _Read:
    if reply.status != 200:
        raise refused(f"The tags of {repository} cannot be listed", reply)
    try:
        return _Read(msgspec.json.decode(reply.body, type=_Page), _date(reply))
    except NONSENSE as error:
        raise _nonsense(repository, error) from error


def _listing(repository: Repository, rows: Collection[_Row], now: float) -> Listing:
    """The rows as a listing. Of each name the newest row counts: a tag that moved while the list was read is there
    twice."""
    listed = ListedNames()
    locked: dict[Tag, str] = {}
    put: dict[Tag, int] = {}
    newest = {row.name: row for row in sorted(rows, key=lambda row: row.start_ts)}
    for row in newest.values():
        if row.end_ts and row.end_ts <= now:
            continue  # dead: a server that does not know onlyActiveTags
        try:
            digest = Digest.parse(row.manifest_digest)
        except InvalidName as error:
            raise _nonsense(repository, error) from error
        tag = listed.add(row.name, digest)
        if row.immutable and tag:
            locked[tag] = "the tag is immutable in Quay (its own flag, or an immutability policy)"
        if tag and row.start_ts:
            put[tag] = int(row.start_ts)
    return msgspec.structs.replace(listed.listing(), locked=locked, put=put)


def _date(reply: Reply) -> float:
    said = date_of(reply.headers)
    return time.time() if said is None else said


def _nonsense(repository: Repository, error: Exception) -> IncompleteSource:
    return IncompleteSource(
        f"The tags of {repository} cannot be read: the answer is not a tag list ({error}).", what_to_do=STRANGE
    )
