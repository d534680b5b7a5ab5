"""Pass: tags that give way to a tombstone, whose digest is deleted once for all of them; of many tags, each of its
parts takes some.

A tag becomes the tombstone's, the journal says so, and only then the tombstone goes; see docs/ordering.md.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Final

from holystone.engine.errors import DeletionDisabled, RegistryFailure, TooLate
from holystone.engine.executor.compare import bared, compare, one_by_one, recorded
from holystone.engine.executor.deletes import held_by
from holystone.engine.executor.guard import find_holds
from holystone.engine.executor.work import RepositoryWork
from holystone.engine.model.capabilities import SPARES_ALL
from holystone.engine.model.layerless import layerless_image
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, MovedMeanwhile, Outcome, StillServed
from holystone.engine.model.plan import StepId, Untag
from holystone.engine.model.records import Tombstone
from holystone.engine.model.references import Digest, Repository, Tag
from holystone.engine.scheduler import FRESH, ROUNDS, moment, sent_within

RUN_LABEL: Final = "holystone.run"
"""On a tombstone's configuration: the run that pushed it."""
_TAGS_A_PART: Final = 250
"""So many are worth a part of their own: its delete reads all tags of the repository, on some servers."""


def make_tombstone(run_id: str, repository: Repository) -> Tombstone:
    """A small image to put over doomed tags. Its digest is of this run and this repository alone, so that deleting it
    cannot hit anything else."""
    labels = {RUN_LABEL: run_id, "holystone.repository": str(repository)}
    said = f"Removed by Holystone; `holystone undo {run_id}` undoes it."
    return Tombstone(
        *layerless_image(labels, oci=True, annotations={**labels, "org.opencontainers.image.description": said})
    )


