"""One repository: reads what is there, and pushes what is missing."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from holystone.engine.errors import HolystoneError, IncompleteSource, RegistryFailure, Unauthorized, Unreachable
from holystone.engine.executor import Progress
from holystone.engine.journal import Run
from holystone.engine.model.manifests import Malformed, RawManifest, parse_manifest
from holystone.engine.model.outcomes import Failed, Needed, Outcome, is_settled
from holystone.engine.model.plan import RepositoryPlan
from holystone.engine.model.references import Digest, Repository, Tag
from holystone.engine.ports import Registry
from holystone.engine.scheduler import for_each
from holystone.engine.undo.outcomes import AlreadyThere, BlobsGone, Restored, TakenMeanwhile, UndoOutcome, is_back
from holystone.engine.undo.push import Sleep, push
from holystone.engine.undo.results import PutBack, RepositoryUndo
from holystone.engine.undo.taken import Taken, taken

_WORKERS: Final = 64
"""Requests that are prepared at once; how many are really sent is the lane's decision."""


async def undo_repository(
    plan: RepositoryPlan,
    registries: Callable[[Repository], Registry],
    run: Run,
    progress: Progress,
    *,
    dry_run: bool,
    sleep: Sleep,
) -> RepositoryUndo:
    """Raises no HolystoneError: it is in the result, so that other repositories go on."""
    work: _PuttingBack | None = None
    stopped: HolystoneError | None = None
    left: Outcome | None = None
    try:
        if journal := await run.repository(plan.repository):
            tombstone = journal.known.tombstone.parts if journal.known.tombstone else ()
            gone = taken(plan, journal.known, await journal.manifests())
            work = _PuttingBack(plan, registries(plan.repository), gone, tombstone, progress, dry_run, sleep)
            await work.everything()
            left = await work.delete_tombstone()
    except HolystoneError as error:
        stopped = error
    put_back = work.put_back() if work else ()
    return RepositoryUndo(plan.repository, put_back, work.total - len(put_back) if work else 0, stopped, left)


class _PuttingBack:
    def __init__(
        self,
        plan: RepositoryPlan,
        registry: Registry,
        gone: Taken,
        tombstone: Sequence[RawManifest],
        progress: Progress,
        dry_run: bool,
        sleep: Sleep,
    ) -> None:
        self._repository = plan.repository
        self._registry = registry
        self._gone = gone
        self._marks = {marked: mark for mark, marked in plan.marks.items() if mark in gone.tags}
        """By what they mark, which must not come back without them."""
        self._tombstone = frozenset(part.digest for part in tombstone)
        self._progress = progress
        self._dry_run = dry_run
        self._sleep = sleep
        self._manifests: dict[Digest, UndoOutcome] = {}
        self._tags: dict[Tag, UndoOutcome] = {}
        self.total = len(gone.manifests) + len(gone.tags)

    def put_back(self) -> tuple[PutBack, ...]:
        manifests = (PutBack(None, digest, outcome) for digest, outcome in sorted(self._manifests.items()))
        tags = (PutBack(tag, self._gone.tags[tag], outcome) for tag, outcome in sorted(self._tags.items()))
        return (*manifests, *tags)

    async def everything(self) -> None:
        """Tags by level too: to put a tag is to put its manifest once more, and meanwhile some registries take nothing
        that lists it."""
        gone = self._gone
        for level in gone.levels:
            await for_each((each for each in level if each in gone.manifests), self._put_manifest, workers=_WORKERS)
        marks = set(self._marks.values())
        for tags in (marks, gone.tags.keys() - marks):
            for level in gone.levels:
                here = frozenset(level)
                await for_each(sorted(tag for tag in tags if gone.tags[tag] in here), self._put_tag, workers=_WORKERS)

    async def delete_tombstone(self) -> Outcome | None:
        """Deletes what is left of it, unless a tag is still there that would go with it."""
        if self._dry_run:
            return None
        left = [part for part in sorted(self._tombstone) if await self._registry.resolve(self._repository, part)]
        if not left:
            return None
        listing = await self._registry.list_tags(self._repository)
        on_it: list[Tag] = []

        async def look(tag: Tag) -> None:
            if (listing.tags[tag] or await self._registry.resolve(self._repository, tag)) in self._tombstone:
                on_it.append(tag)

        await for_each(sorted(listing.tags), look, workers=_WORKERS)
        if on_it:
            return Needed(min(on_it))
        outcomes = await self._registry.delete_manifests(self._repository, left)
        return next((outcome for outcome in outcomes if not is_settled(outcome)), outcomes[0])

    async def _put_manifest(self, digest: Digest) -> None:
        async def put() -> UndoOutcome:
            if await self._registry.resolve(self._repository, digest):
                return AlreadyThere()
            raw = self._gone.bytes[digest]
            return self._lacks(raw) or await self._bring_back(raw)

        self._manifests[digest] = await _outcome(put)
        self._tell()

    async def _put_tag(self, tag: Tag) -> None:
        digest = self._gone.tags[tag]

        async def put() -> UndoOutcome:
            now = await self._registry.resolve(self._repository, tag)
            if now == digest:
                return AlreadyThere()
            if now is not None and now not in self._tombstone:
                return TakenMeanwhile(now)
            lost = self._lost(digest) or self._unmarked(tag)
            return lost or await self._bring_back(self._gone.bytes[digest], tag)

        self._tags[tag] = await _outcome(put)
        self._tell()

    async def _bring_back(self, raw: RawManifest, tag: Tag | None = None) -> UndoOutcome:
        """By the registry's own undelete if it has one: that needs no blobs and no right to push."""
        if not self._dry_run and await self._registry.restore(self._repository, raw.digest, (tag,) if tag else ()):
            return Restored()
        if self._dry_run:
            return Restored()
        return await push(self._registry, self._repository, tag or raw.digest, raw, self._sleep)

    def _lost(self, digest: Digest) -> UndoOutcome | None:
        """Why a manifest that was tried before is not there."""
        outcome = self._manifests.get(digest)
        return None if outcome is None or is_back(outcome) else outcome

    def _unmarked(self, tag: Tag) -> UndoOutcome | None:
        """Whoever put the tag back without its mark would make people use what must not be used."""
        mark = self._marks.get(tag)
        match self._tags[mark] if mark else None:
            case Failed():
                return Failed(f"its mark {mark} is not back")
            case BlobsGone(why):
                return BlobsGone(f"its mark {mark} cannot come back: {why}")
            case _:
                return None

    def _lacks(self, raw: RawManifest) -> UndoOutcome | None:
        """Some registries would take an index without its children, and nobody could pull it."""
        try:
            children = parse_manifest(raw).children
        except Malformed:
            return None
        return next((lost for child in children if (lost := self._lost(child))), None)

    def _tell(self) -> None:
        self._progress(self._repository, len(self._manifests) + len(self._tags), self.total)


async def _outcome(put: Callable[[], Awaitable[UndoOutcome]]) -> UndoOutcome:
    """What cannot be read or put is one entry's trouble; what is true of all of them is raised."""
    try:
        return await put()
    except (Unreachable, Unauthorized):
        raise
    except (RegistryFailure, IncompleteSource) as error:
        return Failed(str(error))
