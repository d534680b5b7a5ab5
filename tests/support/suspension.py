"""A machine that is suspended and wakes up, as far as its clocks tell."""

import time

import pytest

from holystone.engine.scheduler.clock import GOES_ON


def suspend(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Has been for so many seconds, when this returns."""
    told = time.clock_gettime

    def later(clock: int) -> float:
        return told(clock) + (seconds if clock == GOES_ON else 0.0)

    monkeypatch.setattr(time, "clock_gettime", later)
