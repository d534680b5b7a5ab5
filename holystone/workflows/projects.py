"""The projects of a file of policies: each is read, decided and planned as `cleanup` would, one after the other, so
that the snapshots of one at a time are held."""

from collections.abc import Collection
from typing import Final

from holystone.adapters.registries.connections import Connections
from holystone.engine.errors import Doubtful, HolystoneError, Refused
from holystone.engine.model.notices import InProject, Notice
from holystone.engine.model.references import RegistryHost
from holystone.engine.model.set_aside import SetAside
from holystone.engine.model.source_notices import ClockApart, ClockUnwitnessed
from holystone.engine.names import parse_address, repository_of
from holystone.engine.ports import DigestCache, TagMemory
from holystone.policies.retention.rules import RetentionFile, WerfProject
from holystone.settings.file_projects import host_of, project_cleanup
from holystone.settings.project import load_project
from holystone.workflows.aside import GatheredProject, failure_of
from holystone.workflows.decision import Scope
from holystone.workflows.gathered import COMMAND, Gathered, PruneOptions
from holystone.workflows.in_use import FoundInUse
from holystone.workflows.project_plan import PlannedProject, ProjectOptions, plan_project

_OF_THE_RUN: Final = (ClockApart, ClockUnwitnessed)
"""Notices that are told of the run once."""


async def plan_projects(
    connections: Connections,
    cache: DigestCache,
    memory: TagMemory,
    retention: RetentionFile,
    options: PruneOptions,
    in_use: FoundInUse,
    made: Gathered,
    *,
    users_asked: bool,
) -> None:
    """Adds each to `made`; one that cannot be read, or must not be touched, is set aside there, and stops no other. To
    be called while nothing else is read: sessions are closed with the project that they were opened for."""
    hosts = {host for each in retention.projects for host in _hosts(each)}
    of_all = ProjectOptions(
        command=COMMAND,
        as_of=options.as_of,
        fuse=options.fuse,
        folder=options.folder,
        locks=None if options.only_looks else options.state_dir,
        users_asked=users_asked,
        accept_new_baseline=options.accept_new_baseline,
        allow_clock_skew=options.allow_clock_skew,
        is_only_shown=options.is_only_shown,
    )

    async def used() -> FoundInUse:
        return in_use

    for project in retention.projects:
        own = _hosts(project)
        settings = project_cleanup(project, retention.registries, synchronize=options.synchronize)
        try:
            loaded = await load_project(settings.project)
            planned = await plan_project(
                *(connections, cache, memory, settings, loaded, Scope(images=True, stages=True), of_all, used),
                elsewhere=hosts - own,
            )
            for host in {each.host for each in planned.repositories}:
                await connections.settle(host)
            _refuse_shared(planned, made.projects)
        except Doubtful as error:  # whatever else was read there is in doubt as well
            for host in sorted(own):
                made.set_aside(SetAside(host, None, (failure_of(error),)))
            made.set_aside(_aside(project, error))
        except HolystoneError as error:
            made.set_aside(_aside(project, error))
        else:
            made.add_project(_gathered(project, planned), planned.plan)
        finally:
            await connections.leave()


def _hosts(project: WerfProject) -> frozenset[RegistryHost]:
    return frozenset({host_of(project.images_repo), host_of(project.stages_storage)})


def _aside(project: WerfProject, error: HolystoneError) -> SetAside:
    storage = repository_of(parse_address(project.stages_storage))
    return SetAside(storage.host, storage, (failure_of(error),), project.shown)


def _gathered(project: WerfProject, planned: PlannedProject) -> GatheredProject:
    return GatheredProject(
        project.shown,
        repository_of(parse_address(project.stages_storage)),
        frozenset(each.canonical for each in planned.repositories),
        planned.plan.counted,
        tuple(_told(project.shown, each) for each in planned.plan.notices if not isinstance(each, _OF_THE_RUN)),
    )


def _told(project: str, notice: Notice) -> Notice:
    return notice if isinstance(notice, InProject) else InProject(project, notice)


def _refuse_shared(planned: PlannedProject, others: Collection[GatheredProject]) -> None:
    """Each project decides what stays of a repository as if all that is not its own were somebody's: two such plans are
    none of one repository. Raises Refused."""
    for other in others:
        if shared := sorted(each for each in planned.repositories if each.canonical in other.repositories):
            raise Refused(
                f"{shared[0]} is a repository of the project in {other.name}, too, and a run cleans it for one of the "
                "two.",
                what_to_do="Give each project a repository of its own, or clean this one by `holystone cleanup`.",
            )
