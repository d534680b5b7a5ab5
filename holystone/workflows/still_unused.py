"""Before a plan is carried out that was made some time ago: does anybody use by now what it takes away?"""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from holystone.adapters.http.reply import printable
from holystone.adapters.registries.connections import Connections
from holystone.engine.errors import Refused
from holystone.engine.model.in_use import UsedImage
from holystone.engine.model.notices import Notice
from holystone.engine.model.plan import Plan, RepositoryPlan
from holystone.engine.model.references import Digest, Repository, Tag
from holystone.engine.planner.refusals import doomed_and_used
from holystone.engine.ports import RepositorySession
from holystone.engine.report.words import some, user_text
from holystone.settings.values import ApplySettings
from holystone.workflows.in_use import A_WHILE, FoundInUse, Users, find_users_again, read_in_use, refuse_unfilled
from holystone.workflows.inventory import RepositoryTarget
from holystone.workflows.unlisted import look_up

_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Looked:
    """Who was asked what is in use, for a plan that was made or looked at here, and when."""

    repositories: Sequence[RepositoryPlan]
    users: Users
    moment: float
    """Unix seconds."""

    def is_at(self, plan: Plan) -> bool:
        """Whether it is this very plan, whatever was lifted of its refusals since."""
        return plan.repositories is self.repositories


async def refuse_what_is_used(
    connections: Connections,
    plan: Plan,
    before: Looked | None,
    settings: ApplySettings,
    listed: Collection[UsedImage],
    *,
    what_to_do: str,
) -> tuple[Looked | None, tuple[Notice, ...]]:
    """What is known of the plan by now, and the notices. Asks the clusters that were asked for the plan, and those that
    are new, unless the plan was made without any and no file of policies names any now. `before`: what is known
    already; if it is of this plan, the clusters that it names are asked again, and only if that was more than a minute
    ago, and what people list counts where it is other than it was. Raises Refused, naming what is used and by whom;
    IncompleteSource."""
    if plan.is_empty:
        return before, ()
    known = before if before and before.is_at(plan) else None
    if known and abs(time.time() - known.moment) <= A_WHILE:
        if listed == known.users.listed:
            return known, ()
        in_use = await _refuse(connections, plan, Users(listed=listed), what_to_do)
        return replace(known, users=msgspec.structs.replace(known.users, listed=listed)), in_use.notices
    users = (
        msgspec.structs.replace(known.users, listed=listed)
        if known
        else await _users_again(plan, settings, listed, connections.environ)
    )
    in_use = await _refuse(connections, plan, users, what_to_do)
    return Looked(plan.repositories, users, in_use.moment), in_use.notices


async def _users_again(
    plan: Plan, settings: ApplySettings, listed: Collection[UsedImage], environ: Mapping[str, str]
) -> Users:
    """Raises Refused where somebody was asked for the plan who is not asked now."""
    if plan.lists and not settings.in_use:
        raise Refused(
            f"The plan was made with what is listed as in use in {printable(some(plan.lists))}, and no list is given "
            "here. So it is not known what is in use now.",
            not_deleted="Nothing was deleted by this command.",
            what_to_do="Add --in-use FILE with what is in use today, or --config FILE if a file of policies names the "
            "list. If nothing is: --in-use /dev/null.",
        )
    return await find_users_again(plan.clusters, settings.kubernetes, listed, environ)


async def _refuse(connections: Connections, plan: Plan, users: Users, what_to_do: str) -> FoundInUse:
    in_use = await read_in_use(users, connections.environ)
    named = {each.repository.canonical for each in in_use.images if each.repository}
    listed: dict[Repository, Mapping[Tag, Digest | None]] = {}
    places: dict[Repository, RepositoryTarget] = {}
    for at in plan.repositories:
        refuse_unfilled(in_use, (at.repository,))
        if at.repository.canonical in named:
            listed[at.repository] = _listed(at)
            places[at.repository] = RepositoryTarget(at.repository, at.implementation, at.place, at.detected_by)

    async def session_of(repository: Repository) -> RepositorySession:
        at = places[repository]
        return await connections.session(at.repository, at.implementation, at.place, at.detected_by)

    unlisted = await look_up(in_use.images, listed, session_of)
    await connections.settle()
    if used := doomed_and_used(plan, (*in_use.images, *unlisted)):
        lines = [f"{what} ({printable(user_text(by[0]))})" for what, by in used.items()]
        more = [f"and {len(lines) - _SHOWN:,} more"] if len(lines) > _SHOWN else []
        raise Refused(
            f"What the plan takes away is in use by now: {', '.join((*lines[:_SHOWN], *more))}.",
            not_deleted="Nothing was deleted by this command.",
            what_to_do=what_to_do,
        )
    return in_use


def _listed(plan: RepositoryPlan) -> dict[Tag, Digest | None]:
    """Which tags there are, and where they point, as the plan has it."""
    tags: dict[Tag, Digest | None] = {kept.tag: kept.digest for kept in plan.kept}
    for step in plan.steps:
        tags |= dict.fromkeys(step.tags, step.digest)
    return tags
