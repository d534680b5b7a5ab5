"""A reference that cannot be read is never taken for one that is not there, nor for an older value of it."""

import os
from pathlib import Path

import pytest

from holystone.engine.errors import IncompleteSource
from holystone.engine.model.source_notices import ReferenceIgnored
from tests.git.conftest import Git
from tests.support.git_repositories import GitBuilder, opened
from tests.support.notice_texts import notice_texts

NOW = 1_800_000_000
BRANCH = "refs/remotes/origin/feature/a"
TAG = "refs/tags/v1"


def loose(builder: GitBuilder, name: str) -> Path:
    path = builder.directory / ".git" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def is_refused(builder: GitBuilder, name: str) -> None:
    with pytest.raises(IncompleteSource) as caught:
        opened(builder).references()
    assert caught.value.exit_code == 3
    assert name in caught.value.message
    assert "git -C" in caught.value.what_to_do


DAMAGED = {
    "empty": b"",
    "zeroed": b"\0" * 41,
    "cut short": b"0123456789abcdef",
    "garbage": b"\x7fELF",
    "one digit too many": b"1" * 41,
    "zeroed behind": b"1" * 20 + b"\0" * 21,
    "a symbolic one without a name": b"ref: \n",
    "a merge's marks": b"<<<<<<< HEAD\n",
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
@pytest.mark.parametrize("name", [BRANCH, TAG])
def test_a_damaged_file_is_refused(builder: GitBuilder, name: str, content: bytes) -> None:
    builder.reference(name, builder.commit("one", time=NOW))
    loose(builder, name).write_bytes(content)
    is_refused(builder, name)


@pytest.mark.parametrize("content", [b"", b"\0" * 41])
def test_a_damaged_file_is_not_replaced_by_the_packed_line_below_it(
    builder: GitBuilder, git: Git, content: bytes
) -> None:
    builder.reference(BRANCH, builder.commit("old", time=NOW))
    git(builder.directory, "pack-refs", "--all")
    loose(builder, BRANCH).write_bytes(content)
    is_refused(builder, BRANCH)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file(builder: GitBuilder) -> None:
    builder.reference(TAG, builder.commit("one", time=NOW))
    loose(builder, TAG).chmod(0)
    is_refused(builder, TAG)


def test_neither_file_nor_folder(builder: GitBuilder) -> None:
    builder.reference("refs/tags/v0", builder.commit("one", time=NOW))
    os.mkfifo(loose(builder, TAG))
    is_refused(builder, TAG)


def test_a_link_to_nothing(builder: GitBuilder) -> None:
    builder.reference("refs/tags/v0", builder.commit("one", time=NOW))
    loose(builder, TAG).symlink_to("v2")
    is_refused(builder, TAG)


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"1" * 40 + b" refs/remotes/orig"])
def test_damaged_packed_references(builder: GitBuilder, git: Git, content: bytes) -> None:
    builder.reference(BRANCH, builder.commit("one", time=NOW))
    git(builder.directory, "pack-refs", "--all")
    (builder.directory / ".git" / "packed-refs").write_bytes(content)
    is_refused(builder, "packed")


def test_references_in_a_format_that_libgit2_does_not_know(builder: GitBuilder, git: Git) -> None:
    git(builder.directory, "config", "core.repositoryformatversion", "1")
    git(builder.directory, "config", "extensions.refstorage", "reftable")
    with pytest.raises(IncompleteSource) as caught:
        opened(builder)
    assert "refs migrate --ref-format=files" in caught.value.what_to_do


def test_what_git_itself_leaves_about_is_no_damage(builder: GitBuilder, git: Git) -> None:
    commit = builder.commit("one", time=NOW)
    builder.reference(BRANCH, commit)
    loose(builder, "refs/remotes/origin/HEAD").write_text("ref: refs/remotes/origin/gone\n")
    loose(builder, "refs/remotes/origin/other.lock").write_bytes(b"")
    loose(builder, "refs/tags/.DS_Store").write_bytes(b"\0\0")
    loose(builder, "refs/heads/local").write_bytes(b"")  # nobody judges by it
    loose(builder, TAG).write_text(f"{commit}\t\tas FETCH_HEAD has it\n")
    assert [each.name for each in opened(builder).references().found] == ["feature/a", "v1"]
    loose(builder, "refs/heads/local").unlink()
    git(builder.directory, "pack-refs", "--all")
    assert [each.name for each in opened(builder).references().found] == ["feature/a", "v1"]


def test_a_name_that_git_does_not_allow_protects_like_any_other(builder: GitBuilder) -> None:
    commit = builder.commit("one", time=NOW)
    loose(builder, "refs/tags/v1 (copy)").write_text(f"{commit}\n")
    assert opened(builder).references().tag_names == ("v1 (copy)",)


def test_a_symbolic_reference_to_nothing_is_told(builder: GitBuilder) -> None:
    commit = builder.commit("one", time=NOW)
    builder.reference("refs/tags/v1", commit)
    loose(builder, "refs/tags/latest").write_text("ref: refs/tags/gone\n")
    references = opened(builder).references()
    assert [each.name for each in references.found] == ["v1"]
    assert references.ignored == (ReferenceIgnored("tag", "latest", dangling=True),)
    assert notice_texts(references.ignored) == ("git tag latest is a symbolic reference to nothing; ignored",)


def test_a_symbolic_reference_to_a_damaged_one_is_refused(builder: GitBuilder) -> None:
    builder.reference("refs/tags/v1", builder.commit("one", time=NOW))
    loose(builder, "refs/tags/latest").write_text("ref: refs/heads/torn\n")
    loose(builder, "refs/heads/torn").write_bytes(b"")
    is_refused(builder, "refs/heads/torn")