async def overwrite_with_tombstones(work: RepositoryWork, steps: Sequence[Untag]) -> None:
    tombstone = work.journal.known.tombstone
    if tombstone is None:
        raise RegistryFailure(f"{work.repository}: the journal of this run has no tombstone.")
    parts = tombstone.parts
    any_part = frozenset(part.digest for part in parts)
    needed = min(len(parts), 1 + len(steps) // _TAGS_A_PART)
    shares = cycle(parts[:needed])
    on_it: dict[StepId, Digest] = {}
    """Steps whose tag is on the tombstone, each with the part."""
    held = held_by(work, steps, over=tuple(any_part), left=lambda: len(work.states.due) - len(on_it))
    digests = work.capabilities.digests
    drops = digests is None or digests.tombstones != SPARES_ALL
    await work.session.push_blob(tombstone.config)
    marked: list[StepId] = []
    maybe = {step.tag: any_part for step in steps}
    """Tags that are on the tombstone because of us, a push without an answer included."""

    async def overwrite(one: tuple[Untag, RawManifest]) -> None:
        step, part = one
        hold = await held(step)
        looked = moment()
        # No listing will do: what is pushed over cannot be deleted by anybody else any more.
        now = await compare(work, step.tag, work.session.resolve(step.tag), step.digest, *any_part)
        if now == step.digest:
            if hold:
                maybe.pop(step.tag)
                await work.settle({step.id: hold.outcome}, held=True)
                return
            now = recorded(work, step.digest) or await _push(work, step, part, looked, drops=drops)
        if isinstance(now, Digest):
            on_it[step.id] = now
        elif isinstance(now, AlreadyGone) and step.id in work.journal.known.tombstoned:
            marked.append(step.id)  # an earlier attempt came as far as this and did not live to record it
        else:
            if isinstance(now, MovedMeanwhile):
                maybe.pop(step.tag)
            await work.settle({step.id: now})

    async def overwrite_all(steps: Sequence[Untag]) -> None:
        # What an earlier attempt has pushed over waits for its tombstone to go: that is begun already.
        ours = [step for step in steps if step.id in work.journal.known.tombstoned]
        await work.each(zip(ours, shares, strict=False), overwrite)
        others = (step for step in steps if step.id not in work.journal.known.tombstoned)
        await work.begin_each(zip(others, shares, strict=False), overwrite)

    def went(step: Untag) -> bool:
        return step.id in on_it

    await overwrite_all(await one_by_one(work, steps, overwrite_all, went))
    if marked:
        await work.settle({**dict.fromkeys(marked, Deleted()), **await _left_behind(work, marked, any_part)})
    if not on_it:
        return
    await work.journal.mark_tombstoned(on_it)
    by_part: dict[Digest, list[StepId]] = defaultdict(list)
    for step_id, part in on_it.items():
        by_part[part].append(step_id)
    holds = await find_holds(work, by_part, maybe)

    async def held_now(part: Digest) -> Outcome | None:
        hold = (await find_holds(work, by_part, maybe)).digests.get(part)
        return hold.outcome if hold else None

    async def delete(part: Digest) -> None:
        outcome: Outcome
        if hold := holds.digests.get(part):
            outcome = hold.outcome
        else:
            (outcome,) = await work.delete([part], work.session.delete_manifests, held_now)
        if isinstance(outcome, AlreadyGone):
            outcome = Deleted()
        outcomes: dict[StepId, Outcome] = dict.fromkeys(by_part[part], outcome)
        if isinstance(outcome, Deleted):
            outcomes |= await _left_behind(work, by_part[part], frozenset({part}))
        await work.settle(outcomes)

    await work.each(sorted(by_part), delete)


async def _left_behind(
    work: RepositoryWork, step_ids: Sequence[StepId], parts: frozenset[Digest]
) -> Mapping[StepId, Outcome]:
    """Some servers delete a manifest and leave its tags, which serve it all the same (ggcr) or nothing. Then they go by
    their names, where the server can do that. The digest goes first, since that hits no tag that somebody moves
    meanwhile. One tag shows it, as all fare alike, but for those that are elsewhere now. The outcomes of what was left.
    """
    tags = {step_id: tag for step_id in step_ids for tag in work.states.steps[step_id].tags}
    for tag in tags.values():
        now = await work.session.resolve(tag)
        if now is None or now in parts:
            break
    else:
        return {}
    if work.capabilities.tags is None:
        return dict.fromkeys(tags, StillServed()) if now else {}

    async def by_name(tags: Sequence[Tag]) -> Sequence[Outcome]:
        return await work.delete(tags, work.session.delete_tags, moved)

    async def moved(tag: Tag) -> Outcome | None:
        now = await work.session.resolve(tag)
        return None if now is None or now in parts else MovedMeanwhile(now)

    if now is None and not isinstance((await by_name([tag]))[0], Deleted):
        return {}  # it is gone; one that dangles looks the same
    outcomes: dict[StepId, Outcome] = {}

    async def delete(batch: Sequence[tuple[StepId, Tag]]) -> None:
        there = [(step_id, await work.session.resolve(tag), tag) for step_id, tag in batch]
        ours = [(step_id, tag) for step_id, now, tag in there if now is None or now in parts]
        for (step_id, _), answer in zip(ours, await by_name([tag for _, tag in ours]), strict=True):
            outcomes[step_id] = Deleted() if isinstance(answer, AlreadyGone) else answer

    await work.each(work.batches(tags.items()), delete)
    return outcomes


async def _push(
    work: RepositoryWork, step: Untag, part: RawManifest, looked: float, *, drops: bool
) -> Digest | Outcome:
    """Pushes a tombstone over a tag, and says where that points then. What cannot be sent while the look is fresh
    (`looked` is when the first one was, by `moment`) is looked at again. `drops` is `bared`'s."""
    outcome: Outcome = Failed("")
    for _ in range(ROUNDS):
        if problem := await bared(work, step.digest, drops=drops):
            return problem
        try:
            with sent_within(FRESH - (moment() - looked)):
                await work.session.push_manifest(step.tag, part)
        except DeletionDisabled:
            raise
        except TooLate as error:
            outcome = Failed(str(error))
        except RegistryFailure as error:
            return Failed(str(error))
        else:
            return part.digest
        looked = moment()
        look = work.session.resolve(step.tag)
        if (now := await compare(work, step.tag, look, step.digest, part.digest)) != step.digest:
            return now
    return outcome
