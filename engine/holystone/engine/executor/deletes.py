"""Passes that delete outright: tags by name, where the registry can do that, and manifests by digest. Each pass of
manifests is one level of the order in which they can go."""

from collections.abc import Awaitable, Callable, Collection, Sequence

from holystone.engine.closure.graph import attached_tags
from holystone.engine.errors import DeletionDisabled, RegistryFailure
from holystone.engine.executor.compare import bared, compare, elsewhere, one_by_one, recorded
from holystone.engine.executor.guard import Guard, Hold
from holystone.engine.executor.work import RepositoryWork
from holystone.engine.model.capabilities import SPARES_ALL
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Outcome
from holystone.engine.model.plan import Remove, StepId, Untag
from holystone.engine.model.references import Digest, Tag
from holystone.engine.scheduler import moment


async def untag(work: RepositoryWork, steps: Sequence[Untag]) -> None:
    held = held_by(work, steps, takes=_may_take(work, steps))
    drops = work.capabilities.tags is None or work.capabilities.tags.last_tag != SPARES_ALL

    async def take_away(batch: Sequence[Untag]) -> None:
        holds = {step.id: hold.outcome for step in batch if (hold := await held(step))}
        await work.settle(holds, held=True)
        batch = [step for step in batch if step.id not in holds]
        outcomes: dict[StepId, Outcome] = {}
        ready: list[Untag] = []

        async def look(step: Untag) -> None:
            now = await compare(work, step.tag, work.resolver.tag(step.tag), step.digest)
            if not isinstance(now, Digest):
                outcomes[step.id] = now
            elif problem := (
                recorded(work, step.digest) or await bared(work, step.digest, drops=drops) or await _anchor(work, step)
            ):
                outcomes[step.id] = problem
            else:
                ready.append(step)

        looked = moment()
        await work.each(batch, look)
        by_tag = {step.tag: step for step in ready}

        async def still(tag: Tag) -> Outcome | None:
            hold = await held(by_tag[tag])
            if hold:
                return hold.outcome
            digest = by_tag[tag].digest
            return await elsewhere(work, tag, digest) or await bared(work, digest, drops=drops)

        answers = await work.delete(list(by_tag), work.session.delete_tags, still, looked=looked)
        outcomes |= {step.id: answer for step, answer in zip(ready, answers, strict=True)}
        await work.settle(outcomes)

    async def take_all(steps: Sequence[Untag]) -> None:
        await work.begin_each(work.batches(steps), take_away)

    def went(step: Untag) -> bool:
        return isinstance(work.states.outcomes.get(step.id), Deleted)

    await take_all(await one_by_one(work, steps, take_all, went))


async def remove(work: RepositoryWork, steps: Sequence[Remove], guard: Guard) -> None:
    async def take_away(batch: Sequence[Remove]) -> None:
        holds = (await guard.holds()).digests
        held = {step.id: holds[step.digest].outcome for step in batch if step.digest in holds}
        await work.settle(held, held=True)
        free = [step for step in batch if step.id not in held]
        outcomes: dict[StepId, Outcome] = {}

        async def look(one: tuple[Remove, Tag]) -> None:
            step, tag = one
            # A tag that moves away now is not touched by the deletion of what it pointed to before.
            now = await compare(work, tag, work.resolver.tag_lately(tag), step.digest)
            if not isinstance(now, Digest | AlreadyGone):
                outcomes[step.id] = now

        await work.each(((step, tag) for step in free for tag in step.tags), look)
        # What came to light may have worn the guard's look out, and so may a machine that was suspended meanwhile.
        holds = (await guard.holds()).digests
        outcomes = {step.id: holds[step.digest].outcome for step in free if step.digest in holds} | outcomes
        for step in free:
            if problem := recorded(work, step.digest):
                outcomes.setdefault(step.id, problem)
        ready = [step for step in free if step.id not in outcomes]
        tags = {step.digest: step.tags for step in free}

        async def still(digest: Digest) -> Outcome | None:
            if hold := (await guard.holds()).digests.get(digest):
                return hold.outcome
            for tag in tags[digest]:
                problem = await elsewhere(work, tag, digest)
                if problem and not isinstance(problem, AlreadyGone):
                    return problem
            return None

        answers = await work.delete([step.digest for step in ready], work.session.delete_manifests, still)
        outcomes |= {step.id: answer for step, answer in zip(ready, answers, strict=True)}
        await work.settle(outcomes)

    await work.begin_each(work.batches(steps), take_away)


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


def _may_take(work: RepositoryWork, steps: Sequence[Untag]) -> frozenset[Digest]:
    """Manifests that the registry may take along, with any of their tags or with the last one. Of what stays a tag
    stays, or it is seen to by itself (`one_by_one`)."""
    every = frozenset(step.digest for step in steps)
    last = work.capabilities.tags.last_tag if work.capabilities.tags else None
    if last is None:
        return every
    return every - set(work.plan.kept_manifests) if last.manifest in ("may-go", "goes-unanchored") else frozenset()


def held_by(
    work: RepositoryWork,
    steps: Sequence[Untag],
    *,
    takes: Collection[Digest] = (),
    over: Sequence[Digest] = (),
    left: Callable[[], int] | None = None,
) -> Callable[[Untag], Awaitable[Hold | None]]:
    """Tells of each step, when its turn has come, whether it must not be done because something needs its tag.
    `takes`: manifests that the registry may take along. Otherwise only tags that are attached to a manifest by their
    names are in question: their manifest may have been given a new tag, and then they stay with it. `over` and `left`
    are the guard's."""
    if not (takes or _any_attached(work, steps)):
        return _nothing
    guard = Guard(work, also=takes, over=over, left=left)

    async def held(step: Untag) -> Hold | None:
        holds = await guard.holds()
        return holds.tags.get(step.tag) or (holds.digests.get(step.digest) if step.digest in takes else None)

    return held


async def _nothing(_: Untag) -> Hold | None:
    return None


def _any_attached(work: RepositoryWork, steps: Sequence[Untag]) -> bool:
    tags = {step.tag: step.digest for step in steps}
    manifests = {digest: manifest for digest, manifest in work.manifests.items() if manifest}
    return any(attached_tags(RepositorySnapshot(work.repository, tags, {}, manifests, {})).values())
