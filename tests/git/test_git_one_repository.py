"""libgit2 and git read the same repository, whatever lies in the project's folder or stands in the environment."""

import subprocess
from pathlib import Path

import pytest

from holystone.adapters.git.origin import Unasked, ask_origin
from holystone.adapters.git.prepare import catch_up, prepare_history
from holystone.adapters.git.program import KEPT, REDIRECTING
from holystone.adapters.git.repository import GitRepository, open_history
from holystone.engine.errors import IncompleteSource
from tests.git.conftest import Git

EVERYTHING = ["origin/feature/a", "origin/master", "v1", "v2"]


@pytest.fixture
def folder(tmp_path: Path, origin: Path, git: Git) -> Path:
    """A project's folder in a clone of a larger repository."""
    (origin / "service").mkdir()
    (origin / "service" / "werf.yaml").write_text("project: service\n")
    git(origin, "add", ".")
    git(origin, "commit", "-q", "-m", "service")
    git(tmp_path, "clone", "-q", origin.as_uri(), "clone")
    return tmp_path / "clone" / "service"


def overwrite_with_tombstones(folder: Path, git: Git, url: str, command: str = "") -> None:
    """What a committer can add to a folder: everything that makes it a bare repository."""
    git(folder, "init", "-q", "--bare", ".")
    git(folder, "--git-dir=.", "remote", "add", "origin", url)
    if command:
        git(folder, "--git-dir=.", "config", "core.sshCommand", command)


async def opened(folder: Path, *, fetch: bool = True) -> GitRepository:
    repository = await prepare_history(folder, allow_shallow=False, synchronize_first=fetch)
    assert repository is not None
    return repository


def shown(repository: GitRepository) -> list[str]:
    return [each.shown for each in repository.references().found]


async def test_a_repository_that_was_committed_into_the_project_runs_nothing(
    tmp_path: Path, folder: Path, git: Git
) -> None:
    ran = tmp_path / "ran"
    overwrite_with_tombstones(folder, git, "ssh://nobody.invalid/x", f"touch {ran}; false")
    repository = await opened(folder)
    assert shown(repository) == EVERYTHING
    await catch_up(repository, lambda *_: True, allow_shallow=False)
    await catch_up(await opened(folder, fetch=False), lambda *_: True, allow_shallow=False)
    assert not ran.exists()


async def test_a_fetch_goes_into_the_repository_that_is_read(folder: Path, origin: Path, git: Git) -> None:
    overwrite_with_tombstones(folder, git, origin.as_uri())
    git(origin, "tag", "v3")
    assert shown(await opened(folder)) == [*EVERYTHING, "v3"]
    assert git(folder, "--git-dir=.", "for-each-ref") == ""


async def test_a_folder_of_the_project_that_is_called_origin_is_no_remote(folder: Path, git: Git) -> None:
    """To git a word that names no remote is a path, and whoever may commit can put a repository there."""
    clone = folder.parent
    git(clone, "clone", "-q", "--bare", ".", "origin")
    git(clone, "remote", "rename", "origin", "upstream")
    with pytest.raises(IncompleteSource, match="no remote called origin, only upstream"):
        await opened(folder)
    git(clone, "remote", "remove", "upstream")
    with pytest.raises(IncompleteSource, match="no remote called origin"):
        await opened(folder)
    git(clone, "config", "remote.origin.pushurl", "nowhere")  # which says where to push alone
    with pytest.raises(IncompleteSource, match="no remote called origin"):
        await opened(folder)
    assert git(clone, "for-each-ref", "refs/holystone") == ""


@pytest.mark.parametrize("broken", ["nothing in it", "no HEAD"])
def test_a_git_folder_that_is_broken_is_not_passed_over(tmp_path: Path, folder: Path, git: Git, broken: str) -> None:
    """libgit2 would go on to the folder itself, and to the repository around it."""
    overwrite_with_tombstones(folder, git, "ssh://nobody.invalid/x")
    if broken == "no HEAD":
        git(folder, "init", "-q", ".")
        (folder / ".git" / "HEAD").unlink()
    else:
        (folder / ".git").mkdir()
    with pytest.raises(IncompleteSource):
        open_history(folder)


def elsewhere(tmp_path: Path) -> dict[str, str]:
    nowhere = str(tmp_path / "nowhere")
    shallow = tmp_path / "shallow"
    shallow.write_text("0" * 40)
    return dict.fromkeys(REDIRECTING, nowhere) | {"GIT_NAMESPACE": "x", "GIT_SHALLOW_FILE": str(shallow)}


async def test_variables_that_redirect_git_do_not(
    tmp_path: Path, folder: Path, origin: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are set in hooks, in aliases and by `git rebase --exec`. A namespace makes a local origin look empty."""
    git(origin, "tag", "v3")
    for name, value in elsewhere(tmp_path).items():
        monkeypatch.setenv(name, value)
    repository = await opened(folder)
    assert shown(repository) == [*EVERYTHING, "v3"]
    assert not isinstance(await ask_origin(repository.clone), Unasked)


def test_all_variables_that_git_calls_a_repositorys_own_are_known() -> None:
    said = subprocess.run(["git", "rev-parse", "--local-env-vars"], capture_output=True, text=True, check=True).stdout
    assert set(said.split()) - KEPT <= set(REDIRECTING)


async def test_settings_in_the_environment_count(folder: Path, origin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As CI jobs give git a header or another address for origin."""
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "url.file:///nowhere/.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", origin.as_uri())
    with pytest.raises(IncompleteSource, match="/nowhere/"):
        await opened(folder)


@pytest.mark.parametrize("kind", ["worktree", "submodule", "worktree of a bare one"])
async def test_an_address_of_origin_that_is_relative(tmp_path: Path, folder: Path, git: Git, kind: str) -> None:
    """git takes it from the top of the work tree."""
    clone = folder.parent
    if kind == "submodule":
        git(tmp_path / "outer", "init", "-q")
        git(clone.parent / "outer", "-c", "protocol.file.allow=always", "submodule", "add", "-q", clone.as_uri(), "in")
        clone = folder = tmp_path / "outer" / "in"
        git(folder, "remote", "set-url", "origin", "../../origin")
    elif kind == "worktree of a bare one":
        git(tmp_path, "clone", "-q", "--bare", (tmp_path / "origin").as_uri(), "bare.git")
        git(tmp_path / "bare.git", "worktree", "add", "-q", str(tmp_path / "tree"), "master")
        folder = tmp_path / "tree" / "service"
        git(tmp_path / "bare.git", "remote", "set-url", "origin", "../origin")
    else:
        git(clone, "remote", "set-url", "origin", "../origin")
        git(clone, "worktree", "add", "-q", "--detach", str(tmp_path / "deep" / "tree"))
        folder = tmp_path / "deep" / "tree" / "service"
    assert shown(await opened(folder)) == EVERYTHING
