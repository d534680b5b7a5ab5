import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pygit2
import pytest

from holystone.adapters.git import listed, references
from holystone.engine.errors import IncompleteSource
from holystone.engine.model.history import GitReference
from tests.git.conftest import Git
from tests.support.git_repositories import GitBuilder, opened
from tests.support.notice_texts import notice_texts

NOW = 1_800_000_000


def test_branches_of_origin_by_committer_time(builder: GitBuilder) -> None:
    commit = builder.commit("one", time=NOW)
    builder.branch_of_origin("feature/a/b", commit)
    builder.branch_of_origin("HEADS", commit)
    builder.reference("refs/heads/local", commit)
    builder.reference("refs/remotes/upstream/other", commit)
    builder.repository.references.create("refs/remotes/origin/HEAD", "refs/remotes/origin/feature/a/b")
    references = opened(builder).references()
    assert references.found == (
        GitReference("branch", "HEADS", commit, NOW),
        GitReference("branch", "feature/a/b", commit, NOW),
    )
    assert references.has_branches


def test_tags_are_peeled_and_dated_by_their_outermost_tagger(builder: GitBuilder) -> None:
    commit = builder.commit("one", time=NOW)
    builder.reference("refs/tags/light", commit)
    inner = builder.annotated_tag("annotated", commit, time=NOW + 10)
    builder.annotated_tag("nested", inner, time=NOW + 20)
    builder.reference("refs/tags/another/name", inner)
    references = opened(builder).references()
    assert references.found == (
        GitReference("tag", "annotated", commit, NOW + 10),
        GitReference("tag", "another/name", commit, NOW + 10),
        GitReference("tag", "light", commit, NOW),
        GitReference("tag", "nested", commit, NOW + 20),
    )
    assert not references.has_branches


def test_an_ancient_tag_without_a_tagger_has_the_date_of_its_commit(builder: GitBuilder) -> None:
    commit = builder.commit("one", time=NOW)
    body = f"object {commit}\ntype commit\ntag old\n\nmessage\n".encode()
    builder.reference("refs/tags/old", builder.repository.write(4, body))
    assert opened(builder).references().found == (GitReference("tag", "old", commit, NOW),)


def test_tags_of_tags_of_tags_are_not_followed_without_end(builder: GitBuilder) -> None:
    """Thousands of them, each of the one before, took time by the square of their number, in a thread that nobody can
    end."""
    tag = pygit2.Oid(hex=builder.commit("one", time=NOW))
    for depth in range(15):
        tag = builder.annotated_tag(f"v{depth}", tag, time=NOW)
    assert len(opened(builder).references().found) == 15
    builder.annotated_tag("v15", tag, time=NOW)
    with pytest.raises(IncompleteSource, match=r"has tags of tags of tags, 16 deep and more \(in v15\)"):
        opened(builder).references()


@pytest.mark.parametrize(("bound", "value"), [("MOST", 2), ("_NAMES", 60), ("_LARGEST", 100)])
def test_more_references_than_there_is_memory_for_are_refused(
    builder: GitBuilder, monkeypatch: pytest.MonkeyPatch, bound: str, value: int
) -> None:
    """400,000 branches of one commit, a push of 30 MB, took 0.8 GB."""
    commit = builder.commit("one", time=NOW)
    names = [f"refs/remotes/origin/b{number}" for number in range(3)]
    lines = [f"{commit} {name}\n" for name in names]
    Path(builder.repository.path, "packed-refs").write_text("# pack-refs with: peeled fully-peeled sorted \n")
    assert opened(builder).references().found == ()
    Path(builder.repository.path, "packed-refs").write_text(
        "".join(["# pack-refs with: peeled fully-peeled sorted \n", *lines])
    )
    assert len(opened(builder).references().found) == 3
    monkeypatch.setattr(listed, bound, value)
    with pytest.raises(IncompleteSource, match="and no more are read") as caught:
        opened(builder).references()
    assert "delete those that nobody needs" in caught.value.what_to_do
    with pytest.raises(IncompleteSource, match="and no more are read"):
        opened(builder).is_narrow()


