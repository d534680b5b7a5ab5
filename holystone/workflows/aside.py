"""Takes repositories out of a plan that must be left alone."""

from collections.abc import Collection, Sequence
from pathlib import Path

import msgspec

from holystone.adapters.state.spool import FileSpool
from holystone.engine.errors import HolystoneError
from holystone.engine.model.plan import Plan, RepositoryPlan
from holystone.engine.model.references import RegistryHost, Repository
from holystone.engine.model.refusals import Refusal, SourceShrank
from holystone.engine.model.set_aside import Failure, SetAside, in_order, is_set_aside


def failure_of(error: HolystoneError) -> Failure:
    return Failure(type(error).__name__, error.message, error.what_to_do)


def shrunk_aside(plan: Plan, folder: Path) -> Plan:
    """The plan without repositories of which a run has seen far more, less what runs have deleted since."""
    shrunk: dict[Repository, list[Refusal]] = {}
    for refusal in plan.refusals:
        if isinstance(refusal, SourceShrank) and refusal.repository:
            shrunk.setdefault(refusal.repository, []).append(refusal)
    if not shrunk:
        return plan
    aside = [
        SetAside(each.repository.host, each.repository, tuple(why))
        for each in plan.repositories
        if (why := shrunk.get(each.repository.canonical))
    ]
    return msgspec.structs.replace(
        plan,
        repositories=without(plan.repositories, {each.repository for each in aside if each.repository}, folder),
        refusals=tuple(each for each in plan.refusals if not (isinstance(each, SourceShrank) and each.repository)),
        set_aside=in_order((*plan.set_aside, *aside)),
        # What is left of it must not be what the next run is held against.
        counted=tuple(each for each in plan.counted if each.key.repository not in shrunk),
    )


def without(
    plans: Sequence[RepositoryPlan], aside: Collection[RegistryHost | Repository], folder: Path
) -> Sequence[RepositoryPlan]:
    left = FileSpool(RepositoryPlan, folder)
    for each in plans:
        if not is_set_aside(each.repository, aside):
            left.append(each)
    return left
