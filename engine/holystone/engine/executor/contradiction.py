"""A look that contradicts the plan is looked at again, over a connection of its own, before it decides anything.

Most tags may be moved by people. One that is written once (a stage, a record, an image named after its content) may
not: seen elsewhere than planned it proves a wrong answer, now or when the plan was made, or that somebody has
overwritten it. Neither leaves anything that the plan can be trusted for.
"""

from collections.abc import Collection

from holystone.engine.errors import Doubtful, PlanDoubtful
from holystone.engine.model.plan import RepositoryPlan
from holystone.engine.model.references import Digest, Tag
from holystone.engine.ports import RepositorySession


def written_once(plan: RepositoryPlan) -> frozenset[Tag]:
    """The tags that are written once, kept and doomed ones."""
    return frozenset((*(each.tag for each in plan.kept if each.written_once), *plan.doomed_written_once))


async def look_again(
    session: RepositorySession, plan: RepositoryPlan, tag: Tag, expected: Collection[Digest], *, once: bool
) -> Digest | None:
    """Where the tag points, which was seen elsewhere than `expected`. `once`: it is written once. Raises what the
    registry raises; of such a tag Doubtful if the first answer was wrong, PlanDoubtful if it was right."""
    now = await session.resolve(tag, alone=True)
    if now is None or not once:
        return now
    if now in expected:
        raise Doubtful(
            f"{plan.repository}: asked twice where {tag} points, which nobody moves, the registry gave two answers: "
            "they are mixed up on the way, and none is to be relied on.",
            what_to_do="A proxy or server on the way there answers some requests twice: find it, or go around it.",
        )
    raise PlanDoubtful(
        f"{plan.repository}: {tag} is written once, and points to {now.short} now, elsewhere than when the plan was "
        "made: what was read then was wrong, or somebody has overwritten it.",
        what_to_do="Run the command again: it makes a new plan. If it happens again, find out who pushes there.",
    )
