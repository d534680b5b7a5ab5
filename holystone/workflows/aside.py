"""Takes repositories out of a plan that must be left alone."""

from collections.abc import Collection, Sequence
from pathlib import Path

import msgspec

from holystone.adapters.state.spool import FileSpool
from holystone.engine.errors import HolystoneError
from holystone.engine.model.plan import Plan, RepositoryPlan
from holystone.engine.model.references import RegistryHost, Repository
from holystone.engine.model.refusals import SourceShrank
from holystone.engine.model.set_aside import Failure, SetAside, in_order, is_set_aside


def failure_of(error: HolystoneError) -> Failure:
    return Failure(type(error).__name__, error.message, error.what_to_do)


def shrunk_aside(plan: Plan, folder: Path) -> Plan:
    """The plan without repositories of which a run has seen far more, less what runs have deleted since, or of whose
    clones, and without registries of which nothing is in use any more."""
    shrunk = [each for each in plan.refusals if isinstance(each, SourceShrank)]
    if not shrunk:
        return plan
    whole = [each for each in shrunk if each.fewer.key.source == "in-use"]
    at = {each.fewer.key.repository: each for each in shrunk if each not in whole}
    aside = [SetAside(each.fewer.key.repository.host, None, (each,)) for each in whole]
    aside += [
        SetAside(each.repository.host, each.repository, (why,))
        for each in plan.repositories
        if (why := at.get(each.repository.canonical))
    ]
    left_out = {each.repository or each.host for each in aside}
    return msgspec.structs.replace(
        plan,
        repositories=without(plan.repositories, left_out, folder),
        refusals=tuple(each for each in plan.refusals if each not in shrunk),
        set_aside=in_order((*plan.set_aside, *aside)),
        # What is left of it must not be what the next run is held against.
        counted=tuple(each for each in plan.counted if not is_set_aside(each.key.repository, {*left_out, *at})),
    )


def without(
    plans: Sequence[RepositoryPlan], aside: Collection[RegistryHost | Repository], folder: Path
) -> Sequence[RepositoryPlan]:
    left = FileSpool(RepositoryPlan, folder)
    for each in plans:
        if not is_set_aside(each.repository, aside):
            left.append(each)
    return left
