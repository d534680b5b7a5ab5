import subprocess
from pathlib import Path

import pygit2
import pytest

from holystone.adapters.git.discover import unreadable
from holystone.adapters.git.repository import open_history
from holystone.engine.errors import IncompleteSource
from tests.git.conftest import Git


def clone(git: Git, origin: Path, folder: Path, *options: str) -> Path:
    git(folder.parent, "clone", "-q", *options, origin.as_uri(), str(folder))
    return folder


def test_no_git_at_all(tmp_path: Path) -> None:
    assert open_history(tmp_path) is None
    assert open_history(tmp_path / "missing") is None


def test_folders_that_there_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "pool")
    (tmp_path / "pool").symlink_to(tmp_path / "loop")
    assert open_history(tmp_path / "loop") is None
    with pytest.raises(IncompleteSource, match="name too long"):
        open_history(tmp_path / ("x" * 300))


def test_a_folder_of_the_repository(tmp_path: Path, origin: Path, git: Git) -> None:
    service = origin / "services" / "app"
    service.mkdir(parents=True)
    (service / "werf.yaml").write_text("project: app\n")
    assert open_history(service) is None, "the repository does not know this folder"
    git(origin, "add", ".")
    git(origin, "commit", "-q", "-m", "app")
    assert open_history(service) is not None
    assert open_history(service.parent) is not None


def test_an_unrelated_repository_around_the_project_is_not_its_history(tmp_path: Path, origin: Path) -> None:
    (origin / "ignored").mkdir()
    assert open_history(origin / "ignored") is None


def test_an_unborn_repository(tmp_path: Path, git: Git) -> None:
    git(tmp_path / "new", "init", "-q")
    (tmp_path / "new" / "folder").mkdir()
    assert open_history(tmp_path / "new" / "folder") is None
    repository = open_history(tmp_path / "new")
    assert repository is not None
    assert repository.references().found == ()


def test_a_detached_checkout_as_ci_makes_it(tmp_path: Path, origin: Path, git: Git) -> None:
    folder = tmp_path / "ci"
    git(folder, "init", "-q")
    git(folder, "remote", "add", "origin", origin.as_uri())
    git(folder, "fetch", "-q", "origin", "+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
    git(folder, "checkout", "-q", "--detach", "origin/feature/a")
    repository = open_history(folder)
    assert repository is not None
    names = [each.shown for each in repository.references().found]
    assert names == ["origin/feature/a", "origin/master", "v1", "v2"]
    assert not repository.is_shallow
    assert not repository.is_narrow()


@pytest.mark.parametrize("options", [(), ("--depth", "2")])
def test_a_worktree_sees_what_its_clone_sees(tmp_path: Path, origin: Path, git: Git, options: tuple[str, ...]) -> None:
    """libgit2 takes the worktree of a shallow clone for a whole one with missing objects."""
    folder = clone(git, origin, tmp_path / "clone", *options)
    git(folder, "worktree", "add", "-q", str(tmp_path / "tree"), "HEAD~1")
    main, tree = open_history(folder), open_history(tmp_path / "tree")
    assert main is not None
    assert tree is not None
    assert (tmp_path / "tree" / ".git").is_file()
    assert tree.references() == main.references()
    assert tree.is_shallow is main.is_shallow is bool(options)
    heads = [each.commit for each in tree.references().found if each.kind == "branch"]
    assert tree.history(heads, heads) == main.history(heads, heads)
    assert main.history(heads, heads).complete is not bool(options)


def test_a_submodule(tmp_path: Path, origin: Path, git: Git) -> None:
    outer = tmp_path / "outer"
    git(outer, "init", "-q")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "add", "-q", origin.as_uri(), "inner")
    assert (outer / "inner" / ".git").is_file()
    repository = open_history(outer / "inner")
    assert repository is not None
    assert repository.references().has_branches


@pytest.mark.parametrize("extension", [False, True])
def test_a_clone_without_trees_has_all_commits(tmp_path: Path, origin: Path, git: Git, extension: bool) -> None:
    folder = clone(git, origin, tmp_path / "clone", "--filter=tree:0", "--no-checkout")
    if extension:  # older versions of git write it
        git(folder, "config", "extensions.partialClone", "origin")
    repository = open_history(folder)
    assert repository is not None
    heads = [each.commit for each in repository.references().found if each.kind == "branch"]
    history = repository.history(heads, heads)
    assert len(history.times) == 2
    assert history.complete


def test_a_damaged_repository_is_not_taken_for_none(tmp_path: Path, origin: Path, git: Git) -> None:
    (origin / ".git" / "HEAD").unlink()
    with pytest.raises(IncompleteSource) as caught:
        open_history(origin)
    assert caught.value.exit_code == 3


def test_a_worktree_whose_clone_is_gone(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: /nowhere/.git/worktrees/x\n")
    with pytest.raises(IncompleteSource):
        open_history(tmp_path)


def test_advice_is_quoted_and_says_what_it_trusts() -> None:
    refused = unreadable(Path("/srv/it's my shop"), pygit2.GitError("the path is not owned by current user"))
    assert """`git config --global --add safe.directory '/srv/it'"'"'s my shop'`""" in refused.what_to_do
    assert "If you trust its owner" in refused.what_to_do
    assert "runs, as you, what the configuration and the hooks in that folder name" in refused.what_to_do
    assert "`git -C '/srv/a b' fsck`" in unreadable(Path("/srv/a b"), KeyError("0123")).what_to_do


def test_advice_that_would_not_help_is_not_given(tmp_path: Path) -> None:
    sha256 = tmp_path / "sha256"
    run = ("git", "init", "--quiet")
    subprocess.run([*run, "--object-format=sha256", str(sha256)], check=True)
    plain = tmp_path / "plain"
    subprocess.run([*run, str(plain)], check=True)
    (plain / ".git" / "config").write_text("[broken\n")
    extended = tmp_path / "extended"
    subprocess.run([*run, str(extended)], check=True)
    subprocess.run(["git", "-C", str(extended), "config", "core.repositoryFormatVersion", "1"], check=True)
    subprocess.run(["git", "-C", str(extended), "config", "extensions.oddity", "true"], check=True)
    said = {}
    for each in (sha256, plain, extended):
        with pytest.raises(IncompleteSource) as refused:
            open_history(each)
        said[each.name] = refused.value.what_to_do
    assert "Another clone would be the same" in said["sha256"]
    assert "Mend the file that is named" in said["plain"]
    assert "Clone it without that extension" in said["extended"]
    assert not [each for each in said.values() if "clone it again" in each]
