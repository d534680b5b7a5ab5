"""Programs that are ended may put things in order, and cannot refuse to end."""

import signal
from pathlib import Path

import pytest

from holystone.adapters import programs
from holystone.adapters.programs import ProgramHung, run_program
from tests.support.processes import child_of, gone


async def test_it_is_told_before_it_is_killed(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    script = f"trap 'rm {lock}; exit' TERM; touch {lock}; sleep 1000 & wait"
    with pytest.raises(ProgramHung):
        await run_program(("sh", "-c", script), timeout=0.3)
    assert not lock.exists()


async def test_one_that_does_not_listen_is_killed_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "_GRACE", 0.1)
    script = f"trap '' TERM; sleep 1000 & echo $! > {tmp_path}/child; wait"
    with pytest.raises(ProgramHung):
        await run_program(("sh", "-c", script), timeout=0.3)
    assert await gone(await child_of(tmp_path / "child"))


async def test_a_child_that_outlives_it_is_killed(tmp_path: Path) -> None:
    script = f"(trap '' TERM; echo $$ > {tmp_path}/asked; exec sleep 1000) & echo $! > {tmp_path}/child; wait"
    with pytest.raises(ProgramHung):
        await run_program(("sh", "-c", script), timeout=0.3)
    assert await gone(await child_of(tmp_path / "child"))


async def test_one_that_has_ended_by_itself_is_no_failure() -> None:
    assert (await run_program(("sh", "-c", f"kill -{signal.SIGTERM.value} $$"), timeout=10)).code == -signal.SIGTERM
