"""What stands in files of a clone: now, and lately."""

from collections.abc import Mapping
from pathlib import Path

import pygit2
import pytest

from holystone.adapters.git import contents
from holystone.adapters.git.contents import Contents
from holystone.adapters.git.repository import open_history
from holystone.engine.errors import IncompleteSource
from holystone.engine.model.references import Commit

DAY = 86_400
NOW = 1_800_000_000
DIGEST = f"sha256:{'ab' * 32}"


class Files:
    """A repository whose commits hold files."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.repository = pygit2.init_repository(str(directory), initial_head="main")

    def commit(self, days: float, files: Mapping[str, str | bytes], *parents: Commit) -> Commit:
        index = pygit2.Index()
        for path, text in files.items():
            blob = self.repository.create_blob(text if isinstance(text, bytes) else text.encode())
            index.add(pygit2.IndexEntry(path, blob, pygit2.enums.FileMode.BLOB))
        by = pygit2.Signature("a", "a@example.com", int(NOW - days * DAY), 0)
        tree = index.write_tree(self.repository)
        return Commit(str(self.repository.create_commit(None, by, by, "m", tree, list(parents))))

    def contents(self, *tips: Commit, within_days: float = 0) -> Contents:
        repository = open_history(self.directory)
        assert repository
        return repository.contents(tips, int(NOW - within_days * DAY))


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "clone")


@pytest.mark.parametrize(
    ("text", "tag", "there"),
    [
        ("image: registry.example.com/shop/app:v1.2.3", "v1.2.3", True),
        ("image: registry.example.com/shop/app:v1.2.3", "v1.2", False),
        ('tag: "v1.2.3"\n', "v1.2.3", True),
        ("It runs v1.2.3.", "v1.2.3", True),
        ("app-v1.2.3", "v1.2.3", False),
        ("newTag: main-1a2b3c4", "main-1a2b3c4", True),
        ("newTag: main-1a2b3c4", "main", False),
        ("app:V1", "v1", False),
        ("[a,b_1,c]", "b_1", True),
    ],
)
def test_a_tag_counts_as_a_whole_word(files: Files, text: str, tag: str, there: bool) -> None:
    tip = files.commit(1, {"deploy/app.yaml": text})
    assert files.contents(tip).has(tag) is there


def test_digests_are_found_anywhere_in_a_line(files: Files) -> None:
    tip = files.commit(1, {"a/b/c.yaml": f"image: x@{DIGEST}\nother: sha256:{'c' * 63}\n"})
    assert files.contents(tip).has(DIGEST)


def test_digests_of_another_algorithm(files: Files) -> None:
    digest = f"sha512:{'ab' * 64}"
    tip = files.commit(1, {"app.yaml": f"image: x@{digest}"})
    assert files.contents(tip).has(digest)
    assert not files.contents(tip).has(DIGEST)


def test_words_without_end_take_no_age(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few there are of them."""
    monkeypatch.setattr(contents, "_MOST_LOOKED_AT", 5)
    assert files.contents(files.commit(1, {"a": "a a a", "b": "a b"})).has("b")
    tip = files.commit(1, {"a": "a a a", "b": "a b", "c": "a"})
    with pytest.raises(IncompleteSource, match="more words than are looked through"):
        files.contents(tip)


def test_a_folder_without_end_is_not_listed(files: Files) -> None:
    """A push of two megabytes makes one of a million entries, which took 120 MB."""
    blob = files.repository.create_blob(b"a")
    long = b"a" * 4_200 + b"\0" + blob.raw
    entries = b"".join(b"100644 %04d" % each + long for each in range(4_000))
    tree = files.repository.odb.write(pygit2.enums.ObjectType.TREE, entries)
    by = pygit2.Signature("a", "a@example.com", NOW, 0)
    tip = Commit(str(files.repository.create_commit(None, by, by, "m", tree, [])))
    with pytest.raises(IncompleteSource, match="a folder of more than 16 MiB"):
        files.contents(tip)


def test_what_is_no_text_is_read_as_well(files: Files) -> None:
    tip = files.commit(1, {"packed.bin": b"\x00\xff v7 \x00" + DIGEST.encode()})
    found = files.contents(tip)
    assert found.has("v7")
    assert found.has(DIGEST)


def test_only_what_is_there_now_counts_without_a_time(files: Files) -> None:
    old = files.commit(10, {"app.yaml": "old-1"})
    tip = files.commit(0.5, {"app.yaml": "new-1"}, old)
    found = files.contents(tip)
    assert found.has("new-1")
    assert not found.has("old-1")


def test_what_was_the_tip_within_the_time_counts_also_if_it_is_older_itself(files: Files) -> None:
    """It was rolled out for long, and replaced lately: a rollback needs it."""
    first = files.commit(100, {"app.yaml": "v1"})
    second = files.commit(60, {"app.yaml": "v2"}, first)
    third = files.commit(5, {"app.yaml": "v3"}, second)
    tip = files.commit(2, {"app.yaml": "v4"}, third)
    found = files.contents(tip, within_days=30)
    assert [tag for tag in ("v1", "v2", "v3", "v4") if found.has(tag)] == ["v2", "v3", "v4"]


def test_every_branch_counts_and_what_was_merged(files: Files) -> None:
    base = files.commit(50, {"app.yaml": "base"})
    side = files.commit(10, {"app.yaml": "side"}, base)
    merged = files.commit(3, {"app.yaml": "merged"}, base, side)
    other = files.commit(400, {"app.yaml": "other"})
    found = files.contents(merged, other, within_days=20)
    assert all(found.has(tag) for tag in ("base", "side", "merged", "other"))


def test_a_missing_file_is_no_empty_one(files: Files) -> None:
    tip = files.commit(1, {"app.yaml": "v1"})
    blob = files.repository[str(tip)].peel(pygit2.Commit).tree["app.yaml"].id
    (files.directory / ".git" / "objects" / str(blob)[:2] / str(blob)[2:]).unlink()
    with pytest.raises(IncompleteSource, match="cannot be read"):
        files.contents(tip)
