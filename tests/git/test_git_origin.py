"""A clone is whole when origin says so, and is refused with the command that makes it whole when it is not."""

import tracemalloc
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest

from holystone.adapters.git import origin as origin_module
from holystone.adapters.git.origin import Objects, Unasked, ask_origin, lacking
from holystone.adapters.git.prepare import CheckedClone, catch_up, prepare_history
from holystone.adapters.git.program import Clone
from holystone.adapters.git.repository import GitRepository
from holystone.engine.errors import IncompleteSource
from tests.git.conftest import Git


def anything(kind: str, name: str) -> bool:
    return True


@pytest.fixture
def clone(tmp_path: Path, origin: Path, git: Git) -> Path:
    git(tmp_path, "clone", "-q", origin.as_uri(), "clone")
    return tmp_path / "clone"


def narrowed(tmp_path: Path, origin: Path, git: Git, *fetch: str) -> Path:
    """Nothing in its configuration tells what the command line left out."""
    folder = tmp_path / "narrowed"
    git(folder, "init", "-q", "-b", "master")
    git(folder, "remote", "add", "origin", origin.as_uri())
    git(folder, "fetch", "-q", *fetch)
    git(folder, "checkout", "-q", "--detach", "refs/remotes/origin/master")
    return folder


async def prepared(folder: Path, *, fetch: bool = False, allow: bool = False) -> GitRepository:
    repository = await prepare_history(folder, allow_shallow=allow, synchronize_first=fetch)
    assert repository is not None
    return repository


async def checked(folder: Path, *, fetch: bool = False, allow: bool = False) -> CheckedClone:
    return await catch_up(await prepared(folder, fetch=fetch, allow=allow), anything, allow_shallow=allow)


def shown(repository: GitRepository) -> list[str]:
    return [each.shown for each in repository.references().found]


EVERYTHING = ["origin/feature/a", "origin/master", "v1", "v2"]
NARROW = {
    "without tags": (("--no-tags", "origin"), "tag v1, tag v2"),
    "one branch by its name": (("origin", "master:refs/remotes/origin/master"), "branch feature/a"),
    "one branch, no tags": (
        ("--no-tags", "origin", "+refs/heads/master:refs/remotes/origin/master"),
        "branch feature/a, tag v1, tag v2",
    ),
}


@pytest.mark.parametrize(("fetch", "lacks"), NARROW.values(), ids=NARROW)
async def test_what_a_fetch_was_told_to_leave_out_is_seen(
    tmp_path: Path, origin: Path, git: Git, fetch: tuple[str, ...], lacks: str
) -> None:
    folder = narrowed(tmp_path, origin, git, *fetch)
    with pytest.raises(IncompleteSource) as caught:
        await checked(folder)
    assert caught.value.exit_code == 3
    assert str(folder) in caught.value.message
    assert lacks in caught.value.message
    assert "--git-history-synchronization" in caught.value.what_to_do
    await anyio.run_process(caught.value.what_to_do.split("`")[1], cwd=folder)
    assert shown((await checked(folder)).repository) == EVERYTHING


@pytest.mark.parametrize(("fetch", "lacks"), NARROW.values(), ids=NARROW)
async def test_synchronization_makes_it_whole(
    tmp_path: Path, origin: Path, git: Git, fetch: tuple[str, ...], lacks: str
) -> None:
    folder = narrowed(tmp_path, origin, git, *fetch)
    assert shown((await checked(folder, fetch=True)).repository) == EVERYTHING


async def test_a_narrow_clone_that_is_allowed_knows_that_it_does_not_know(
    tmp_path: Path, origin: Path, git: Git
) -> None:
    folder = narrowed(tmp_path, origin, git, "--no-tags", "origin")
    history = (await checked(folder, allow=True)).repository.history([], [])
    assert not history.complete
    assert not history.references_complete


async def test_a_whole_clone_passes(clone: Path) -> None:
    found = await checked(clone)
    assert not found.unasked
    assert found.repository.history([], []).complete


@pytest.mark.parametrize("how", ["--filter=blob:none", "--filter=tree:0", "--no-checkout"])
async def test_what_origin_has_besides_branches_and_tags_is_nothing_to_lack(
    tmp_path: Path, origin: Path, git: Git, how: str
) -> None:
    git(origin, "update-ref", "refs/merge-requests/1/head", "HEAD")
    git(origin, "update-ref", "refs/pull/1/head", "HEAD")
    git(tmp_path, "clone", "-q", how, origin.as_uri(), "whole")
    assert not (await checked(tmp_path / "whole")).unasked


