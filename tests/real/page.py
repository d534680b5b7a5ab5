"""What the suite found, as the table of docs/servers.md."""

import datetime as dt
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field

import pytest

from tests.real import conformance, tables
from tests.real.servers import SERVERS

COLUMNS = ("version", "taken for", "contract", "random repositories", "undo whole", "runs", "after collection", "date")
_MARK = "<!-- made by `make real` -->"
_REPLAY_COLUMNS = ("server", "version", "played by", "requests", "differ", "of them accepted", "date")
_REPLAY_MARK = "<!-- replayed by `make real` -->"
_RUNS = {
    "test_cleaned_and_a_second_run_plans_nothing": "second run",
    "test_a_killed_run_is_resumed": "resume",
    "test_a_run_is_undone": "undo",
    "test_a_tag_that_moved_after_the_plan_stays": "moved tag",
}


@dataclass
class Row:
    version: str = ""
    implementation: str = ""
    contract: Counter[str] = field(default_factory=Counter)
    worlds: Counter[str] = field(default_factory=Counter)
    """How many passed and failed, and of each kind of fault how many showed it."""
    runs: dict[str, str] = field(default_factory=dict)
    collected: str = ""

    undo: bool = True
    """It is said that what is deleted can be put back."""

    def cells(self) -> dict[str, str]:
        found = {"version": self.version, "taken for": self.implementation}
        if self.contract:
            found["contract"] = ", ".join(f"{self.contract[each]} {each}" for each in ("passed", "failed", "skipped"))
        if total := self.worlds["passed"] + self.worlds["failed"]:
            kinds = ("lost", "left", "again", "stopped", "refused")
            faults = ", ".join(f"{self.worlds[each]} {_KINDS[each]}" for each in kinds if self.worlds[each])
            right = total - self.worlds["wrong"]
            found["random repositories"] = f"{right:,} of {total:,} right" + (f"; {faults}" if faults else ", 0 lost")
            whole = total - self.worlds["not_back"] - self.worlds["refused"]
            found["undo whole"] = f"{whole:,} of {total:,}" if self.undo else "none, and said"
        if self.runs:
            passed = sum(each == "passed" for each in self.runs.values())
            failed = [name for name in _RUNS.values() if self.runs.get(name) not in (None, "passed")]
            found["runs"] = f"{passed} of {len(self.runs)}" + (f", not {', '.join(failed)}" if failed else "")
        if self.collected:
            found["after collection"] = {"passed": "whole", "skipped": "–"}.get(self.collected, "**not whole**")
        return {name: text for name, text in found.items() if text}


_KINDS = {
    "lost": "lost something",
    "left": "left something",
    "again": "planned again",
    "stopped": "did not end",
    "refused": "could not be pushed",
}


@dataclass
class Gathered:
    rows: defaultdict[str, Row] = field(default_factory=lambda: defaultdict(Row))
    conformance: dict[str, dict[str, str]] = field(default_factory=dict)
    """By server, the row of what OCI's suite found."""
    replay: dict[str, dict[str, str]] = field(default_factory=dict)
    """The same of the replayed requests."""

    def add(self, report: pytest.TestReport, outcome: str) -> None:
        for key, value in report.user_properties:
            if key == "conformance" and isinstance(value, dict):
                self.conformance[value["server"]] = value
            elif key == "replay" and isinstance(value, dict):
                self.replay[value["server"]] = value
        name = re.search(r"\[(.*)\]$", report.nodeid)
        server = next((each for each in sorted(SERVERS, key=len, reverse=True) if name and _in(each, name[1])), None)
        if server is None or (outcome == "passed" and report.when != "call"):
            return
        row = self.rows[server]
        for key, value in report.user_properties:
            if key == "version":
                row.version = str(value)
            elif key == "implementation":
                row.implementation = str(value)
            elif key == "undo":
                row.undo = False
        outcome = "failed" if outcome == "error" else outcome
        function = report.nodeid.partition("::")[2].partition("[")[0]
        if "test_real_contract" in report.nodeid:
            row.contract[outcome] += 1
        elif "test_real_worlds" in report.nodeid:
            row.worlds[outcome] += 1
            kinds = [str(value) for key, value in report.user_properties if key == "fault"]
            row.worlds.update(kinds)
            if outcome == "failed" and not kinds:  # an error that nobody foresaw
                row.worlds.update(["stopped", "not_back"])
            row.worlds["wrong"] += outcome == "failed" and set(kinds) != {"not_back"}
        elif function in _RUNS:
            row.runs[_RUNS[function]] = outcome
        elif "collection" in function:
            row.collected = outcome

    def lines(self) -> list[str]:
        found = []
        for name in SERVERS:
            if name in self.rows:
                cells = self.rows[name].cells()
                told = (f"{key} {cells[key]}" for key in COLUMNS if key in cells)
                found.append(f"{name:<20} {'; '.join(told)}")
        return found


def _in(server: str, parameters: str) -> bool:
    return re.search(rf"(^|-){re.escape(server)}($|-)", parameters) is not None


def page_with(page: str, gathered: Gathered) -> str:
    """The page, its table brought up to date."""
    today = dt.datetime.now(dt.UTC).date().isoformat()
    cells = {name: row.cells() for name, row in gathered.rows.items()}
    # What was only compared with its model keeps the version that the other columns are of.
    found = {name: {**each, "date": today} for name, each in cells.items() if each.keys() - {"version", "taken for"}}
    conforming = {name: {**row, "date": today} for name, row in gathered.conformance.items()}
    page = tables.page_with(page, _MARK, ("server", *COLUMNS), SERVERS, found)
    servers = (conformance.SPECIFICATION, *SERVERS)
    page = tables.page_with(page, conformance.MARK, conformance.COLUMNS, servers, conforming)
    replayed = {name: {**row, "date": today} for name, row in gathered.replay.items()}
    return tables.page_with(page, _REPLAY_MARK, _REPLAY_COLUMNS, SERVERS, replayed)
