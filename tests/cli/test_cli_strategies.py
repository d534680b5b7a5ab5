"""`--git-history-based-cleanup=false`, from the command line to the registry."""

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pygit2
import pytest

from holystone.demo.composer import Composer
from holystone.demo.git_story import GitStory
from holystone.demo.stages import Content
from tests.support.command_line import Bench, bench, now
from tests.support.folded_tags import fold
from tests.support.image_values import commit_id
from tests.support.tiny_project import DAY, WERF_YAML, fill

Refuse = Callable[..., str]
BY_STRATEGY = "--git-history-based-cleanup=false"
BACKEND = "shop/app/backend"


@dataclass
class Shop:
    bench: Bench
    story: GitStory
    tags: dict[str, str]
    """What each was published as → its tag."""

    def cleanup(self, *options: str) -> set[str]:
        """What of it stays."""
        ran = self.bench.cleanup(BY_STRATEGY, "--yes-delete-that-many", *options)
        assert ran.code == 0, ran
        there = self.bench.contents()[BACKEND][0]
        return {name for name, tag in self.tags.items() if tag in there}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """Images of every strategy, the newest first by a day each."""
    with bench(tmp_path) as made:
        composer = Composer(
            "shop",
            made.project,
            host="registry.example",
            now=now(),
            images_repo="shop/app",
            stages_storage="shop/stages",
        )
        story = GitStory(made.project)
        (made.project / "werf.yaml").write_text(WERF_YAML)
        commits = [story.commit("master", str(n), at=now() - n * DAY, files={"werf.yaml": WERF_YAML}) for n in (9, 8)]
        story.branch("feature/Very-Long-Login", start="master")
        story.tag("v1", commits[0])
        story.tag("release/2", commits[1], at=now() - DAY)
        published = [
            ("git-branch", "feature/Very-Long-Login"),
            ("git-branch", "feature/merged"),
            ("git-tag", "v1"),
            ("git-tag", "release/2"),
            ("git-tag", "v0"),
            ("git-commit", commits[0]),
            ("git-commit", commits[1]),
            ("git-commit", commit_id("rebased away")),
            ("custom", "hand-made"),
            ("stages-signature", ""),
            ("stages-signature", ""),
        ]
        tags = {}
        for number, (strategy, name) in enumerate(published):
            at = now() - (10 + number) * DAY
            content = Content(code=number)
            tag = composer.publish("backend", commits[0], content, at=at, strategy=strategy, name=name)
            tags[name or f"signature {number}"] = tag.tag
        composer.foreign(BACKEND, "not-ours", at=now() - 50 * DAY)
        fill(made.registry.storage, composer)
        yield Shop(made, story, {**tags, "not-ours": "not-ours"})


def gone() -> set[str]:
    return {"feature/merged", "v0", commit_id("rebased away")}


def test_what_lost_its_reference_goes_with_its_stages_and_nothing_else(shop: Shop) -> None:
    before = shop.bench.contents()
    dry = shop.bench.cleanup(BY_STRATEGY, "--dry-run")
    assert dry.code == 0
    assert "no branch of origin feature-merged-" in dry.out
    assert "branch of origin feature/Very-Long-Login exists" in dry.out
    assert "tags of strategy custom are never judged" in dry.out
    assert shop.bench.contents() == before
    assert shop.cleanup() == shop.tags.keys() - gone()
    after = shop.bench.contents()
    records = {tag for tag in before["shop/stages"][0] if tag.startswith("image-metadata")}
    assert records
    assert records <= after["shop/stages"][0].keys()
    stages = {tag for tag in before["shop/stages"][0] if tag not in records}
    assert len(stages - after["shop/stages"][0].keys()) == 3, "the top stage of each"
    assert shop.bench.cleanup(BY_STRATEGY).out.endswith("There is nothing to delete.\n")


def test_a_deleted_branch_and_git_tag_take_their_images_along(shop: Shop) -> None:
    shop.story.delete_branch("feature/Very-Long-Login")
    shop.story.delete_tag("release/2")
    assert shop.cleanup() == shop.tags.keys() - gone() - {"feature/Very-Long-Login", "release/2"}


