"""Pass: manifests, by digest. Each pass is one level of the order in which they can go."""

from collections.abc import Sequence

from holystone.engine.executor.compare import compare, elsewhere, recorded
from holystone.engine.executor.guard import Guard
from holystone.engine.executor.work import RepositoryWork
from holystone.engine.model.outcomes import AlreadyGone, Outcome
from holystone.engine.model.plan import Remove, StepId
from holystone.engine.model.references import Digest, Tag


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
            now = await compare(work, tag, work.resolver.tag_when_listed(tag), step.digest)
            if not isinstance(now, Digest | AlreadyGone):
                outcomes[step.id] = now

        await work.each(((step, tag) for step in free for tag in step.tags), look)
        if outcomes:  # what came to light may have worn the guard's look out
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

    await work.each(work.batches(steps), take_away)
