"""Harbor's list of artifacts, complete or not at all.

The newest push is first, so that the pages shift while somebody pushes (entries come twice) or deletes (entries are
missed). Therefore they are counted: the distinct digests must be as many as Harbor says on every page that there are. A
short page is never the end.
"""

import datetime as dt
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from holystone.adapters.http.paging import PageGuard
from holystone.adapters.http.reply import Reply
from holystone.adapters.registries.oci_replies import STRANGE
from holystone.adapters.registries.page import decoded_page
from holystone.engine.errors import IncompleteSource
from holystone.engine.model.manifests import INDEX_TYPES
from holystone.engine.model.references import Digest, InvalidName, Repository
from holystone.engine.scheduler import map_each

PAGE_SIZE: Final = 100
"""More is 422 (goharbor/harbor#13765)."""
TRIES: Final = 4
"""Times that a list is begun anew because it changed."""
_AT_ONCE: Final = 8
_NEVER: Final = 0
"""Go's zero time is in year 1."""


@dataclass(frozen=True, slots=True)
class Artifact:
    digest: Digest
    tags: tuple[str, ...]
    is_index: bool
    immutable: frozenset[str]
    accessories: tuple[Digest, ...]
    """Signatures, SBOMs and other manifests that belong to this one; the list does not show them as artifacts."""
    put: Mapping[str, int]
    """When each tag was put there, in unix seconds, where it is said: a tag's `push_time`, which is written when the
    tag is made and when it moves (goharbor/harbor, src/controller/tag/controller.go, Ensure)."""
    pulled: int
    """Unix seconds of the last pull, by whatever name; 0 if none was recorded. An artifact's `pull_time`, written
    within ten seconds (src/controller/event/handler/internal/artifact.go)."""
    pulled_by: Mapping[str, int]
    """The same of each tag, by which a pull by digest does not count (goharbor/harbor#21326)."""
    pushed: int
    """Unix seconds; 0 if it is not said. An artifact's `push_time`: when the manifest was pushed for the first time
    (src/controller/artifact/controller.go, ensureArtifact)."""


class _Tag(msgspec.Struct):
    name: str
    push_time: dt.datetime | None = None
    pull_time: dt.datetime | None = None
    immutable: bool = False


class _Accessory(msgspec.Struct):
    digest: str


class _Artifact(msgspec.Struct):
    digest: str
    manifest_media_type: str = ""
    push_time: dt.datetime | None = None
    pull_time: dt.datetime | None = None
    tags: list[_Tag] | None = None
    accessories: list[_Accessory] | None = None


@dataclass(frozen=True, slots=True)
class _Page:
    total: int
    artifacts: Sequence[Artifact]


async def read_artifacts(
    repository: Repository,
    get: Callable[[str], Awaitable[Reply]],
    refused: Callable[[Reply], IncompleteSource],
    *,
    parts: bool = False,
) -> Sequence[Artifact]:
    """`get` asks for a path below the repository, `refused` says what an answer that is no list means. `parts`: and
    what is usually hidden, the parts of indexes and the accessories (`q=base=*`; src/pkg/artifact/dao/dao.go,
    setBaseQuery). Raises IncompleteSource if the list never stands still."""
    guard = PageGuard(str(repository))

    async def page(number: int) -> _Page:
        query = f"page={number}&page_size={PAGE_SIZE}&with_tag=true&with_immutable_status=true&with_accessory=true"
        reply = await get(f"/artifacts?{query}{'&q=base%3D*' if parts else ''}")
        if reply.status != 200:
            raise refused(reply)
        found = _read(repository, reply)
        guard.take(sum(1 + len(each.tags) + len(each.accessories) for each in found.artifacts))
        return found

    problem = ""
    for _ in range(TRIES):
        guard = PageGuard(str(repository))
        first = await page(1)
        last = -(-first.total // PAGE_SIZE)
        PageGuard(str(repository)).take(first.total)
        read = [first, *await map_each(range(2, last + 1), page, workers=_AT_ONCE)]
        problem = _contradiction(read)
        if not problem:
            return [artifact for each in read for artifact in each.artifacts]
    raise IncompleteSource(
        f"{repository} cannot be listed completely: {problem}.",
        what_to_do="Run again when nobody pushes or deletes there. Harbor 2.5 miscounts signed images "
        "(goharbor/harbor#16816): use a newer one.",
    )


def _contradiction(pages: Sequence[_Page]) -> str:
    """Where the pages contradict each other; empty if they are one list."""
    total = pages[0].total
    if any(page.total != total for page in pages):
        return f"its number of artifacts changed from {total} to {next(p.total for p in pages if p.total != total)}"
    artifacts = [artifact for page in pages for artifact in page.artifacts]
    distinct = len({artifact.digest for artifact in artifacts})
    if not len(artifacts) == distinct == total:
        return f"Harbor counts {total} artifacts, its pages show {distinct} in {len(artifacts)} rows"
    if twice := _repeated(tag for artifact in artifacts for tag in artifact.tags):
        return f"the tag {twice} is on two artifacts"
    return ""


def _repeated(tags: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for tag in tags:
        if tag in seen:
            return tag
        seen.add(tag)
    return None


def _read(repository: Repository, reply: Reply) -> _Page:
    try:
        total = int(reply.headers["X-Total-Count"])
        return _Page(total, [_parsed(each) for each in decoded_page(reply.body, list[_Artifact])])
    except (msgspec.MsgspecError, InvalidName, LookupError, ValueError, RecursionError) as error:
        raise IncompleteSource(
            f"The tags of {repository} cannot be read: the answer is not Harbor's list of artifacts ({error}).",
            what_to_do=STRANGE,
        ) from error


def _parsed(wire: _Artifact) -> Artifact:
    tags = wire.tags or ()
    return Artifact(
        digest=Digest.parse(wire.digest),
        tags=tuple(tag.name for tag in tags),
        is_index=wire.manifest_media_type in INDEX_TYPES,
        immutable=frozenset(tag.name for tag in tags if tag.immutable),
        accessories=tuple(Digest.parse(accessory.digest) for accessory in wire.accessories or ()),
        put={tag.name: when for tag in tags if (when := _unix(tag.push_time))},
        pulled=_unix(wire.pull_time),
        pulled_by={tag.name: when for tag in tags if (when := _unix(tag.pull_time))},
        pushed=_unix(wire.push_time),
    )


def _unix(moment: dt.datetime | None) -> int:
    return max(_NEVER, int(moment.timestamp())) if moment else _NEVER
