"""Clones that lack history: refused with the command that mends them, or read with what they lack taken for unknown."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from holystone.adapters.git.origin import lacking
from tests.support.command_line import Bench, bench, now
from tests.support.tiny_project import tiny_project

Refuse = Callable[..., str]
Clone = Callable[..., Bench]


def git(folder: Path, *arguments: str) -> str:
    home = {"HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"]}
    done = subprocess.run(["git", *arguments], cwd=folder, env=home, check=True, capture_output=True, text=True)
    return done.stdout


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Clone]:
    """A clone of the project, with the options of `git clone`, from a bare origin on this machine."""
    story = tmp_path / "story"
    story.mkdir()
    with bench(tmp_path) as shop:
        tiny_project(story, shop.registry.storage, now=now())
        bare = tmp_path / "origin.git"
        git(tmp_path, "init", "-q", "--bare", "-b", "master", str(bare))
        git(story, "push", "-q", str(bare), "refs/remotes/origin/master:refs/heads/master", "v1")
        git(story, "push", "-q", str(bare), "refs/remotes/origin/master:refs/heads/other")

        def make(*options: str) -> Bench:
            shop.project.rmdir()
            git(tmp_path, "clone", "-q", *options, bare.as_uri(), str(shop.project))
            return shop

        yield make


GOES = 7 - 5
"""Of the seven tags of backend."""


def test_a_whole_clone(clone: Clone) -> None:
    shop = clone()
    assert shop.cleanup().code == 0
    assert len(shop.contents()["shop/app/backend"][0]) == 5


def test_what_decides_is_what_was_compared_with_origin(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    """References were read again after that, and another program may take some out of the clone in between."""
    shop = clone()

    def compare(*compared: Any) -> tuple[str, ...]:
        found = lacking(*compared)
        git(shop.project, "tag", "-d", "v1")
        return found

    monkeypatch.setattr("holystone.adapters.git.prepare.lacking", compare)
    assert shop.cleanup().code == 0
    assert len(shop.contents()["shop/app/backend"][0]) == 5


def test_branches_that_are_gone_from_origin_take_no_place_from_those_that_are_not(clone: Clone, tmp_path: Path) -> None:
    """Who fetches without --prune has every branch that was ever merged, and tags that nobody pushed."""
    shop = clone()
    policies = tmp_path / "policies.yaml"
    every = "{references: {%s: /.*/, limit: {last: %d}}, imagesPerReference: {last: 2}}"
    policies.write_text(f"[{every % ('branch', 1)}, {every % ('tag', 1)}]")
    named = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.com")
    git(shop.project, "checkout", "-q", "--orphan", "merged")
    git(shop.project, *named, "commit", "-q", "--allow-empty", "-m", "merged")
    for name in ("refs/remotes/origin/merged", "refs/tags/mine"):
        git(shop.project, "update-ref", name, "HEAD")
    assert shop.cleanup("--yes-delete-that-many", "--keep-policies", str(policies)).code == 0
    assert len(shop.contents()["shop/app/backend"][0]) == 5


def test_a_shallow_clone(clone: Clone, refused: Refuse) -> None:
    shop = clone("--depth=1")
    message = refused(shop, code=3)
    assert "is shallow" in message
    assert str(shop.project) in message
    assert "git fetch --unshallow" in message
    assert "--git-history-synchronization" in message
    assert "deleted" in message


def test_a_shallow_clone_that_is_allowed_keeps_what_it_does_not_know(clone: Clone) -> None:
    shop = clone("--depth=1", "--no-single-branch")
    before = shop.contents()
    ran = shop.cleanup("--allow-git-shallow-clone")
    assert ran.code == 0
    assert "the clone is shallow and may hide their commits" in ran.out
    assert shop.contents()["shop/app/backend"] == before["shop/app/backend"]


def test_a_shallow_clone_is_mended_by_synchronization(clone: Clone) -> None:
    shop = clone("--depth=1")
    ran = shop.cleanup("--git-history-synchronization")
    assert ran.code == 0
    assert len(shop.contents()["shop/app/backend"][0]) == 5
    assert not (shop.project / ".git" / "shallow").exists()


def test_synchronization_that_fails(clone: Clone, refused: Refuse, tmp_path: Path) -> None:
    shop = clone("--depth=1")
    shutil.rmtree(tmp_path / "origin.git")
    message = refused(shop, "--git-history-synchronization", code=3)
    assert "git fetch failed" in message
    assert "git fetch --unshallow" in message


def test_a_narrow_clone(clone: Clone, refused: Refuse) -> None:
    shop = clone("--single-branch", "--branch=other")
    message = refused(shop, code=3)
    assert "only a part of origin's branches" in message
    assert "git remote set-branches origin '*'" in message


def test_a_clone_whose_command_line_left_tags_out(clone: Clone, refused: Refuse) -> None:
    """Nothing in its configuration tells; without the tag, the image of v1 would go."""
    shop = clone()
    git(shop.project, "tag", "-d", "v1")
    message = refused(shop, code=3)
    assert "tag v1" in message
    assert "git fetch --tags" in message
    assert "--git-history-synchronization" in message


def test_tags_of_a_person_survive_a_synchronization_and_are_told(clone: Clone) -> None:
    shop = clone()
    git(shop.project, "tag", "unpushed")
    ran = shop.cleanup("--git-history-synchronization")
    assert ran.code == 0
    assert "1 git tag of the clone did not count, e.g. unpushed" in ran.out
    assert git(shop.project, "tag").split() == ["unpushed", "v1"]
    assert len(shop.contents()["shop/app/backend"][0]) == 5


def test_an_origin_out_of_reach_is_told(clone: Clone, tmp_path: Path) -> None:
    shop = clone()
    shutil.rmtree(tmp_path / "origin.git")
    ran = shop.cleanup()
    assert ran.code == 0
    assert "origin was not asked whether the clone has all its branches and tags" in ran.out
    assert len(shop.contents()["shop/app/backend"][0]) == 5


def test_no_tag_at_all_and_an_origin_out_of_reach(clone: Clone, refused: Refuse, tmp_path: Path) -> None:
    shop = clone()
    git(shop.project, "tag", "-d", "v1")
    shutil.rmtree(tmp_path / "origin.git")
    message = refused(shop, code=3)
    assert "has no tags" in message
    assert "git config remote.origin.tagOpt --tags" in message
    git(shop.project, "config", "remote.origin.tagOpt", "--tags")
    shop.env["WERF_DRY_RUN"] = "1"
    assert "has no tags" not in shop.cleanup().err


@pytest.mark.parametrize("strategy", ["git-history", "strategies"])
def test_a_branch_that_was_pushed_after_the_fetch(clone: Clone, refused: Refuse, tmp_path: Path, strategy: str) -> None:
    """The tiny project's policies look at master and at tags; its images were made by stages signatures."""
    shop = clone()
    git(tmp_path / "origin.git", "branch", "fresh", "master")
    options = [] if strategy == "git-history" else ["--git-history-based-cleanup=false"]
    assert shop.cleanup(*options, "--dry-run").code == 0
    git(tmp_path / "origin.git", "branch", "-f", "master", "master~1")
    if strategy == "git-history":
        assert "branch master" in refused(shop, *options, code=3)
        assert shop.cleanup(*options, "--git-history-synchronization").code == 0


