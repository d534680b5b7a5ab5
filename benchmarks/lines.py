"""What a benchmark says: one line a measurement, for people and for machines, as soon as it is measured."""

import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

Better = Literal["lower", "higher"]


class Line(msgspec.Struct, frozen=True):
    name: str
    value: float | None
    """None: it could not be measured here, and `how` says why."""
    goal: float | None
    better: Better
    met: bool | None
    """None where there is no goal, or nothing was measured."""
    how: str

    def __str__(self) -> str:
        value = "absent" if self.value is None else f"{self.value:,.4g}"
        goal = ""
        if self.goal is not None:
            bound = "at most" if self.better == "lower" else "at least"
            verdict = {True: "met", False: "MISSED", None: "not measured"}[self.met]
            goal = f"  (goal: {bound} {self.goal:g}: {verdict})"
        return f"{self.name:<76} {value:>9}{goal}"


Measure: TypeAlias = Callable[[], Iterator[Line] | AsyncIterator[Line]]
"""Yields each line when it is measured."""


def line(name: str, value: float | None, how: str, *, goal: float | None = None, better: Better = "lower") -> Line:
    met = None
    if goal is not None and value is not None:
        met = value <= goal if better == "lower" else value >= goal
    return Line(name, value, goal, better, met, how)


async def record(measures: Sequence[Measure], file: Path | None) -> list[Line]:
    """Prints each line and writes all so far, so that a run which is ended keeps what it has."""
    lines: list[Line] = []
    for measure in measures:
        async for each in _each(measure()):
            lines.append(each)
            print(each, flush=True)
            if file:
                _write(lines, file)
    return lines


async def _each(measured: Iterator[Line] | AsyncIterator[Line]) -> AsyncIterator[Line]:
    if isinstance(measured, AsyncIterator):
        async for one in measured:
            yield one
    else:
        for one in measured:
            yield one


def verdict(lines: Sequence[Line]) -> int:
    """The exit code, and its reason for people."""
    missed = [each.name for each in lines if each.met is False]
    print(f"MISSED: {'; '.join(missed)}" if missed else "All goals that could be measured are met.")
    return 1 if missed else 0


def _write(lines: Sequence[Line], file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(msgspec.to_builtins(lines), indent=2, ensure_ascii=False) + "\n")
