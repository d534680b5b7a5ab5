"""What a benchmark says is told at once, and kept if the run ends early."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from benchmarks.__main__ import LARGE, USUAL, main
from benchmarks.lines import Line, line, record, verdict

README = Path(__file__).parents[2] / "benchmarks" / "README.md"


def two() -> Iterator[Line]:
    yield line("first", 1.0, "how", goal=2)
    yield line("second", 3.0, "how", goal=2)


async def broken() -> AsyncIterator[Line]:
    yield line("third", None, "not installed", goal=2, better="higher")
    raise RuntimeError


async def test_a_run_that_ends_early_keeps_what_it_has(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "results" / "latest.json"
    with pytest.raises(RuntimeError):
        await record([two, broken, two], file)
    kept = json.loads(file.read_text())
    assert [(each["name"], each["met"]) for each in kept] == [("first", True), ("second", False), ("third", None)]
    told = capsys.readouterr().out.splitlines()
    assert [each.split()[0] for each in told] == ["first", "second", "third"]
    assert "MISSED" in told[1]
    assert "absent" in told[2]


def test_only_a_missed_goal_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = two()
    absent = line("third", None, "not installed", goal=2)
    assert verdict([first, absent]) == 0
    assert verdict([first, second, absent]) == 1
    assert capsys.readouterr().out.splitlines()[1] == "MISSED: second"


def test_a_part_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scheduling", "no-such-part"]) == 2
    assert "scheduling" in capsys.readouterr().err


def test_the_page_has_a_row_for_each_part() -> None:
    page = README.read_text()
    assert [part for part in (*USUAL, *LARGE) if f"| `{part}` |" not in page] == []
