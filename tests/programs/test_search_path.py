"""Programs come from whole paths, never from the folder that somebody happens to be in."""

import os
from pathlib import Path

import pytest

from holystone.adapters.programs import ProgramMissing, find_program, run_program


def program(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


@pytest.mark.parametrize("entry", ["", ".", "bin", "bin/../bin", "~/bin"])
async def test_nothing_is_taken_from_a_folder_that_is_no_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, entry: str
) -> None:
    project = tmp_path / "project"
    for folder in (project, project / "bin", project / "~" / "bin"):
        program(folder, "helper", "echo the project's; exit 9")
    own = program(tmp_path / "own", "helper", 'echo "$PATH"')
    monkeypatch.chdir(project)
    monkeypatch.setenv("PATH", f"{entry}:{own.parent}:/usr/bin:/bin")
    for _ in range(2):
        ended = await run_program(["helper"], timeout=10)
        assert (ended.code, ended.output.decode()) == (0, f"{own.parent}:/usr/bin:/bin\n"), "nor by what it runs"
    (record,) = caplog.records
    assert repr(entry) in record.getMessage()
    own.unlink()
    with pytest.raises(ProgramMissing):
        await run_program(["helper"], timeout=10)


async def test_a_path_without_any_whole_entry_is_the_systems_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "env", "exit 9")
    monkeypatch.chdir(tmp_path)
    ended = await run_program(["env"], environ={"PATH": "", "A": "b"}, timeout=10)
    assert sorted(ended.output.decode().split()) == ["A=b", f"PATH={os.defpath}"]


def test_the_first_program_that_may_be_run(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "helper").write_text("no program")
    found = program(tmp_path / "b", "helper", "")
    environ = {"PATH": f"{tmp_path}/a:{tmp_path}/b"}
    assert find_program("helper", environ) == str(found)
    assert find_program("nothing", environ) is None
    assert find_program("./x", environ) == "./x"
