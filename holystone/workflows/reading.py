"""Whether a plan out of a file still is what was read: the same project, the same registry, and used by nobody."""

from collections.abc import Callable, Collection
from pathlib import Path

from holystone.adapters.registries.connections import Connections
from holystone.engine.errors import NOTHING_DELETED, Refused
from holystone.engine.model.in_use import UsedImage
from holystone.engine.model.plan import Plan, RepositoryPlan
from holystone.engine.report.notice_words import notice_words
from holystone.engine.scheduler import for_each
from holystone.settings.values import ApplySettings
from holystone.workflows.still_unused import refuse_what_is_used

_AGAIN = "Make a new plan with --plan-out."


def another_project(file: Path, plan: Plan) -> Refused:
    at = ", ".join(str(each.repository) for each in plan.repositories[:3])
    return Refused(
        f"The plan {file} is about another project than --images-repo and --stages-storage, or their variables: it is "
        f"about {at}{', …' if len(plan.repositories) > 3 else ''}.",
        not_deleted=NOTHING_DELETED,
        what_to_do="Take the right plan, or leave the addresses out: the plan has its own.",
    )


async def check_reading(
    connections: Connections,
    plan: Plan,
    settings: ApplySettings,
    listed: Collection[UsedImage],
    note: Callable[[str], None],
) -> None:
    """Raises Refused, IncompleteSource."""
    for notice in await refuse_what_is_used(
        connections, plan, settings.kubernetes, listed, what_to_do=f"{_AGAIN} What is in use stays in it."
    ):
        note(notice_words(notice).of_one)

    async def same_registry(at: RepositoryPlan) -> None:
        session = await connections.session(at.repository, at.implementation, at.place, at.detected_by)
        if (await session.probe()).manners != at.manners:
            raise Refused(
                f"{at.repository}: the registry there does not do what it did when the plan was made: it is another "
                "one, or was set up or updated meanwhile.",
                what_to_do=_AGAIN,
            )

    await for_each((each for each in plan.repositories if each.passes), same_registry, workers=8)