def shallow_origin(tmp_path: Path, shop: Bench) -> Path:
    """What origin was made anew from: of master its last commit alone, which the clone has not."""
    story, bare = tmp_path / "story", tmp_path / "origin.git"
    last = "refs/remotes/origin/master"
    git(story, "push", "-q", "--force", str(bare), f"{last}~2:refs/heads/master", f"{last}~2:refs/heads/other")
    git(shop.project, "fetch", "-q", "--force", "origin", "+refs/heads/*:refs/remotes/origin/*")
    git(shop.project, "checkout", "-q", "--detach", "refs/remotes/origin/master")
    git(shop.project, "update-ref", "-d", "refs/heads/master")
    git(shop.project, "reflog", "expire", "--expire=now", "--all")
    git(shop.project, "gc", "-q", "--prune=now")
    git(story, "push", "-q", str(bare), f"{last}:refs/heads/master")
    shallow = tmp_path / "shallow.git"
    git(tmp_path, "clone", "-q", "--bare", "--depth=1", "--no-single-branch", bare.as_uri(), str(shallow))
    git(shallow, "fetch", "-q", "--depth=1", "origin", "tag", "v1")
    git(shop.project, "remote", "set-url", "origin", shallow.as_uri())
    return shallow


def test_a_fetch_that_leaves_branches_out_and_says_that_all_is_well(
    clone: Clone, refused: Refuse, tmp_path: Path
) -> None:
    """Of an origin that is itself shallow git takes no branch whose history ends where the clone's does not."""
    shop = clone()
    shallow = shallow_origin(tmp_path, shop)
    message = refused(shop, "--git-history-synchronization", code=3)
    assert "left out what origin" in message
    assert "branch master" in message
    git(shallow, "fetch", "-q", "--unshallow", "origin")
    assert shop.cleanup("--git-history-synchronization").code == 0
    assert len(shop.contents()["shop/app/backend"][0]) == 5


def test_a_clone_without_branches_of_origin(clone: Clone, refused: Refuse) -> None:
    shop = clone()
    git(shop.project, "remote", "remove", "origin")
    message = refused(shop, code=3)
    assert "no branch of origin" in message
    assert "git fetch" in message
    assert str(shop.project) in message


def test_no_git_repository_leaves_images_alone_and_cleans_stages(clone: Clone) -> None:
    shop = clone()
    shutil.rmtree(shop.project / ".git")
    before = shop.contents()
    doomed = sorted(before["shop/app/backend"][0])[-1]
    state = shop.registry.storage.repositories["shop/app/backend"]
    images = {tag: digest for tag, digest in state.tags.items() if len(tag) == 56}
    for tag in images:  # all but the ones somebody else made
        state.manifests.pop(state.tags.pop(tag), None)
    front = before["shop/app/front"]
    ran = shop.cleanup()
    assert ran.code == 0, ran
    assert "there is no git repository in the project directory, so all images were left alone" in ran.out
    after = shop.contents()
    assert after["shop/app/front"] == front
    assert len(after["shop/stages"][0]) < len(before["shop/stages"][0])
    metadata = {tag for tag in before["shop/stages"][0] if tag.startswith("image-metadata")}
    assert metadata <= after["shop/stages"][0].keys(), doomed


def test_a_corrupt_clone(clone: Clone, refused: Refuse) -> None:
    shop = clone()
    for file in (shop.project / ".git" / "objects").rglob("*"):
        if file.is_file():
            file.chmod(0o644)
            file.write_bytes(b"rust")
    message = refused(shop, code=3)
    assert str(shop.project) in message
    assert "git" in message
