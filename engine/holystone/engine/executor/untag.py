"""Pass: tags that the registry can delete by name."""

from collections.abc import Mapping, Sequence

from holystone.engine.closure.attached import attached_tags
from holystone.engine.errors import DeletionDisabled, RegistryFailure
from holystone.engine.executor.compare import compare, elsewhere, recorded
from holystone.engine.executor.guard import Hold, doomed_manifests, find_holds
from holystone.engine.executor.outliving import one_by_one
from holystone.engine.executor.tally import Numbered
from holystone.engine.executor.work import RepositoryWork
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.outcomes import Deleted, Failed, Outcome
from holystone.engine.model.plan import Untag
from holystone.engine.model.references import Digest


async def untag(work: RepositoryWork, steps: Sequence[Numbered[Untag]]) -> None:
    held = await held_tags(work, steps, careless=not work.capabilities.tag_delete_spares_siblings)
    await work.settle({number: hold.outcome for number, hold in held.items()}, held=True)

    async def take_away(batch: Sequence[Numbered[Untag]]) -> None:
        outcomes: dict[int, Outcome] = {}
        ready: list[Numbered[Untag]] = []

        async def look(numbered: Numbered[Untag]) -> None:
            number, step = numbered
            now = await compare(work, step.tag, work.sight.tag(step.tag), step.digest)
            if not isinstance(now, Digest):
                outcomes[number] = now
            elif problem := recorded(work, step.digest) or await _anchor(work, step):
                outcomes[number] = problem
            else:
                ready.append(numbered)

        await work.each(batch, look)
        digests = {step.tag: step.digest for _, step in ready}
        answers = await work.delete(
            list(digests),
            work.session.delete_tags,
            lambda tag: elsewhere(work, tag, digests[tag]),
        )
        outcomes |= {number: answer for (number, _), answer in zip(ready, answers, strict=True)}
        await work.settle(outcomes)

    async def take_all(steps: Sequence[Numbered[Untag]]) -> None:
        await work.each(work.batches(steps), take_away)

    def went(number: int) -> bool:
        return isinstance(work.tally.outcomes.get(number), Deleted)

    free = [each for each in steps if each[0] not in held]
    await take_all(await one_by_one(work, free, take_all, went))


async def _anchor(work: RepositoryWork, step: Untag) -> Outcome | None:
    """Makes the manifest outlive its tag, where that takes a push. The outcome of the step if it cannot be done."""
    if step.how != "anchor":
        return None
    try:
        await work.session.push_manifest(step.digest, await work.raw(step.digest))
    except DeletionDisabled:
        raise
    except RegistryFailure as error:
        return Failed(f"its manifest, which stays, could not be made to outlive it: {error}")
    return None


async def held_tags(
    work: RepositoryWork, steps: Sequence[Numbered[Untag]], *, careless: bool = False
) -> Mapping[int, Hold]:
    """The steps that must not be done, because something needs their tag. `careless`: the registry may take the
    manifest and its other tags along. Otherwise only tags that are attached to a manifest by their names are in
    question: their manifest may have been given a new tag, and then they stay with it."""
    if not (careless or _any_attached(work, steps)):
        return {}
    going = doomed_manifests(work) | ({step.digest for _, step in steps} if careless else frozenset())
    holds = await find_holds(work, going, work.tally.due_tags)
    held: dict[int, Hold] = {}
    for number, step in steps:
        if hold := holds.tags.get(step.tag) or (holds.digests.get(step.digest) if careless else None):
            held[number] = hold
    return held


def _any_attached(work: RepositoryWork, steps: Sequence[Numbered[Untag]]) -> bool:
    tags = {step.tag: step.digest for _, step in steps}
    manifests = {digest: manifest for digest, manifest in work.manifests.items() if manifest}
    return any(attached_tags(RepositorySnapshot(work.repository, tags, {}, manifests, {})).values())
