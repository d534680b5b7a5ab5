"""Whether a plan still is what was read: of this project and this day, of the same registry, and used by nobody."""

import time
from collections.abc import Collection
from typing import Final

import msgspec

from holystone.adapters.registries.connections import Connections
from holystone.engine.errors import NOTHING_DELETED, Refused
from holystone.engine.model.in_use import UsedImage
from holystone.engine.model.notices import Notice
from holystone.engine.model.plan import Plan, RepositoryPlan
from holystone.engine.model.source_notices import LoginsNotGiven
from holystone.engine.scheduler import for_each
from holystone.settings.places import ProjectPlaces
from holystone.settings.values import DAY, ApplySettings, RegistrySettings
from holystone.workflows.still_unused import Looked, refuse_what_is_used

_AGAIN: Final = "Make a new plan with --plan-out."


async def check_plan(
    connections: Connections,
    plan: Plan,
    before: Looked | None,
    settings: ApplySettings,
    listed: Collection[UsedImage],
) -> tuple[Looked | None, tuple[Notice, ...]]:
    """What is known of the plan by now, and what a person should know. `before`: what is known already, as
    `refuse_what_is_used` takes it; of a plan that was neither made nor looked at here, the registries are asked whether
    they are the same. Raises Refused, IncompleteSource."""
    refuse_another_project(settings.places, plan, "The plan")
    if not -settings.max_age <= plan.as_of - time.time() <= DAY:
        raise Refused(
            "The plan is of another day: what is there, and what is wanted, may be another by now.",
            not_deleted=NOTHING_DELETED,
            what_to_do="Make a new one.",
        )
    is_known = before is not None and before.is_at(plan)
    what_to_do = f"{'Make a new plan.' if is_known else _AGAIN} What is in use stays in it."
    looked, notices = await refuse_what_is_used(connections, plan, before, settings, listed, what_to_do=what_to_do)
    if not is_known:
        await for_each(
            (each for each in plan.repositories if each.passes),
            lambda at: _refuse_another_registry(connections, at),
            workers=8,
        )
    return looked, notices


def made_with(plan: Plan, settings: ApplySettings) -> Plan:
    """The plan, once it is noted what whoever carries it out later needs as well."""
    lists = tuple("standard input" if each is None else str(each) for each in settings.in_use)
    given = settings.registry.by_host.keys()
    logins = {at.repository.host for at in plan.repositories if at.repository.host in given} if given else ()
    return msgspec.structs.replace(plan, lists=lists, logins=tuple(sorted(logins)))


def logins_not_given(plan: Plan, registry: RegistrySettings) -> tuple[Notice, ...]:
    """Logins of a file of policies, with which the plan was made: others may see and do other things."""
    missing = tuple(sorted({*plan.logins} - registry.by_host.keys()))
    return (LoginsNotGiven(missing),) if missing else ()


def refuse_another_project(places: ProjectPlaces, plan: Plan, what: str) -> None:
    """What is said of a project's registries, and their logins, is not for another's. Raises Refused."""
    if places.are_given and plan.repositories and not places.has(plan):
        raise Refused(f"{what} is another project's.", not_deleted=NOTHING_DELETED)


async def _refuse_another_registry(connections: Connections, at: RepositoryPlan) -> None:
    session = await connections.session(at.repository, at.implementation, at.place, at.detected_by)
    if (await session.probe()).manners != at.manners:
        raise Refused(
            f"{at.repository}: the registry there does not do what it did when the plan was made: it is another "
            "one, or was set up or updated meanwhile.",
            what_to_do=_AGAIN,
        )
