"""Pass: manifests, by digest. Each pass is one level of the order in which they can go."""

from collections.abc import Sequence

from holystone.engine.executor.compare import compare, elsewhere, recorded
from holystone.engine.executor.guard import Guard
from holystone.engine.executor.step_states import Numbered
from holystone.engine.executor.work import RepositoryWork
from holystone.engine.model.outcomes import AlreadyGone, Outcome
from holystone.engine.model.plan import Remove
from holystone.engine.model.references import Digest, Tag


async def remove(work: RepositoryWork, steps: Sequence[Numbered[Remove]], guard: Guard) -> None:
    async def take_away(batch: Sequence[Numbered[Remove]]) -> None:
        holds = (await guard.holds()).digests
        held = {number: holds[step.digest].outcome for number, step in batch if step.digest in holds}
        await work.settle(held, held=True)
        free = [(number, step) for number, step in batch if number not in held]
        outcomes: dict[int, Outcome] = {}

        async def look(one: tuple[int, Tag, Digest]) -> None:
            number, tag, digest = one
            # A tag that moves away now is not touched by the deletion of what it pointed to before.
            now = await compare(work, tag, work.resolver.tag_when_listed(tag), digest)
            if not isinstance(now, Digest | AlreadyGone):
                outcomes[number] = now

        await work.each(((number, tag, step.digest) for number, step in free for tag in step.tags), look)
        if outcomes:  # what came to light may have worn the guard's look out
            holds = (await guard.holds()).digests
            outcomes = {n: holds[s.digest].outcome for n, s in free if s.digest in holds} | outcomes
        for number, step in free:
            if problem := recorded(work, step.digest):
                outcomes.setdefault(number, problem)
        ready = [(number, step.digest) for number, step in free if number not in outcomes]
        tags = {step.digest: step.tags for _, step in free}

        async def still(digest: Digest) -> Outcome | None:
            if hold := (await guard.holds()).digests.get(digest):
                return hold.outcome
            for tag in tags[digest]:
                problem = await elsewhere(work, tag, digest)
                if problem and not isinstance(problem, AlreadyGone):
                    return problem
            return None

        answers = await work.delete(
            [digest for _, digest in ready],
            work.session.delete_manifests,
            still,
        )
        outcomes |= {number: answer for (number, _), answer in zip(ready, answers, strict=True)}
        await work.settle(outcomes)

    await work.each(work.batches(steps), take_away)
