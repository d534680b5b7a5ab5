"""The scenarios of werf's own tests for tag strategies, on real git repositories."""

from pathlib import Path

import pygit2
import pytest

from holystone.adapters.git.repository import GitRepository
from holystone.demo.git_story import GitStory
from holystone.engine.model.references import Commit
from holystone.engine.model.verdicts import Keep
from holystone.policies.werf.v1 import docker_tag_slug
from holystone.policies.werf.v1.project import ImageTag
from holystone.policies.werf.v1.tag_strategy import Allowance, StrategyRules, decide_by_strategy
from holystone.workflows.intent import read_names
from tests.support.image_values import commit_id, image_tag

pytestmark = pytest.mark.anyio
NOW = 1_800_000_000
LONG = "feature/Very-Long-" + "x" * 130
NAMES = ("branchA", "feature/Very-Long", LONG, "ÜBER/größe", "with_underscore", "+plus", "release/1.0")


@pytest.fixture
def story(tmp_path: Path) -> GitStory:
    story = GitStory(tmp_path)
    story.commit("master", "one", at=NOW - 100)
    return story


def published(strategy: str, name: str, *, age: int = 0) -> ImageTag:
    slug = docker_tag_slug(name)
    return image_tag(slug, strategy=strategy, meta_tag=slug, created=NOW - age)


async def stay(story: GitStory, *tags: ImageTag, by: StrategyRules | None = None) -> set[ImageTag]:
    by = by or StrategyRules()
    clone = GitRepository(story.path, pygit2.Repository(str(story.path)))
    intent = await read_names(clone, clone.references(), tags, by)
    found = decide_by_strategy(tags, intent.names, intent.rules, NOW)
    return {tag for tag in tags if isinstance(found[tag.reference.tag], Keep)}


async def test_t1_a_branch_that_is_only_local(story: GitStory) -> None:
    repository = pygit2.Repository(str(story.path))
    repository.references.create("refs/heads/branchA", story.head("master"))
    repository.references.create("refs/remotes/upstream/branchA", story.head("master"))
    assert await stay(story, published("git-branch", "branchA")) == set()


@pytest.mark.parametrize("name", NAMES)
async def test_t2_a_branch_of_origin_until_it_is_deleted(story: GitStory, name: str) -> None:
    tag = published("git-branch", name)
    story.branch(name, start="master")
    assert await stay(story, tag) == {tag}
    story.delete_branch(name)
    assert await stay(story, tag) == set()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("at", [None, NOW - 50], ids=["light", "annotated"])
async def test_t3_a_git_tag_until_it_is_deleted(story: GitStory, name: str, at: int | None) -> None:
    tag = published("git-tag", name)
    story.tag(name, story.head("master"), at=at)
    assert await stay(story, tag) == {tag}
    story.delete_tag(name)
    assert await stay(story, tag) == set()


async def test_an_annotated_tag_counts_by_its_reference(story: GitStory) -> None:
    """Its object may hold another name: that of the tag it was copied from."""
    story.tag("inner", story.head("master"), at=NOW - 50)
    repository = pygit2.Repository(str(story.path))
    target = repository.references["refs/tags/inner"].target
    repository.references.create("refs/tags/outer", target)
    story.delete_tag("inner")
    inner, outer = published("git-tag", "inner"), published("git-tag", "outer")
    assert await stay(story, inner, outer) == {outer}


async def test_a_git_tag_of_a_tree_is_a_name_too(story: GitStory) -> None:
    repository = pygit2.Repository(str(story.path))
    repository.references.create("refs/tags/tree", repository.TreeBuilder().write())
    tag = published("git-tag", "tree")
    assert await stay(story, tag) == {tag}


async def test_a_branch_whose_name_is_not_utf_8(story: GitStory) -> None:
    """The slug's hash is of the name's bytes."""
    packed = f"{story.head('master')} refs/remotes/origin/caf".encode() + b"\xe9\n"
    (story.path / ".git" / "packed-refs").write_bytes(packed)
    tag = published("git-branch", "caf\udce9")
    assert await stay(story, tag, published("git-branch", "caf\ufffd")) == {tag}


async def test_t4_expiry_of_no_days(story: GitStory) -> None:
    story.tag("tagA", story.head("master"))
    by = StrategyRules(git_tag=Allowance(expiry_days=0))
    assert await stay(story, published("git-tag", "tagA"), by=by) == set()


async def test_t5_the_newest_git_tag(story: GitStory) -> None:
    tags = [published("git-tag", name, age=age) for name, age in (("a", 3), ("b", 1), ("c", 2))]
    for name in "abc":
        story.tag(name, story.head("master"))
    assert await stay(story, *tags, by=StrategyRules(git_tag=Allowance(1))) == {tags[1]}


async def test_t6_commits(story: GitStory) -> None:
    head = published("git-commit", story.head("master"))
    unknown = published("git-commit", commit_id("unknown"))
    assert await stay(story, head, unknown) == {head}


async def test_a_tree_is_no_commit(story: GitStory) -> None:
    tree = pygit2.Repository(str(story.path)).TreeBuilder().write()
    assert await stay(story, published("git-commit", str(tree))) == set()


def four_commits(story: GitStory) -> list[Commit]:
    return [story.commit("master", str(number), at=NOW - 50 + number) for number in range(4)]


async def test_t7_expiry_and_number_of_commits(story: GitStory) -> None:
    tags = [published("git-commit", commit, age=9 - n) for n, commit in enumerate(four_commits(story))]
    assert await stay(story, *tags, by=StrategyRules(git_commit=Allowance(expiry_days=0))) == set()
    assert await stay(story, *tags, by=StrategyRules(git_commit=Allowance(2))) == {*tags[2:]}


async def test_a_commit_that_no_branch_reaches_exists(story: GitStory) -> None:
    story.branch("feature", start="master")
    commit = story.commit("feature", "two", at=NOW - 10)
    story.delete_branch("feature")
    tag = published("git-commit", commit)
    assert await stay(story, tag) == {tag}
