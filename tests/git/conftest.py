"""A `git` that reads no configuration of the machine it runs on."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.support.git_repositories import GitBuilder

Git: TypeAlias = Callable[..., str]


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    """`git(folder, "command", …)` gives what it printed."""
    home = tmp_path / "home"
    home.mkdir()
    settings = {
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@example.com",
        "GIT_COMMITTER_NAME": "c",
        "GIT_COMMITTER_EMAIL": "c@example.com",
    }
    for key, value in settings.items():
        monkeypatch.setenv(key, value)

    def run(folder: Path, *arguments: str) -> str:
        folder.mkdir(exist_ok=True)
        done = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    return run


@pytest.fixture
def origin(tmp_path: Path, git: Git) -> Path:
    """Six commits on master, `feature/a` off the third, a tag on each of the first two."""
    folder = tmp_path / "origin"
    git(folder, "init", "-q", "-b", "master")
    for number in range(1, 7):
        git(folder, "commit", "-q", "--allow-empty", "-m", str(number), "--date", f"{1_700_000_000 + number} +0000")
    git(folder, "branch", "feature/a", "HEAD~3")
    git(folder, "tag", "v1", "HEAD~5")
    git(folder, "tag", "-a", "v2", "-m", "annotated", "HEAD~4")
    git(folder, "config", "uploadpack.allowFilter", "true")
    return folder


@pytest.fixture
def builder(tmp_path: Path) -> GitBuilder:
    return GitBuilder(tmp_path / "clone")
