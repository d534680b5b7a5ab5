"""Takes repositories and projects out of a plan that must be left alone."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import msgspec

from holystone.adapters.state.spool import FileSpool
from holystone.engine.errors import HolystoneError
from holystone.engine.model.notices import Notice
from holystone.engine.model.plan import Plan, RepositoryPlan
from holystone.engine.model.references import RegistryHost, Repository
from holystone.engine.model.refusals import Refusal, SourceShrank
from holystone.engine.model.set_aside import Failure, SetAside, in_order, is_set_aside
from holystone.engine.model.sources import Counted, Key


def failure_of(error: HolystoneError) -> Failure:
    return Failure(type(error).__name__, error.message, error.what_to_do)


class GatheredProject(msgspec.Struct, frozen=True):
    """A project that was planned."""

    name: str
    """As people call it."""
    storage: Repository
    repositories: frozenset[Repository]
    """Canonical; all where something of it may be."""
    counted: tuple[Counted, ...]
    notices: tuple[Notice, ...] = ()

    def has(self, key: Key) -> bool:
        return any(each.key == key for each in self.counted)

    def aside(self, why: tuple[Refusal | Failure, ...]) -> SetAside:
        return SetAside(self.storage.host, self.storage, why, self.name)

    def is_among(self, set_aside: Iterable[SetAside]) -> bool:
        return any(each.project == self.name and each.repository == self.storage for each in set_aside)


def with_projects(set_aside: Sequence[SetAside], projects: Iterable[GatheredProject]) -> tuple[SetAside, ...]:
    """What is left alone, and each project of which a part is: its stages go or stay by what becomes of its images. In
    order."""
    places = {each.place: each for each in set_aside if each.place}
    found = list(set_aside)
    for project in projects:
        lies = (at for each in sorted(project.repositories) for at in (each.host, each))
        hit = next((at for at in lies if at in places), None)
        if hit and not project.is_among(set_aside):
            found.append(project.aside(places[hit].why))
    return in_order(found)


def left_out(
    set_aside: Sequence[SetAside], projects: Iterable[GatheredProject]
) -> frozenset[RegistryHost | Repository]:
    """All places of which nothing may be in the plan."""
    places = {each.place for each in set_aside if each.place}
    return frozenset(places.union(*(each.repositories for each in projects if each.is_among(set_aside))))


def shrunk_aside(plan: Plan, projects: Collection[GatheredProject], folder: Path) -> Plan:
    """The plan without repositories and projects of which a run has seen far more, less what runs have deleted since,
    or of whose clones, and without registries of which nothing is in use any more."""
    shrunk = [each for each in plan.refusals if isinstance(each, SourceShrank)]
    if not shrunk:
        return plan
    aside = list(plan.set_aside)
    aside += [
        project.aside(reasons)
        for project in projects
        if (reasons := tuple(each for each in shrunk if project.has(each.fewer.key)))
    ]
    others = [each for each in shrunk if not any(project.has(each.fewer.key) for project in projects)]
    whole = [each for each in others if each.fewer.key.source == "in-use"]
    at = {each.fewer.key.repository: each for each in others if each not in whole}
    aside += [SetAside(each.fewer.key.repository.host, None, (each,)) for each in whole]
    aside += [
        SetAside(each.repository.host, each.repository, (why,))
        for each in plan.repositories
        if (why := at.get(each.repository.canonical))
    ]
    set_aside = with_projects(aside, projects)
    places = left_out(set_aside, projects)
    return msgspec.structs.replace(
        plan,
        repositories=without(plan.repositories, places, folder),
        refusals=tuple(each for each in plan.refusals if each not in shrunk),
        set_aside=set_aside,
        # What is left of it must not be what the next run is held against.
        counted=tuple(each for each in plan.counted if not is_set_aside(each.key.repository, {*places, *at})),
    )


def without(
    plans: Sequence[RepositoryPlan], aside: Collection[RegistryHost | Repository], folder: Path
) -> Sequence[RepositoryPlan]:
    left = FileSpool(RepositoryPlan, folder)
    for each in plans:
        if not is_set_aside(each.repository, aside):
            left.append(each)
    return left
