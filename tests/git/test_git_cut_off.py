"""libgit2 reads an object that a crash has cut off for ever, so `opened` has to refuse it."""

import random
import zlib
from pathlib import Path

import pygit2
import pytest

from holystone.engine.errors import IncompleteSource
from holystone.engine.model.references import Commit
from tests.support.git_repositories import GitBuilder, opened

NOW = 1_800_000_000


@pytest.fixture
def builder(tmp_path: Path) -> GitBuilder:
    return GitBuilder(tmp_path / "clone")


def _file(builder: GitBuilder, name: str) -> Path:
    file = Path(builder.repository.path) / "objects" / name[:2] / name[2:]
    file.chmod(0o600)
    return file


def _cut(file: Path, length: int) -> None:
    file.write_bytes(file.read_bytes()[:length])


@pytest.mark.parametrize("length", [2, 20, 60, -20, -8])
@pytest.mark.parametrize("which", ["head", "parent", "dangling", "tag", "tree"])
def test_an_object_that_is_cut_off(builder: GitBuilder, which: str, length: int) -> None:
    parent = builder.commit("parent", time=NOW)
    head = builder.commit("head", time=NOW, parents=[parent])
    dangling = builder.commit("dangling", time=NOW)
    tree = builder.repository.TreeBuilder()
    for number in range(20):
        tree.insert(str(number), pygit2.Oid(hex=head), pygit2.enums.FileMode.COMMIT)
    objects: dict[str, Commit | pygit2.Oid] = {"head": head, "parent": parent, "dangling": dangling}
    objects |= {"tag": builder.annotated_tag("tag", head, time=NOW), "tree": tree.write()}
    _cut(_file(builder, str(objects[which])), length)
    with pytest.raises(IncompleteSource, match=f"object {objects[which]} ends too early, as a crash leaves it"):
        opened(builder)


def test_one_of_a_repository_that_this_one_borrows_from(tmp_path: Path, builder: GitBuilder) -> None:
    lender = GitBuilder(tmp_path / "lender")
    head = lender.commit("head", time=NOW)
    borrowed = Path(builder.repository.path) / "objects" / "info" / "alternates"
    borrowed.write_text(f"# whose\n../../../lender/.git/objects\n{tmp_path}/nowhere\n")
    (Path(lender.repository.path) / "objects" / "info" / "alternates").write_text("../../../clone/.git/objects\n")
    assert opened(builder).history([head], [head]).times == {head: NOW}
    _cut(_file(lender, head), -8)
    with pytest.raises(IncompleteSource, match=f"object {head} ends too early"):
        opened(builder)


def test_what_libgit2_tells_by_itself_is_left_to_it(builder: GitBuilder) -> None:
    """What nothing leads to stops no run."""
    head = builder.commit("head", time=NOW)
    dice = random.Random(1)
    mixed = bytes(dice.choices(range(256), [1 / (each + 1) for each in range(256)], k=10_000))  # with long tables
    blobs = [str(builder.repository.create_blob(content)) for content in (b"x" * 10_000, mixed)]
    for name, content in {
        **{blob: _file(builder, blob).read_bytes()[:-8] for blob in blobs},
        builder.commit("empty", time=NOW): b"",
        builder.commit("no zlib", time=NOW): bytes(100),
        builder.commit("no object", time=NOW): zlib.compress(b"commit 5\0abc"),
    }.items():
        _file(builder, name).write_bytes(content)
    assert opened(builder).history([head], [head]).times == {head: NOW}


def test_a_long_one_is_looked_at_to_its_end(builder: GitBuilder) -> None:
    head = builder.commit("head", time=NOW)
    long = builder.commit("".join(map(str, range(200_000))), time=NOW)
    assert opened(builder).history([head], [head, long]).times == {head: NOW, long: NOW}
    _cut(_file(builder, long), -8)
    with pytest.raises(IncompleteSource, match=f"object {long} ends too early"):
        opened(builder)


@pytest.mark.parametrize("length", [2, 8, 20, -20, -8])
@pytest.mark.parametrize("where", ["clone", "grafted", "lender"])
def test_a_file_of_the_project_that_is_looked_into(
    tmp_path: Path, builder: GitBuilder, where: str, length: int
) -> None:
    lender = GitBuilder(tmp_path / "lender")
    borrowed = Path(builder.repository.path) / "objects" / "info" / "alternates"
    borrowed.write_text("../../../lender/.git/objects\n")
    holder = lender if where == "lender" else builder
    long = holder.repository.create_blob(random.Random(1).randbytes(1_000).hex().encode())
    repository = pygit2.Repository(builder.repository.path)  # which knows the lender
    tree = repository.TreeBuilder()
    tree.insert("app.yaml", long, pygit2.enums.FileMode.BLOB)
    by = pygit2.Signature("a", "a@example.com", NOW, 0)
    head = Commit(str(repository.create_commit(None, by, by, "m", tree.write(), [])))
    if where == "grafted":
        (Path(repository.path) / "info" / "grafts").write_text(f"{head}\n")
    _cut(_file(holder, str(long)), length)
    with pytest.raises(IncompleteSource, match=f"object {long} ends too early"):
        opened(builder).contents([head], NOW)
