"""From the settings of one project to its plan."""

from collections.abc import Collection
from functools import partial
from typing import NamedTuple

import msgspec

from holystone.adapters.registries.connections import Connections
from holystone.engine.inventory.belief import NO_MEMORY
from holystone.engine.model.in_use import UsedImage
from holystone.engine.model.plan import Plan
from holystone.engine.planner.assemble import with_more
from holystone.engine.planner.refusals import FuseLimits
from holystone.engine.ports import DigestCache, TagMemory
from holystone.settings.project import load_project
from holystone.settings.values import CleanupSettings
from holystone.workflows.baselines import hold_against_last
from holystone.workflows.decision import Scope
from holystone.workflows.in_use import Users, find_users, read_in_use
from holystone.workflows.project_plan import ProjectOptions, plan_project


class Prepared(NamedTuple):
    plan: Plan
    users: Users
    """Who was asked what is in use."""
    asked: float
    """When; Unix seconds."""


async def prepare_plan(
    connections: Connections,
    cache: DigestCache,
    settings: CleanupSettings,
    scope: Scope,
    command: str,
    as_of: int,
    listed: Collection[UsedImage] = (),
    memory: TagMemory = NO_MEMORY,
) -> Prepared:
    """`listed`: images that the user says are in use; `memory`: where tags pointed to that need not be looked at again,
    unless something goes by it. Raises HolystoneError; nothing is changed anywhere."""
    run = settings.run
    project = await load_project(settings.project)
    users = await find_users(settings.kubernetes, listed, connections.environ) if scope.images else Users(listed=listed)
    options = ProjectOptions(
        command=command,
        as_of=as_of,
        fuse=None if run.yes_delete_that_many else FuseLimits(),
        folder=run.cache_dir,
        locks=None if run.only_looks else run.state_dir,
        is_only_shown=run.is_only_shown,
        users_asked=bool(users.clusters or users.listed),
        accept_new_baseline=run.accept_new_baseline,
        allow_clock_skew=settings.allow_clock_skew,
    )
    read_users = partial(read_in_use, users, connections.environ)
    made = await plan_project(connections, cache, memory, settings, project, scope, options, read_users)
    plan = msgspec.structs.replace(with_more(made.plan, notices=made.in_use.notices), clusters=users.asked)
    plan = await hold_against_last(plan, run.state_dir, accepted=run.accept_new_baseline)
    return Prepared(plan, users, made.in_use.moment)
