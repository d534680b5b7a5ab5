"""Progress of a run on standard error: a line now and then, so that a log stays short."""

import sys
import time
from collections.abc import Callable
from typing import Final

from holystone.engine.model.references import Repository

_EVERY: Final = 5.0
"""Seconds between two lines."""


class ProgressLines:
    def __init__(self, *, quiet: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._quiet = quiet
        self._clock = clock
        self._next = clock() + _EVERY
        self._done: dict[Repository, tuple[int, int]] = {}
        self.run_id: str | None = None
        """Of the run that has begun to delete, if one has."""

    def begin(self, run_id: str) -> None:
        self.run_id = run_id
        self._say(f"run {run_id}")

    def __call__(self, repository: Repository, done: int, of: int) -> None:
        self._done[repository] = (done, of)
        if self._clock() >= self._next:
            self._next = self._clock() + _EVERY
            self._say(f"{repository}: {self}")

    def __str__(self) -> str:
        done, of = (sum(numbers) for numbers in zip(*self._done.values(), strict=True)) if self._done else (0, 0)
        return f"{done:,} of {of:,} steps are done"

    def _say(self, text: str) -> None:
        if not self._quiet:
            print(f"holystone: {text}", file=sys.stderr)
