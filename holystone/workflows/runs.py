"""Runs that are in the journal: taken up again, or given up."""

import time
from collections.abc import AsyncIterator, Collection
from functools import partial
from typing import Final

from holystone.adapters.state.sqlite import Journal
from holystone.engine.errors import Damaged, HolystoneError, Refused
from holystone.engine.executor.results import RunResult
from holystone.engine.executor.step_states import remaining
from holystone.engine.model.in_use import UsedImage
from holystone.engine.model.outcomes import is_settled
from holystone.engine.model.plan import Plan, RepositoryPlan
from holystone.engine.model.records import RunRecord
from holystone.engine.ports import Run
from holystone.engine.report.causes import failure
from holystone.engine.report.notice_words import notice_words
from holystone.settings.values import ApplySettings
from holystone.workflows.delivery import Delivery
from holystone.workflows.session import Session
from holystone.workflows.still_unused import refuse_what_is_used

_STUCK_AFTER: Final = 12 * 60 * 60
"""Seconds since its beginning, after which a run of which nothing can be done no longer counts as unfinished business:
so that a nightly `holystone resume && holystone cleanup` stands still for one night at most."""


class Runs:
    def __init__(self, delivery: Delivery, settings: ApplySettings, listed: Collection[UsedImage] = ()) -> None:
        """`listed`: images that the user says are in use."""
        self._delivery = delivery
        self._reporter = delivery.reporter
        self._settings = settings
        self._listed = listed

    async def give_up(self, run_id: str) -> int:
        """The exit code. Raises HolystoneError."""
        with self._delivery.journal() as journal:
            before = await journal.record(run_id)
            if before.state == "undoing":
                raise _undo_goes_on(run_id)
            if before.state != "open":
                self._reporter.idle("runs give-up", f"Run {run_id} is {before.state}: there is nothing to give up.")
                return 0
            if self._settings.run.dry_run:
                what = f"Run {run_id} is open and would be given up. Nothing was changed."
                self._reporter.done("runs give-up", what, "planned", run_id)
                return 0
            await journal.give_up(run_id)
        short = f"Run {run_id} is given up"
        what = f"{short}: what is left of it stays. `holystone undo {run_id}` takes back what it did."
        self._reporter.done("runs give-up", what, run_id=run_id, short=short)
        return 0

    async def resume(self, session: Session, run_id: str) -> int:
        """The exit code. Raises HolystoneError."""
        with self._delivery.journal() as journal:
            run = await journal.load(run_id)
            if run.record.state == "undoing":
                raise _undo_goes_on(run_id)
            if run.record.state != "open":
                why = f"Run {run.id} is {run.record.state}: there is nothing left to do."
                self._reporter.idle("resume", why)
                return 0
            left = await self._left(session, journal, run)
            if self._settings.run.dry_run:
                return self._delivery.show(left, "planned")
            await self._refuse_what_is_used(session, run, left)
            self._reporter.announced(run.plan)
            return await self._delivery.report(run, await self._delivery.carry_out(session, run))

    async def resume_last(self, session: Session) -> int:
        """The latest unfinished run, of the project whose addresses are given. One that has been unfinished for long
        and of which nothing can be done is told, and so is one whose record is damaged; the next one is taken. The exit
        code. Raises HolystoneError."""
        with self._delivery.journal() as journal:
            left_open = False
            unheard: Damaged | None = None
            async for record in self._unfinished(journal):
                run = None
                try:
                    run = await journal.load(record.id)
                    if run.record.state != "open":
                        run.release()
                        continue
                    left = await self._left(session, journal, run)
                    if self._settings.run.dry_run:
                        return self._delivery.show(left, "planned")
                    await self._refuse_what_is_used(session, run, left)
                    self._reporter.announced(run.plan)
                    before = await _settled(journal, run)
                    result = await self._delivery.carry_out(session, run)
                    if not (_is_stuck(record) and _is_fruitless(result, before)):
                        return await self._delivery.report(run, result)
                    if error := failure(run.id, result):
                        self._tell(record, error)
                except Damaged as error:
                    self._tell(record, error)
                    unheard = unheard or (None if _is_stuck(record) else error)
                except HolystoneError as error:
                    if not _is_stuck(record):
                        raise
                    self._tell(record, error)
                left_open = True
                if run:
                    run.release()
            if unheard:
                raise unheard
            self._reporter.idle("resume", self._nothing(left_open=left_open))
            return 0

    async def _unfinished(self, journal: Journal) -> AsyncIterator[RunRecord]:
        places = self._settings.places
        for record in await journal.runs():
            if record.state == "damaged":
                self._reporter.error(
                    Damaged(
                        f"A record in the journal is no run's, and is left as it is: {record.id} ({record.command}).",
                        what_to_do="Restore the journal from a backup, or move it away: earlier runs can then be "
                        "neither resumed nor undone.",
                    )
                )
            if record.state != "open":
                continue
            if places.are_given:
                try:
                    if not places.has(await journal.plan(record.id)):
                        continue
                except HolystoneError as error:  # whose it is cannot be known
                    self._tell(record, error)
                    continue
            yield record

    def _nothing(self, *, left_open: bool) -> str:
        if left_open:
            return "No other run is left unfinished: there is nothing that can be done."
        of = " of this project" if self._settings.places.are_given else ""
        return f"No run{of} is left unfinished: there is nothing to do."

    def _tell(self, record: RunRecord, error: HolystoneError) -> None:
        """Tells of a failure that does not stop anybody."""
        self._reporter.error(
            HolystoneError(
                f"Run {record.id} ({record.command}) is left as it is. {error.message}",
                what_to_do=f"`holystone resume {record.id}` tries it again, `holystone runs give-up {record.id}` ends "
                "it for good; its journal stays, and it can be undone.",
            )
        )

    async def _left(self, session: Session, journal: Journal, run: Run) -> Plan:
        return await remaining(run.plan, partial(journal.recorded, run.id), session.spool(RepositoryPlan))

    async def _refuse_what_is_used(self, session: Session, run: Run, left: Plan) -> None:
        """Some days may have passed since the plan was made."""
        for notice in await refuse_what_is_used(
            session.connections,
            left,
            self._settings.kubernetes,
            self._listed,
            what_to_do=f"`holystone runs give-up {run.id}` ends the run for good, `holystone undo {run.id}` takes back "
            "what it has deleted; the next cleanup makes a new plan.",
        ):
            self._reporter.note(notice_words(notice).of_one)


def _is_stuck(record: RunRecord) -> bool:
    return abs(time.time() - record.started) > _STUCK_AFTER  # or its clock was wrong


async def _settled(journal: Journal, run: Run) -> int:
    """Steps of which an earlier attempt has left nothing to do."""
    found = 0
    for each in run.plan.repositories:
        record = await journal.recorded(run.id, each)
        found += sum(map(is_settled, record.outcomes.values())) if record else 0
    return found


def _is_fruitless(result: RunResult, settled_before: int) -> bool:
    """Whether an attempt lost nothing, and settled nothing either."""
    return result.incomplete and not result.losses and result.settled <= settled_before


def _undo_goes_on(run_id: str) -> Refused:
    return Refused(
        f"The undo of run {run_id} has begun and has not ended.",
        not_deleted="Nothing was deleted.",
        what_to_do=f"`holystone undo {run_id}` goes on with it.",
    )
