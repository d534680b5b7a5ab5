"""What a benchmark says: one line a measurement, for people and for machines."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

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
        return f"{self.name:<64} {value:>10}{goal}"


def line(name: str, value: float | None, how: str, *, goal: float | None = None, better: Better = "lower") -> Line:
    met = None
    if goal is not None and value is not None:
        met = value <= goal if better == "lower" else value >= goal
    return Line(name, value, goal, better, met, how)


def write(lines: Sequence[Line], file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(msgspec.to_builtins(lines), indent=2, ensure_ascii=False) + "\n")
