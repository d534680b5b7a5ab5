"""Looks at what is to come back, pushes what is missing, and then looks at what was there before the run beside what is
there now. Why a registry refuses a manifest is found out before a refusal is called final."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import anyio

from holystone.engine.errors import (
    BlobsMissing,
    IncompleteSource,
    ManifestRefused,
    RegistryFailure,
    TooLate,
    Unauthorized,
    Unreachable,
)
from holystone.engine.events import tell
from holystone.engine.executor.work import WORKERS
from holystone.engine.model.events import Step
from holystone.engine.model.manifests import RawManifest, blobs_of, understood
from holystone.engine.model.outcomes import Failed, Needed, Outcome, is_settled, kind_of
from holystone.engine.model.plan import RepositoryPlan
from holystone.engine.model.references import Digest, Tag
from holystone.engine.ports import RepositorySession
from holystone.engine.scheduler import FRESH, ROUNDS, Sleep, for_each, sent_within
from holystone.engine.undo.results import (
    AlreadyThere,
    BlobsGone,
    BytesDamaged,
    Moved,
    OtherDigest,
    PutBack,
    Restored,
    TakenMeanwhile,
    UndoOutcome,
    Unread,
    is_back,
)
from holystone.engine.undo.taken import Taken, children, parts

_PAUSES: Final = (0.1, 0.5, 2.0)
"""Seconds before another attempt for what lists others that are all there. distribution 2.8 and GitLab's registry in
file mode write the link files of a repository in place, so that for a moment a manifest that is being put once more,
by anybody, is none."""


@dataclass(frozen=True, slots=True)
class There:
    tags: Mapping[Tag, Digest | None]
    manifests: frozenset[Digest]


class PuttingBack:
    def __init__(
        self,
        plan: RepositoryPlan,
        session: RepositorySession,
        gone: Taken,
        bytes_of: Callable[[Digest], Awaitable[RawManifest | None]],
        tombstone: Sequence[RawManifest],
        in_hand: anyio.CapacityLimiter,
        dry_run: bool,
        sleep: Sleep,
    ) -> None:
        self._repository = plan.repository
        self._restores = plan.undo is not None and plan.undo.way == "restore"
        self._session = session
        self._gone = gone
        self._bytes_of = bytes_of
        self._marks = {marked: mark for mark, marked in plan.marks.items() if mark in gone.tags}
        """By what they mark, which must not come back without them."""
        self._tombstone = frozenset(part.digest for part in tombstone)
        self._in_hand = in_hand
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
            await for_each((each for each in level if each in gone.manifests), self._put_manifest, workers=WORKERS)
        marks = set(self._marks.values())
        for tags in (marks, gone.tags.keys() - marks):
            for level in gone.levels:
                here = frozenset(level)
                await for_each(sorted(tag for tag in tags if gone.tags[tag] in here), self._put_tag, workers=WORKERS)

    async def compare(self, there: There) -> None:
        """Corrects what came of each, now that it was looked at once more."""
        for digest, outcome in self._manifests.items():
            now = digest if digest in there.manifests else None
            self._manifests[digest] = seen(outcome, digest, now, ())
        for tag, outcome in self._tags.items():
            digest, now = self._gone.tags[tag], there.tags[tag]
            raw = await self._bytes_of(digest) if is_back(outcome) and now not in (None, digest) else None
            self._tags[tag] = seen(outcome, digest, now, same_bytes(raw) if raw else ())

    async def delete_tombstone(self) -> Outcome | None:
        """Deletes what is left of it, unless a tag is still there that would go with it."""
        left = [part for part in sorted(self._tombstone) if await self._session.resolve(part)]
        if not left:
            return None
        listing = await self._session.list_tags()
        on_it: list[Tag] = []

        async def look(tag: Tag) -> None:
            if (listing.tags[tag] or await self._session.resolve(tag)) in self._tombstone:
                on_it.append(tag)

        await for_each(sorted(listing.tags), look, workers=WORKERS)
        if on_it:
            return Needed(min(on_it))
        outcomes = await self._session.delete_manifests(left)
        return next((outcome for outcome in outcomes if not is_settled(outcome)), outcomes[0])

    async def _put_manifest(self, digest: Digest) -> None:
        async def put() -> UndoOutcome:
            if await self._session.resolve(digest):
                return AlreadyThere()
            return self._lacks(digest) or await self._bring_back(digest)

        self._manifests[digest] = outcome = await _outcome(put)
        self._tell(digest, (), outcome)

    async def _put_tag(self, tag: Tag) -> None:
        digest = self._gone.tags[tag]

        async def put() -> UndoOutcome:
            now = await self._session.resolve(tag)
            if now == digest:
                return AlreadyThere()
            if now is not None and now not in self._tombstone:
                return TakenMeanwhile(now)
            if lost := self._lost(digest) or self._unmarked(tag):
                return lost
            with sent_within(FRESH):  # nobody's push of a minute ago is pushed over
                return await self._bring_back(digest, tag)

        self._tags[tag] = outcome = await _outcome(put)
        self._tell(digest, (tag,), outcome)

    async def _bring_back(self, digest: Digest, tag: Tag | None = None) -> UndoOutcome:
        """Brings a manifest back, by the registry's own undelete if it has one: that needs no bytes, no blobs and no
        right to push."""
        if self._dry_run:
            return await self._would_come_back(digest)
        if await self._session.restore(digest, (tag,) if tag else ()):
            return Restored()
        async with self._in_hand:
            raw = await self._bytes_of(digest)
            if raw is None:  # where only a tag went, its manifest is there to be read
                raw = (await self._session.read_manifests([digest])).get(digest)
            if raw is None:
                return BytesDamaged() if digest in self._gone.damaged else Unread()
            return await push(self._session, tag or digest, raw, self._sleep)

    async def _would_come_back(self, digest: Digest) -> UndoOutcome:
        if digest not in self._gone.damaged or self._restores:
            return Restored()
        return Restored() if await self._session.resolve(digest) else BytesDamaged()

    def _lost(self, digest: Digest) -> UndoOutcome | None:
        """Why a manifest that was tried before is not there."""
        outcome = self._manifests.get(digest)
        return None if outcome is None or is_back(outcome) else outcome

    def _unmarked(self, tag: Tag) -> UndoOutcome | None:
        """Whoever put the tag back without its mark would make people use what must not be used."""
        mark = self._marks.get(tag)
        # One that is marked itself, as only a changed plan has it, may come after what it marks.
        match self._tags.get(mark) if mark else None:
            case Failed():
                return Failed(f"its mark {mark} is not back")
            case BlobsGone(why):
                return BlobsGone(f"its mark {mark} cannot come back: {why}")
            case _:
                return None

    def _lacks(self, digest: Digest) -> UndoOutcome | None:
        """Some registries would take an index without its children, and nobody could pull it."""
        parts = children(self._gone.held.get(digest))
        return next((lost for child in parts if (lost := self._lost(child))), None)

    def _tell(self, digest: Digest, tags: tuple[Tag, ...], outcome: UndoOutcome) -> None:
        done = len(self._manifests) + len(self._tags)
        tell(Step(self._repository, digest, tags, kind_of(outcome), done, self.total))


async def push(session: RepositorySession, reference: Tag | Digest, raw: RawManifest, sleep: Sleep) -> UndoOutcome:
    """Raises RegistryFailure for what has nothing to do with the manifest."""
    for pause in (*_PAUSES, None):
        try:
            await session.push_manifest(reference, raw)
            return Restored()
        except ManifestRefused as error:
            refusal = error
        listed = parts(understood(raw))
        for part in listed:
            if await session.resolve(part) is None:
                return BlobsGone(f"{part}, which it needs, is not there; {refusal.message}")
        if not listed or pause is None:
            break
        await sleep(pause)
    return await _without_parts(session, raw, refusal)


async def look(session: RepositorySession, plan: RepositoryPlan, gone: Taken) -> There:
    """Every tag and manifest that the journal knows of the time before the run. Raises what the registry raises."""
    listing = await session.list_tags()
    tags: dict[Tag, Digest | None] = {}
    manifests: set[Digest] = set()

    async def tag(name: Tag) -> None:
        tags[name] = listing.tags.get(name) or await session.resolve(name)

    async def manifest(digest: Digest) -> None:
        if await session.resolve(digest) is not None:
            manifests.add(digest)

    await for_each(sorted({each.tag for each in plan.kept if each.digest} | gone.tags.keys()), tag, workers=WORKERS)
    manifests |= {digest for digest in tags.values() if digest}
    await for_each(sorted(frozenset(plan.kept_manifests) | gone.manifests - manifests), manifest, workers=WORKERS)
    return There(tags, frozenset(manifests))


def moved(plan: RepositoryPlan, gone: Taken, there: There) -> tuple[Moved, ...]:
    """What the run had kept and did not find lost itself."""
    kept = {each.tag: each.digest for each in plan.kept if each.digest and each.tag not in gone.tags}
    elsewhere = [Moved(tag, was, there.tags[tag]) for tag, was in sorted(kept.items()) if there.tags[tag] != was]
    behind = {each.was for each in elsewhere}
    missing = sorted(frozenset(plan.kept_manifests) - gone.manifests - there.manifests - behind)
    return (*(Moved(None, digest, None) for digest in missing), *elsewhere)


def same_bytes(raw: RawManifest) -> frozenset[Digest]:
    """The digests that a registry may give these bytes."""
    return frozenset(Digest.of(raw.body, each) for each in ("sha256", "sha512"))


def seen(outcome: UndoOutcome, was: Digest, now: Digest | None, others: Iterable[Digest]) -> UndoOutcome:
    """What came of putting something back, now that it was looked at once more. `others`: digests of the same bytes."""
    if not is_back(outcome) or now == was:
        return outcome
    if now is None:
        return Failed("it was put back, and is not there a moment later")
    return OtherDigest(now) if now in others else TakenMeanwhile(now)


async def _without_parts(session: RepositorySession, raw: RawManifest, refusal: ManifestRefused) -> UndoOutcome:
    """What a refusal means when all manifests are there that this one needs."""
    for blob in (blobs := blobs_of(raw)):
        if not await session.has_blob(blob):
            return BlobsGone(f"the blob {blob} is not there; {refusal.message}")
    # A registry that answers from a cache may show a blob to a look and miss it at the push: its word counts more.
    if blobs and isinstance(refusal, BlobsMissing):
        return BlobsGone(refusal.message)
    return Failed(str(refusal))


async def _outcome(put: Callable[[], Awaitable[UndoOutcome]]) -> UndoOutcome:
    """What cannot be read or put is one entry's trouble; what is true of all of them is raised. What cannot be put
    while the look before it is fresh is looked at again."""
    outcome: UndoOutcome = Failed("")
    for _ in range(ROUNDS):
        try:
            return await put()
        except (Unreachable, Unauthorized):
            raise
        except TooLate as error:
            outcome = Failed(str(error))
        except (RegistryFailure, IncompleteSource) as error:
            return Failed(str(error))
    return outcome
