"""More than three hundred werf.yaml files as people write them, slips and all: each is read as werf 1.1.36 read it, or
refused; what differs on purpose is a line of docs/werf-compatibility.md, and keeps more than werf does."""

import re
import shlex
from pathlib import Path

import pytest

from holystone.engine.errors import UsageError
from holystone.settings.project import load_project
from holystone.settings.values import ProjectSettings
from tests.support.werf_yaml_cases import Decided, YamlCase, decided, recorded

CASES = recorded().cases
PAGE = (Path(__file__).parents[2] / "docs/werf-compatibility.md").read_text()


@pytest.fixture
def werf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program of that name, and nothing else, on PATH."""
    program = tmp_path / "bin" / "werf"
    program.parent.mkdir()
    monkeypatch.setenv("PATH", str(program.parent))
    return program


def rendering(program: Path, case: YamlCase) -> None:
    """Writes what werf wrote, or fails as it did."""
    text = "exit 1" if case.rendered is None else f"printf %s {shlex.quote(chr(10).join(case.rendered))}"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)


async def ours(folder: Path, case: YamlCase) -> Decided | UsageError:
    case.write(folder)
    try:
        return decided(await load_project(ProjectSettings(folder)))
    except UsageError as error:
        return error


def test_there_are_enough() -> None:
    assert len(CASES) > 300
    assert len({each.name for each in CASES}) == len(CASES)
    assert sum(each.werf is None for each in CASES) > 100


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_decides_as_werf_did_or_refuses(case: YamlCase, tmp_path: Path, werf: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    rendering(werf, case)
    found = await ours(folder, case)
    match case.differs:
        case "":
            assert (None if isinstance(found, UsageError) else found) == case.werf
        case "refused":
            assert isinstance(found, UsageError)
            assert case.werf
        case "accepted":
            assert isinstance(found, Decided)
            assert case.werf is None
        case "keeps more":
            assert isinstance(found, Decided)
            assert case.werf
            assert (found.project, found.images) == (case.werf.project, case.werf.images)
            assert set(found.kept) > set(case.werf.kept)
    if isinstance(found, UsageError):
        assert found.exit_code == 2
        where = found.message.removeprefix(f"{folder}/")
        is_empty = "no section has `configVersion: 1`" in where
        assert case.is_template or is_empty or re.match(r"werf\.ya?ml:[1-9][0-9]*:[1-9][0-9]*: \S", where), where


@pytest.mark.parametrize("case", [each for each in CASES if each.is_template], ids=lambda case: case.name)
@pytest.mark.usefixtures("werf")  # which is not there yet
async def test_a_template_without_werf_is_refused(case: YamlCase, tmp_path: Path) -> None:
    found = await ours(tmp_path, case)
    assert isinstance(found, UsageError)
    assert re.search(r"werf\.ya?ml:[0-9]+:[0-9]+: {{: ", found.message)


@pytest.mark.parametrize("row", sorted({each.row for each in CASES if each.differs}))
def test_what_differs_is_a_line_of_the_page(row: str) -> None:
    (line,) = (line for line in PAGE.splitlines() if line.startswith("| ") and row in line)
    assert "better: " in line.split(" | ", 1)[1]


def test_only_what_differs_has_a_line() -> None:
    assert all(bool(each.differs) == bool(each.row) for each in CASES)
