"""Runs that are in the journal: taken up again, given up, or undone; and what is told of it."""

import time
from collections.abc import AsyncIterator, Sequence
from typing import Final

from holystone.api import Applied, NotOpen
from holystone.api.client import Client
from holystone.cli.delivery import Delivery
from holystone.cli.endings import ending_of_undo, failure_of_undo
from holystone.engine.errors import Damaged, HolystoneError
from holystone.engine.model.records import RunRecord
from holystone.engine.report.causes import failure
from holystone.settings.values import ApplySettings

_STUCK_AFTER: Final = 12 * 60 * 60
"""Seconds since its beginning, after which a run of which nothing can be done no longer counts as unfinished business:
so that a nightly `holystone resume && holystone cleanup` stands still for one night at most."""


class Runs:
    def __init__(self, client: Client, delivery: Delivery, settings: ApplySettings) -> None:
        self._client = client
        self._delivery = delivery
        self._reporter = delivery.reporter
        self._settings = settings

    async def give_up(self, run_id: str) -> int:
        """The exit code. Raises HolystoneError."""
        try:
            await self._client.give_up(run_id)
        except NotOpen as why:
            return self._idle("runs give-up", why, "nothing to give up")
        if self._settings.run.dry_run:
            what = f"Run {run_id} is open and would be given up. Nothing was changed."
            self._reporter.done("runs give-up", what, "planned", run_id)
            return 0
        short = f"Run {run_id} is given up"
        what = f"{short}: what is left of it stays. `holystone undo {run_id}` takes back what it did."
        self._reporter.done("runs give-up", what, run_id=run_id, short=short)
        return 0

    async def resume(self, run_id: str) -> int:
        """The exit code. Raises HolystoneError."""
        try:
            if self._settings.run.dry_run:
                return self._delivery.show(await self._client.left_of(run_id), "planned")
            return self._delivery.report(await self._resumed(run_id))
        except NotOpen as why:
            return self._idle("resume", why, "nothing left to do")

    async def resume_last(self) -> int:
        """The latest unfinished run, of the project whose addresses are given. One that has been unfinished for long
        and of which nothing can be done is told, and so is one whose record is damaged; the next one is taken. The exit
        code. Raises HolystoneError."""
        left_open = False
        unheard: Damaged | None = None
        async for record in self._unfinished():
            try:
                if self._settings.run.dry_run:
                    return self._delivery.show(await self._client.left_of(record.id), "planned")
                applied = await self._resumed(record.id)
                if not (_is_stuck(record) and applied.is_fruitless):
                    return self._delivery.report(applied)
                if error := failure(record.id, applied.result):
                    self._tell(record, error)
            except NotOpen:  # somebody else was quicker
                continue
            except Damaged as error:
                self._tell(record, error)
                unheard = unheard or (None if _is_stuck(record) else error)
            except HolystoneError as error:
                if not _is_stuck(record):
                    raise
                self._tell(record, error)
            left_open = True
        if unheard:
            raise unheard
        self._reporter.idle("resume", self._nothing(left_open=left_open))
        return 0

    async def undo(self, run_id: str, named: Sequence[str] = ()) -> int:
        """The exit code. Raises HolystoneError; UsageError for an unknown run, Refused for one that is alive."""
        self._delivery.note(self._client.logins_not_given(await self._client.plan_of(run_id)))
        result = await self._client.undo(run_id, *named)
        ending, code = ending_of_undo(result, dry_run=self._settings.run.dry_run)
        self._reporter.undone(run_id, result, ending, code, failure_of_undo(run_id, result) if code else None)
        return code

    async def _resumed(self, run_id: str) -> Applied:
        self._delivery.note(self._client.logins_not_given(await self._client.plan_of(run_id)))
        return await self._client.resume(run_id, self._delivery.announce)

    def _idle(self, command: str, why: NotOpen, there_is: str) -> int:
        """The exit code. Raises `why` if the run's undo has begun."""
        if why.record.state == "undoing":
            raise why
        self._reporter.idle(command, f"Run {why.record.id} is {why.record.state}: there is {there_is}.")
        return 0

    async def _unfinished(self) -> AsyncIterator[RunRecord]:
        places = self._settings.places
        for record in await self._client.runs():
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
                    if not places.has(await self._client.plan_of(record.id)):
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


def _is_stuck(record: RunRecord) -> bool:
    return abs(time.time() - record.started) > _STUCK_AFTER  # or its clock was wrong
