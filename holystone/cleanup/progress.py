"""Progress of a run on standard error: a line now and then, ever more rarely, so that a log stays short."""

import sys
import time
from collections.abc import Callable

from holystone.engine.model.references import Repository

_FIRST, _LONGEST, _GROWTH = 5.0, 60.0, 1.5
"""Seconds between two lines."""


class ProgressLines:
    def __init__(self, *, quiet: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._quiet = quiet
        self._clock = clock
        self._pause = _FIRST
        self._next = clock() + self._pause
        self._steps = 0
        self._done: dict[Repository, tuple[int, int]] = {}
        self.run_id: str | None = None
        """Of the run that has begun to delete, if one has."""

    def begin(self, run_id: str, steps: int = 0) -> None:
        """`steps`: of the whole run, where that is known before its repositories report their own."""
        self.run_id = run_id
        self._steps = steps
        self._say(f"run {run_id}")

    def __call__(self, repository: Repository, done: int, of: int) -> None:
        self._done[repository] = (done, of)
        if self._clock() >= self._next:
            self._pause = min(self._pause * _GROWTH, _LONGEST)
            self._next = self._clock() + self._pause
            self._say(f"{self}, the last one in {repository}")

    def __str__(self) -> str:
        done = sum(done for done, _ in self._done.values())
        of = max(self._steps, sum(of for _, of in self._done.values()))
        return f"{done:,} of {of:,} steps are done"

    def _say(self, text: str) -> None:
        if not self._quiet:
            print(f"holystone: {text}", file=sys.stderr)
