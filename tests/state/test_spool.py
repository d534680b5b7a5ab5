"""What a run has of each repository is the same whether it was in memory or in the file meanwhile."""

import os
import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holystone.adapters.state.spool import FileSpool
from holystone.engine.errors import HolystoneError, Unreachable
from holystone.engine.executor import CheckReport, RepositoryResult
from holystone.engine.executor.results import Coverage, Looked, Stopped
from holystone.engine.model.codec import pack
from holystone.engine.model.outcomes import Deleted, Failed, Loss, Needed, Outcome
from holystone.engine.model.plan import Kept, RepositoryPlan, StepId
from holystone.engine.model.reasons import AncestorOfStage
from holystone.engine.model.references import Tag
from holystone.engine.undo import Moved, PutBack, RepositoryUndo
from holystone.engine.undo.results import BlobsGone, Restored, TakenMeanwhile
from tests.support.memory_registry import digest_of, repository
from tests.support.small_plans import level, remove, repository_plan
from tests.support.spools import FOLDER, planned, results, undone

ONE, TWO = digest_of(b"one"), digest_of(b"two")


@given(st.lists(st.from_regex(r"[a-z0-9]{1,6}", fullmatch=True), unique=True, max_size=12), st.integers(0, 3000))
def test_they_come_back_whole_in_order_of_their_names(names: list[str], in_memory: int) -> None:
    made = [repository_plan(repository(name), level(remove(digest_of(name.encode()), name))) for name in names]
    spool = FileSpool(type(made[0]) if made else RepositoryResult, FOLDER, in_memory=in_memory)
    for each in made:
        spool.append(each)
    in_order = sorted(made, key=lambda each: each.repository)
    assert list(spool) == in_order
    assert spool == in_order == [spool[number] for number in range(len(spool))]
    assert spool[:2] == in_order[:2]
    assert spool != in_order[1:] or not in_order


def test_no_more_is_in_memory_than_may_be_and_the_rest_in_no_file_that_others_see(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    came = {StepId("v1"): Deleted()}
    some = [RepositoryResult(repository(f"a{number}"), came, 0, None, None) for number in range(10, 30)]
    spool = FileSpool(RepositoryResult, folder, in_memory=3 * len(pack(some[0])))
    for each in some:
        spool.append(each)
        assert len(spool._recent) <= 3
    assert list(spool) == some
    assert len(spool._recent) == 3
    assert list(folder.iterdir()) == []


def test_what_is_larger_than_all_that_may_be_in_memory_is_not_held_either() -> None:
    """Whatever makes it large: here a single entry."""
    kept = Kept(Tag("v1"), ONE, tuple(AncestorOfStage(Tag(f"t{number}")) for number in range(200)))
    some = [msgspec.structs.replace(repository_plan(repository(name)), kept=(kept,)) for name in ("a", "b")]
    spool = FileSpool(RepositoryPlan, FOLDER, in_memory=1000)
    for each in some:
        spool.append(each)
        assert not spool._recent
    assert list(spool) == some
    assert not spool._recent


def test_whatever_came_of_a_repository_comes_back() -> None:
    stopped = Stopped.by(Unreachable("no answer", not_deleted="Nothing.", what_to_do="Wait."))
    check = CheckReport(
        (Loss(ONE, Tag("v1")), Loss(TWO)), (Tag("m"),), (Tag("r"),), (Tag("s"),), (ONE,), Coverage(Looked(1, 2, 3, 4))
    )
    outcomes: dict[StepId, Outcome] = {StepId("v1"): Deleted(), StepId(TWO): Failed("x"), StepId(ONE): Needed("v1")}
    of_runs = [
        RepositoryResult(repository("a"), outcomes, 3, stopped, check, {ONE: Tag("v1")}, frozenset((ONE, TWO))),
        RepositoryResult(repository("b"), {}, 0, None, None),
    ]
    put_back = (PutBack(Tag("v1"), ONE, Restored()), PutBack(None, TWO, BlobsGone("gc")))
    taken = PutBack(Tag("v2"), ONE, TakenMeanwhile(TWO))
    of_undos = [
        RepositoryUndo(repository("a"), (*put_back, taken), (Moved(None, ONE, None),), 2, stopped, Failed("y")),
        RepositoryUndo(repository("b"), (), (), 0, None, None),
    ]
    kept, put = results(), undone()
    for result, undo in zip(of_runs, of_undos, strict=True):
        kept.append(result)
        put.append(undo)
    assert list(kept) == of_runs
    assert list(put) == of_undos
    assert kept[0].is_stopped_by(Unreachable)


def test_a_repository_is_there_once() -> None:
    spool = planned()
    spool.append(repository_plan(repository("a")))
    with pytest.raises(ValueError, match="a is there twice"):
        spool.append(repository_plan(repository("a")))


def test_a_disk_without_room_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: object) -> object:
        return os.fdopen(os.open("/dev/full", os.O_RDWR), "r+b", buffering=0)

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    first = RepositoryResult(repository("a"), {}, 0, None, None)
    spool = FileSpool(RepositoryResult, tmp_path / "cache", in_memory=len(pack(first)))
    spool.append(first)
    with pytest.raises(HolystoneError, match="No space left on device") as told:
        spool.append(RepositoryResult(repository("b"), {}, 0, None, None))
    assert "Nothing" not in told.value.not_deleted, "a run may have deleted by then"
    assert told.value.not_deleted
    assert "resume" in told.value.what_to_do
    assert [each.repository for each in spool] == [repository("a"), repository("b")], "what is known stays so"


@pytest.mark.parametrize("kind", ["everybody's", "a file"])
def test_a_folder_that_cannot_be_used_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """That it cannot came to light when a run had deleted, and it ended in the words "Nothing was deleted."."""
    folder, temporary = tmp_path / "cache", tmp_path / "temporary"
    if kind == "a file":
        folder.touch()
    else:
        folder.mkdir()
        folder.chmod(0o777)
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    some = [RepositoryResult(repository(name), {}, 0, None, None) for name in ("a", "b")]
    spool = FileSpool(RepositoryResult, folder, in_memory=0)
    for each in some:
        spool.append(each)
    assert list(spool) == some
    assert not any(temporary.iterdir())
    temporary.rmdir()
    with pytest.raises(HolystoneError, match=f"cannot be written to {temporary}: No such file") as told:
        FileSpool(RepositoryResult, folder, in_memory=0).append(some[0])
    assert "Nothing" not in told.value.not_deleted
