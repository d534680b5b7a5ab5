"""Runs: begun with a plan, taken up again, or taken back."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from holystone.adapters.state.sqlite import Journal
from holystone.engine.executor.results import RunResult
from holystone.engine.executor.step_states import remaining
from holystone.engine.model.in_use import UsedImage
from holystone.engine.model.notices import Notice
from holystone.engine.model.outcomes import is_settled
from holystone.engine.model.plan import Plan, RepositoryPlan
from holystone.engine.names import ImageReference
from holystone.engine.ports import Run
from holystone.engine.undo import UndoResult
from holystone.settings.run import RunSettings
from holystone.settings.values import ApplySettings
from holystone.workflows.baselines import remember
from holystone.workflows.carry_out import carry_out, take_back
from holystone.workflows.journal import NotOpen
from holystone.workflows.reading import refuse_another_project
from holystone.workflows.run_part import part_of
from holystone.workflows.session import Session
from holystone.workflows.still_unused import refuse_what_is_used

Announce: TypeAlias = Callable[[Plan, tuple[Notice, ...]], object]
"""Called with the plan that is about to be carried out, and what a person should know of who uses its images, before
anything is changed. What it raises ends the matter there."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of a plan that was carried out."""

    run: str
    """Its id, for `resume` and `undo`; empty if there was nothing to delete, so that none was begun."""
    plan: Plan
    result: RunResult
    notes: tuple[str, ...] = ()
    """E.g. that later runs will have nothing to be held against."""
    settled_before: int = 0
    """Steps of which earlier attempts had left nothing to do."""

    @property
    def is_fruitless(self) -> bool:
        """Whether something is left to do, nothing was lost, and this attempt has settled nothing either."""
        result = self.result
        return result.incomplete and not result.halt and not result.losses and result.settled <= self.settled_before


def in_silence(_plan: Plan, _notices: tuple[Notice, ...]) -> None:
    """Tells nobody."""


async def begin(session: Session, settings: RunSettings, plan: Plan, announce: Callable[[Plan], object]) -> Applied:
    """Carries a plan out, which nothing forbids any more. Raises HolystoneError."""
    if plan.is_empty:
        return Applied("", plan, RunResult(()), await remember(settings.state_dir, plan))
    with Journal.open(settings.state_dir) as journal:
        announce(plan)
        return await _carried_out(session, settings, await journal.begin(plan, plan.command))


async def left_of(session: Session, settings: ApplySettings, run_id: str) -> Plan:
    """The plan of what is left of a run. Raises as `resume`."""
    with Journal.open(settings.run.state_dir) as journal:
        return await _left(session, journal, await _taken_up(journal, settings, run_id))


async def resume(
    session: Session, settings: ApplySettings, run_id: str, listed: Collection[UsedImage], announce: Announce
) -> Applied:
    """Carries out what is left of a run. `listed`: images that people say are in use. Raises NotOpen, and Refused where
    what is left is in use by now: some days may have passed since the plan was made."""
    with Journal.open(settings.run.state_dir) as journal:
        run = await _taken_up(journal, settings, run_id)
        _, notices = await refuse_what_is_used(
            session.connections,
            await _left(session, journal, run),
            None,
            settings,
            listed,
            what_to_do=f"`holystone runs give-up {run.id}` ends the run for good, `holystone undo {run.id}` takes back "
            "what it has deleted; the next cleanup makes a new plan.",
        )
        announce(run.plan, notices)
        return await _carried_out(session, settings.run, run, await _settled(journal, run))


async def undo(
    session: Session, settings: ApplySettings, run_id: str, named: Sequence[ImageReference] = (), *, dry_run: bool
) -> UndoResult:
    """Puts back what a run deleted, or what is `named` of it; `dry_run` only looks what would come back. Raises
    HolystoneError; UsageError if there is no such run, or it took nothing of such a name away, Busy if it is still
    alive."""
    with Journal.open(settings.run.state_dir) as journal:
        run = await journal.load(run_id)
        refuse_another_project(settings.places, run.plan, f"Run {run_id}")
        part = await part_of(run, partial(journal.recorded, run.id), named) if named else None
        return await take_back(session, run, part, lock_in_registry=settings.run.lock_in_registry, dry_run=dry_run)


async def _taken_up(journal: Journal, settings: ApplySettings, run_id: str) -> Run:
    """Raises NotOpen."""
    run = await journal.load(run_id)
    refuse_another_project(settings.places, run.plan, f"Run {run_id}")
    if run.record.state != "open":
        raise NotOpen(run.record)
    return run


async def _left(session: Session, journal: Journal, run: Run) -> Plan:
    return await remaining(run.plan, partial(journal.recorded, run.id), session.spool(RepositoryPlan))


async def _settled(journal: Journal, run: Run) -> int:
    """Steps of which an earlier attempt has left nothing to do."""
    found = 0
    for each in run.plan.repositories:
        record = await journal.recorded(run.id, each)
        found += sum(map(is_settled, record.outcomes.values())) if record else 0
    return found


async def _carried_out(session: Session, settings: RunSettings, run: Run, settled_before: int = 0) -> Applied:
    result = await carry_out(session, run, lock_in_registry=settings.lock_in_registry)
    notes: tuple[str, ...] = ()
    if result.is_checked:
        notes = await remember(settings.state_dir, run.plan, run.id)
    return Applied(run.id, run.plan, result, notes, settled_before)
