"""The repository that a story writes looks like a clone of a project."""

from pathlib import Path

import pygit2
import pytest

from holystone.demo.git_story import GitStory

NOW = 1_700_000_000


def test_a_story_is_a_clone_with_remote_branches_and_both_kinds_of_tags(tmp_path: Path) -> None:
    story = GitStory(tmp_path)
    first = story.commit("master", "First", at=NOW - 100, files={"a": "1"})
    story.branch("feature/x", start="master")
    second = story.commit("feature/x", "Second", at=NOW - 50, files={"b": "2"})
    merged = story.merge("feature/x", "master", at=NOW)
    story.tag("light", first)
    story.tag("heavy", second, at=NOW + 5)

    repository = pygit2.Repository(str(tmp_path))
    assert sorted(repository.references) == [
        "refs/heads/master",
        "refs/remotes/origin/HEAD",
        "refs/remotes/origin/feature/x",
        "refs/remotes/origin/master",
        "refs/tags/heavy",
        "refs/tags/light",
    ]
    assert str(repository.head.target) == story.head("master") == merged
    commit = repository.head.peel(pygit2.Commit)
    assert [str(parent) for parent in commit.parent_ids] == [first, second]
    assert (commit.commit_time, [entry.name for entry in commit.tree]) == (NOW, ["a", "b"])
    heavy = repository[repository.references["refs/tags/heavy"].target]
    assert isinstance(heavy, pygit2.Tag)
    assert heavy.tagger is not None
    assert heavy.tagger.time == NOW + 5
    assert str(repository.references["refs/tags/light"].target) == first


def test_amending_replaces_the_head_and_deleting_forgets_only_the_name(tmp_path: Path) -> None:
    story = GitStory(tmp_path)
    story.commit("master", "Root", at=NOW)
    story.branch("test", start="master")
    old = story.commit("test", "Old", at=NOW - 10)
    new = story.commit("test", "Old", at=NOW - 5, amend=True)
    assert old != new
    assert story.head("test") == new
    story.delete_branch("test")
    assert story.branches() == ("master",)
    assert old in pygit2.Repository(str(tmp_path))
    with pytest.raises(KeyError):
        story.head("test")


def test_the_same_calls_give_the_same_commits(tmp_path: Path) -> None:
    heads = [GitStory(tmp_path / name).commit("master", "One", at=NOW, files={"a": "x"}) for name in ("one", "two")]
    assert heads[0] == heads[1]
