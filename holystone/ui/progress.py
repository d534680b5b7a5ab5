"""Progress on standard error: a line now and then, ever more rarely, so that a log stays short. Also while nothing
happens: a run that waits for a registry looks just like one that hangs."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import anyio

from holystone.engine.model.events import Begun, Event, Step
from holystone.engine.model.references import Repository
from holystone.engine.report.words import duration
from holystone.engine.scheduler import Scheduler
from holystone.ui.message import tell_progress

_FIRST, _LONGEST, _GROWTH = 5.0, 60.0, 1.5
"""Seconds between two lines."""
_WORTH_A_WORD: Final = 5.0
"""Seconds of a pause."""


class ProgressLines:
    def __init__(self, *, quiet: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._quiet = quiet
        self._clock = clock
        self._pause = _FIRST
        self._next = clock() + self._pause
        self._status: Callable[[], str] | None = None
        """None while there is nothing to tell, e.g. while somebody is asked."""
        self._scheduler: Scheduler | None = None
        self._steps = 0
        self._done: dict[Repository, tuple[int, int]] = {}
        self._last: Repository | None = None
        self.run_id: str | None = None
        """Of the run that has begun to delete, if one has."""

    def watch(self, scheduler: Scheduler) -> None:
        """It knows how many requests there were, and what they wait for."""
        self._scheduler = scheduler

    @contextmanager
    def reading(self) -> Iterator[None]:
        self._status = self._reading
        try:
            yield
        finally:
            self._status = None

    def heard(self, event: Event) -> None:
        match event:
            case Begun(run, steps):
                self.run_id = run
                self._steps = steps
                self._status = self._deleting
                self._say(f"run {run}")
            case Step(repository, done=done, of=of):
                self._done[repository] = (done, of)
                self._last = repository
                self._tell()
            case _:
                pass

    async def beat(self) -> None:
        """Sees to the lines as long as it is left to run."""
        while True:
            await anyio.sleep(max(0.0, self._next - self._clock()))
            self._tell()

    def __str__(self) -> str:
        done = sum(done for done, _ in self._done.values())
        of = max(self._steps, sum(of for _, of in self._done.values()))
        return f"{done:,} of {of:,} steps are done"

    def _tell(self) -> None:
        if self._clock() < self._next:
            return
        if self._status:
            self._pause = min(self._pause * _GROWTH, _LONGEST)
            self._say("; ".join((self._status(), *self._waits())))
        self._next = self._clock() + self._pause

    def _reading(self) -> str:
        requests = self._scheduler.requests if self._scheduler else 0
        return f"reading, {requests:,} requests so far"

    def _deleting(self) -> str:
        return f"{self}, the last one in {self._last}" if self._last else str(self)

    def _waits(self) -> Iterator[str]:
        for host, seconds in self._scheduler.pauses().items() if self._scheduler else ():
            if seconds >= _WORTH_A_WORD:
                yield f"{host} takes the next request in {duration(int(seconds))}"

    def _say(self, text: str) -> None:
        if not self._quiet:
            tell_progress(text)