def test_branches_and_tags_of_another_history(shop: Shop) -> None:
    clone = pygit2.Repository(str(shop.bench.project))
    somebody = pygit2.Signature("x", "x@example.com")
    orphan = clone.create_commit(None, somebody, somebody, "another one", clone.TreeBuilder().write(), [])
    for name in list(clone.references):
        if not name.endswith("HEAD"):
            clone.references.create(name, orphan, force=True)
    before = shop.bench.contents()
    ran = shop.bench.cleanup(BY_STRATEGY, "--yes-delete-that-many")
    assert ran.code == 3
    assert "o branch or tag of origin reaches any commit that images were built from" in ran.message
    assert shop.bench.contents() == before


def test_limits_and_expiry(shop: Shop) -> None:
    first, second = (name for name in shop.tags if name.startswith("signature"))
    kept_commit, expired_commit = [name for name in shop.tags if len(name) == 40][:2]
    stays = shop.cleanup(
        "--git-tag-strategy-limit=1", "--git-commit-strategy-expiry-days=16", "--stages-signature-strategy-limit", "1"
    )
    assert shop.tags.keys() - stays == gone() | {"release/2", expired_commit, second}
    assert {kept_commit, first, "v1"} <= stays


def test_a_git_tag_that_origin_has_not_takes_no_place_from_one_that_it_has(shop: Shop, tmp_path: Path) -> None:
    origin = str(tmp_path / "origin.git")
    subprocess.run(["git", "init", "-q", "--bare", origin], check=True)
    pushed = ("refs/remotes/origin/*:refs/heads/*", "refs/tags/release/2")
    for words in (("push", "-q", origin, *pushed), ("remote", "add", "origin", origin)):
        subprocess.run(["git", *words], cwd=shop.bench.project, check=True)
    assert {"v1", "release/2"} <= shop.cleanup("--git-tag-strategy-limit=1")


def test_history_decides_unless_told_otherwise(shop: Shop) -> None:
    ran = shop.bench.cleanup("--dry-run", "--git-tag-strategy-limit=0")
    assert ran.code == 0
    assert "holystone: note: --git-tag-strategy-limit has no effect: git history decides." in ran.notes
    assert "keep policy" in ran.out


def test_keep_policies_have_no_effect(shop: Shop) -> None:
    ran = shop.bench.cleanup(BY_STRATEGY, "--dry-run", "--default-policies-include-main")
    assert "holystone: note: --default-policies-include-main has no effect: tag strategies decide." in ran.notes


def test_without_git_all_images_stay(shop: Shop) -> None:
    (shop.bench.project / ".git").rename(shop.bench.home / "git")
    assert shop.cleanup("--git-tag-strategy-limit=0") == shop.tags.keys()


def test_without_branches_of_origin_nothing_is_deleted(shop: Shop, refused: Refuse) -> None:
    for branch in shop.story.branches():
        shop.story.delete_branch(branch)
    message = refused(shop.bench, BY_STRATEGY, code=3)
    assert "no branch of origin" in message


def test_a_shallow_clone_is_refused_and_if_allowed_keeps_what_it_may_lack(
    shop: Shop, refused: Refuse, tmp_path: Path
) -> None:
    whole = tmp_path / "whole"
    shop.bench.project.rename(whole)
    subprocess.run(
        ["git", "clone", "-q", "--depth=1", whole.as_uri(), str(shop.bench.project)],
        check=True,
        capture_output=True,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    assert "is shallow" in refused(shop.bench, BY_STRATEGY, code=3)
    assert shop.cleanup("--allow-git-shallow-clone") == shop.tags.keys()


@pytest.mark.parametrize("folds", [False, True])
def test_names_are_compared_as_the_registry_keeps_them(shop: Shop, folds: bool) -> None:
    """Gitea lists without capital letters what was pushed with them."""
    shop.story.delete_tag("v1")
    shop.story.tag("V1", shop.story.head("master"))
    if folds:
        fold(shop.bench.registry)
    assert ("v1" in shop.cleanup()) is folds