def test_tags_of_trees_are_left_out_with_a_warning(builder: GitBuilder) -> None:
    tree = builder.repository.TreeBuilder().write()
    builder.reference("refs/tags/tree", tree)
    builder.annotated_tag("annotated-tree", tree, time=NOW)
    references = opened(builder).references()
    assert references.found == ()
    assert notice_texts(references.ignored) == (
        "git tag annotated-tree does not end in a commit; ignored",
        "git tag tree does not end in a commit; ignored",
    )


def test_names_that_are_not_utf_8(builder: GitBuilder) -> None:
    commit = builder.commit("one", time=NOW)
    with (builder.directory / ".git" / "packed-refs").open("wb") as file:
        file.write(f"{commit} refs/remotes/origin/caf".encode() + b"\xe9\n")
    references = opened(builder).references()
    assert [each.name for each in references.found] == ["caf\ufffd"]
    assert references.branch_names == ("caf\udce9",)


def test_every_name_is_told_whatever_it_ends_in(builder: GitBuilder) -> None:
    commit = builder.commit("one", time=NOW)
    builder.branch_of_origin("b", commit)
    builder.branch_of_origin("a/b", commit)
    builder.reference("refs/tags/tree", builder.repository.TreeBuilder().write())
    builder.reference("refs/tags/light", commit)
    builder.reference("refs/heads/local", commit)
    references = opened(builder).references()
    assert references.branch_names == ("a/b", "b")
    assert references.tag_names == ("light", "tree")


def test_packed_references(builder: GitBuilder, git: Git) -> None:
    commit = builder.commit("one", time=NOW)
    builder.branch_of_origin("packed/one", commit)
    builder.annotated_tag("v1", commit, time=NOW + 5)
    before = opened(builder).references()
    git(builder.directory, "pack-refs", "--all")
    assert not (builder.directory / ".git/refs/remotes/origin/packed").exists()
    assert opened(builder).references() == before


@pytest.mark.parametrize("times", [1, 5])
def test_what_is_packed_while_it_is_read_is_no_absence(
    builder: GitBuilder, git: Git, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """libgit2 reads what is packed first, and what is loose when git's own gc has packed it."""
    commit = builder.commit("one", time=NOW)
    whole, left = listed.listed, iter(range(times))

    def read(repository: pygit2.Repository) -> Iterator[pygit2.Reference]:
        if next(left, None) is None:
            return whole(repository)
        builder.branch_of_origin("a", commit)
        git(builder.directory, "pack-refs", "--all")
        return iter(())

    monkeypatch.setattr(references, "listed", read)
    if times == 1:
        assert opened(builder).references().branch_names == ("a",)
    else:
        with pytest.raises(IncompleteSource, match="packed-refs is written again and again"):
            opened(builder).references()


def test_a_loose_one_that_is_packed_meanwhile_is_no_damage(
    builder: GitBuilder, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    builder.branch_of_origin("a", builder.commit("one", time=NOW))
    stat, looks = Path.stat, itertools.count(1)

    def packed(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        found = stat(path, follow_symlinks=follow_symlinks)
        if path.name == "a" and follow_symlinks and next(looks) == 2:
            git(builder.directory, "pack-refs", "--all", "--prune")
        return found

    monkeypatch.setattr(Path, "stat", packed)
    assert opened(builder).references().branch_names == ("a",)


@pytest.mark.parametrize("path", ["refs/remotes/origin/lost", "refs/tags/lost"])
def test_a_reference_to_nothing_is_no_absence(builder: GitBuilder, path: str) -> None:
    file = builder.directory / ".git" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("1" * 40 + "\n")
    with pytest.raises(IncompleteSource) as caught:
        opened(builder).references()
    assert "git -C" in caught.value.what_to_do