async def test_a_mirror_is_synchronized_like_any_clone(tmp_path: Path, origin: Path, git: Git) -> None:
    (tmp_path / "mirror").mkdir()
    git(tmp_path, "clone", "-q", "--mirror", origin.as_uri(), "mirror/.git")
    before = git(tmp_path / "mirror" / ".git", "for-each-ref").splitlines()
    assert shown((await checked(tmp_path / "mirror", fetch=True)).repository) == EVERYTHING
    assert set(before) <= set(git(tmp_path / "mirror" / ".git", "for-each-ref").splitlines())


async def test_origin_moved_on_after_the_fetch(clone: Path, origin: Path, git: Git) -> None:
    git(origin, "branch", "just-pushed", "HEAD~1")
    with pytest.raises(IncompleteSource) as caught:
        await checked(clone)
    assert "branch just-pushed" in caught.value.message
    git(origin, "branch", "-D", "just-pushed")
    git(origin, "commit", "-q", "--allow-empty", "-m", "one more")
    with pytest.raises(IncompleteSource) as caught:
        await checked(clone)
    assert "branch master" in caught.value.message
    await anyio.run_process(caught.value.what_to_do.split("`")[1], cwd=clone)
    assert not (await checked(clone)).unasked


async def test_a_tag_that_was_moved_on_origin(clone: Path, origin: Path, git: Git) -> None:
    git(origin, "tag", "-f", "v1", "HEAD")
    with pytest.raises(IncompleteSource) as caught:
        await checked(clone)
    assert "tag v1" in caught.value.message
    await anyio.run_process(caught.value.what_to_do.split("`")[1], cwd=clone)
    assert not (await checked(clone)).unasked


async def test_what_origin_has_no_more_is_no_lack(clone: Path, origin: Path, git: Git) -> None:
    git(origin, "branch", "-D", "feature/a")
    git(origin, "tag", "-d", "v1")
    git(clone, "tag", "local")
    assert not (await checked(clone)).unasked


async def test_a_synchronized_clone_has_what_was_pushed_while_the_registries_were_read(
    clone: Path, origin: Path, git: Git
) -> None:
    repository = await prepared(clone, fetch=True)
    git(origin, "checkout", "-q", "-b", "just-pushed")
    git(origin, "commit", "-q", "--allow-empty", "-m", "built meanwhile")
    repository = (await catch_up(repository, anything, allow_shallow=False)).repository
    assert "origin/just-pushed" in shown(repository)


@pytest.fixture
def shallow(tmp_path: Path, origin: Path, clone: Path, git: Git) -> GitRepository:
    """The clone, synchronized; its origin has become shallow since, with a branch that is deeper than it looks."""
    repository = anyio.run(lambda: prepared(clone, fetch=True))
    git(origin, "checkout", "-q", "-b", "deep")
    for number in range(3):
        git(origin, "commit", "-q", "--allow-empty", "-m", f"deep {number}")
    git(tmp_path, "clone", "-q", "--depth=1", "--no-single-branch", origin.as_uri(), "cut")
    git(tmp_path / "cut", "fetch", "-q", "--depth=1", "origin", "+refs/heads/*:refs/heads/*", "--update-head-ok")
    git(clone, "remote", "set-url", "origin", (tmp_path / "cut").as_uri())
    return repository


async def test_what_a_fetch_leaves_out_of_an_origin_that_is_shallow(shallow: GitRepository, git: Git) -> None:
    with pytest.raises(IncompleteSource, match=r"git fetch left out what origin .* has: branch deep\.") as caught:
        await catch_up(shallow, anything, allow_shallow=False)
    assert caught.value.exit_code == 3
    assert str(shallow.directory) in caught.value.what_to_do
    found = await catch_up(shallow, lambda kind, name: name == "master", allow_shallow=False)
    assert "origin/deep" not in shown(found.repository), "no policy looks at it"
    allowed = (await catch_up(shallow, anything, allow_shallow=True)).repository
    assert not allowed.history([], []).references_complete
    git(shallow.directory.with_name("cut"), "fetch", "-q", "--unshallow")
    whole = (await catch_up(shallow, anything, allow_shallow=False)).repository
    assert "origin/deep" in shown(whole)
    assert whole.history([], []).references_complete


