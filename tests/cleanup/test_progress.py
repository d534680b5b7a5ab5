"""A long run says seldom how far it is, and always of how much."""

import pytest

from holystone.cleanup.progress import ProgressLines
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath

ONE, TWO = (Repository(RegistryHost("registry.example"), RepositoryPath.parse(name)) for name in ("one", "two"))


def test_the_whole_is_known_from_the_beginning(capsys: pytest.CaptureFixture[str]) -> None:
    now = 0.0
    progress = ProgressLines(quiet=False, clock=lambda: now)
    progress.begin("r1", steps=1_200)
    progress(ONE, 1, 200)
    now = 6
    progress(ONE, 2, 200)
    assert capsys.readouterr().err.splitlines() == [
        "holystone: run r1",
        "holystone: 2 of 1,200 steps are done, the last one in registry.example/one",
    ]
    progress(TWO, 1_000, 1_000)
    assert str(progress) == "1,002 of 1,200 steps are done"


def test_without_it_the_repositories_add_up() -> None:
    progress = ProgressLines(quiet=True)
    assert str(progress) == "0 of 0 steps are done"
    progress(ONE, 1, 200)
    progress(TWO, 2, 300)
    assert str(progress) == "3 of 500 steps are done"


def test_an_hour_is_some_sixty_lines(capsys: pytest.CaptureFixture[str]) -> None:
    now = 0.0
    progress = ProgressLines(quiet=False, clock=lambda: now)
    for second in range(3_600):
        now = second
        progress(ONE, second, 3_600)
    lines = capsys.readouterr().err.splitlines()
    assert 50 < len(lines) < 70
    assert lines[0].startswith("holystone: 5 of ")