async def test_what_is_pushed_or_deleted_during_the_fetch_is_no_lack(
    clone: Path, origin: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = await prepared(clone, fetch=True)

    async def push_in_between(*arguments: Any, **named: Any) -> Objects | Unasked:
        said = await ask_origin(*arguments, **named)
        monkeypatch.setattr("holystone.adapters.git.prepare.ask_origin", ask_origin)
        git(origin, "tag", "-d", "v1")
        git(origin, "branch", "-f", "feature/a", "HEAD~1")
        return said

    monkeypatch.setattr("holystone.adapters.git.prepare.ask_origin", push_in_between)
    caught_up = (await catch_up(repository, anything, allow_shallow=False)).repository
    assert shown(caught_up) == ["origin/feature/a", "origin/master", "v2"]


@pytest.mark.parametrize("known", [False, True], ids=["new", "known"])
@pytest.mark.parametrize("each_time", [False, True], ids=["once", "each-time"])
async def test_what_a_fetch_leaves_out_and_is_moved_meanwhile(
    shallow: GitRepository, git: Git, monkeypatch: pytest.MonkeyPatch, each_time: bool, known: bool
) -> None:
    """Each time: as a branch that a machine commits to each second. Known: the clone has it where it was nights ago."""
    if known:
        git(shallow.directory, "update-ref", "refs/holystone/origin/heads/deep", "HEAD")
    git(shallow.directory.with_name("cut"), "checkout", "-q", "deep")

    async def push_in_between(*arguments: Any, **named: Any) -> Objects | Unasked:
        said = await ask_origin(*arguments, **named)
        if not each_time:
            monkeypatch.setattr("holystone.adapters.git.prepare.ask_origin", ask_origin)
        git(shallow.directory.with_name("cut"), "commit", "-q", "--allow-empty", "-m", "meanwhile")
        return said

    monkeypatch.setattr("holystone.adapters.git.prepare.ask_origin", push_in_between)
    with pytest.raises(IncompleteSource, match=r"git fetch left out what origin .* has: branch deep\."):
        await catch_up(shallow, anything, allow_shallow=False)


async def test_what_is_moved_each_time_and_fetched_is_no_lack(
    clone: Path, origin: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def push_in_between(*arguments: Any, **named: Any) -> Objects | Unasked:
        said = await ask_origin(*arguments, **named)
        git(origin, "commit", "-q", "--allow-empty", "-m", "meanwhile")
        return said

    repository = await prepared(clone, fetch=True)
    monkeypatch.setattr("holystone.adapters.git.prepare.ask_origin", push_in_between)
    assert not (await catch_up(repository, anything, allow_shallow=False)).unasked


async def test_a_fetch_that_cannot_be_compared_with_origin(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = await prepared(clone, fetch=True)

    async def silent(*_: Any, **__: Any) -> Unasked:
        return Unasked("git ls-remote did not answer within 60 s")

    monkeypatch.setattr("holystone.adapters.git.prepare.ask_origin", silent)
    with pytest.raises(IncompleteSource, match=r"could not be compared .* ls-remote did not answer"):
        await catch_up(repository, anything, allow_shallow=False)


async def test_what_no_policy_looks_at_may_be_missing(clone: Path, origin: Path, git: Git) -> None:
    git(origin, "branch", "renovate/x", "HEAD~1")
    found = await catch_up(await prepared(clone), lambda kind, name: name == "master", allow_shallow=False)
    assert not found.unasked


async def test_an_origin_that_cannot_be_reached_is_told_without_its_password(clone: Path, git: Git) -> None:
    git(clone, "remote", "set-url", "origin", "http://robot:hunter2@127.0.0.1:1/x.git")
    found = await checked(clone)
    assert "127.0.0.1" in found.unasked
    assert "hunter2" not in found.unasked
    assert "robot" not in found.unasked


@pytest.mark.parametrize("negative", ["^refs/heads/feature/a", "^refs/heads/feature/*", "^refs/tags/v*"])
async def test_a_clone_that_is_set_up_to_leave_some_out_and_an_origin_out_of_reach(
    tmp_path: Path, origin: Path, git: Git, negative: str
) -> None:
    """A negative refspec (git-fetch(1)) beside the one for all branches."""
    folder = tmp_path / "partly"
    git(folder, "init", "-q", "-b", "master")
    git(folder, "remote", "add", "origin", origin.as_uri())
    git(folder, "config", "--add", "remote.origin.fetch", negative)
    git(folder, "config", "remote.origin.tagOpt", "--tags")
    git(folder, "fetch", "-q")
    git(folder, "checkout", "-q", "--detach", "refs/remotes/origin/master")
    with pytest.raises(IncompleteSource, match="lacks what origin has"):
        await checked(folder)
    git(folder, "remote", "set-url", "origin", "file:///nowhere")
    with pytest.raises(IncompleteSource) as caught:
        await checked(folder)
    assert caught.value.exit_code == 3
    assert negative in caught.value.message
    assert not (await checked(folder, allow=True)).repository.history([], []).complete
    git(folder, "remote", "set-url", "origin", origin.as_uri())
    await anyio.run_process(caught.value.what_to_do.split("`")[1], cwd=folder)
    git(folder, "remote", "set-url", "origin", "file:///nowhere")
    assert shown((await checked(folder)).repository) == EVERYTHING


async def test_no_remote(clone: Path, git: Git) -> None:
    git(clone, "config", "--remove-section", "remote.origin")
    found = await checked(clone)
    assert (found.unasked, found.repository.remotes) == ("it has none", ())


async def test_a_remote_of_another_name(clone: Path, git: Git) -> None:
    git(clone, "config", "--rename-section", "remote.origin", "remote.upstream")
    assert (await checked(clone)).unasked == "the clone has no remote called origin, only upstream"


async def test_no_git_program(clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert await ask_origin(Clone(clone / ".git", clone)) == Unasked("there is no git program")


async def test_an_origin_that_hangs_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nsleep 600\n")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    assert isinstance(await ask_origin(Clone(tmp_path, tmp_path), timeout=0.05), Unasked)


async def test_an_origin_without_anything_is_no_answer(tmp_path: Path, clone: Path, git: Git) -> None:
    git(tmp_path, "init", "-q", "--bare", "empty.git")
    git(clone, "remote", "set-url", "origin", (tmp_path / "empty.git").as_uri())
    assert "no branches" in (await checked(clone)).unasked


async def test_what_an_origin_with_many_branches_says_is_not_held_three_times(
    clone: Path, origin: Path, git: Git
) -> None:
    head, many, name = git(origin, "rev-parse", "HEAD"), 20_000, "b" * 200
    lines = "".join(f"{head} refs/heads/{name}{number:05}\n" for number in range(many))
    (origin / ".git" / "packed-refs").write_text(f"# pack-refs with: peeled fully-peeled sorted \n{lines}")
    repository = await prepared(clone)
    tracemalloc.start()
    try:
        found = await ask_origin(repository.clone)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(found, Mapping)
    assert len(found) > many
    assert peak < 3 * len(lines)


async def test_an_origin_with_more_branches_than_there_is_memory_for(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = await prepared(clone)
    monkeypatch.setattr(origin_module, "MOST", 1)
    with pytest.raises(IncompleteSource, match="Origin has more than 1 branches and tags, and no more are read"):
        await ask_origin(repository.clone)


async def test_a_folder_in_place_of_a_reference_is_told_by_origin(clone: Path, origin: Path, git: Git) -> None:
    packed = clone / ".git" / "packed-refs"
    packed.write_text("".join(line for line in packed.read_text().splitlines(keepends=True) if "v1" not in line))
    (clone / ".git/refs/tags/v1").mkdir(parents=True)
    with pytest.raises(IncompleteSource) as caught:
        await checked(clone)
    assert "tag v1" in caught.value.message


async def test_a_folder_in_place_of_a_reference_is_refused_where_nobody_can_tell(clone: Path, git: Git) -> None:
    (clone / ".git/refs/remotes/origin/feature/a").mkdir(parents=True)
    assert not (await checked(clone)).unasked, "the packed line is what origin has"
    git(clone, "remote", "set-url", "origin", "file:///nowhere")
    with pytest.raises(IncompleteSource) as caught:
        await checked(clone)
    assert "refs/remotes/origin/feature/a" in caught.value.message
    assert "rmdir" in caught.value.what_to_do


def test_names_of_origin_need_not_be_utf_8() -> None:
    name = "caf\udce9"
    origin = {("branch", name): "1" * 40}
    assert lacking(dict(origin), dict(origin), anything) == ()  # type: ignore[arg-type]
    assert lacking({}, dict(origin), anything) == ("branch caf\ufffd",)  # type: ignore[arg-type]
