"""What was to stay and went all the same comes back with the rest, by whoever's hand it went: registries take more than
they are told to, and answers are not always to the question that was asked."""

import sqlite3
from collections.abc import Callable, Coroutine
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from holystone.adapters.state.sqlite import Journal
from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.engine.executor import Loss, execute_plan
from holystone.engine.model.plan import RepositoryPlan
from holystone.engine.model.records import RepositoryRecord
from holystone.engine.model.references import Digest, Repository, Tag
from holystone.engine.undo import Moved, PutBack, UndoResult, undo_run
from holystone.engine.undo.results import Restored, Unread
from tests.support.execution import after, at, die, once
from tests.support.execution import before as happens
from tests.support.journals import recorded
from tests.support.memory_registry import MemoryRegistry
from tests.support.small_plans import level, plan, remove, repository_plan
from tests.support.small_worlds import APP
from tests.support.spools import results, undone

Act = Callable[..., Coroutine[Any, Any, UndoResult]]


class Bench:
    """With what is known of manifests from the planning on, as in a run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.registry = MemoryRegistry()
        self.cache = SqliteDigestCache(None)

    async def learn(self) -> None:
        await self.cache.learn_manifests(self.registry.contents[APP].manifests.values())

    async def run(self, planned: RepositoryPlan) -> tuple[Loss, ...]:
        with Journal.open(self.folder) as journal:
            run = await journal.begin(plan(planned), "cleanup")
            result = await execute_plan(run, self.registry.planned, self.cache, results())
            return tuple(loss for _, loss in result.losses)

    async def undo(self, *, cache: SqliteDigestCache | None = None, dry_run: bool = False) -> UndoResult:
        with Journal.open(self.folder) as journal:
            run = await journal.load((await journal.runs())[0].id)
            known = cache or SqliteDigestCache(None)
            return await undo_run(run, self.registry.planned, known, undone(), dry_run=dry_run)

    async def repositories(self) -> tuple[RepositoryRecord, ...]:
        with Journal.open(self.folder) as journal:
            return await recorded(journal, (await journal.runs())[0].id)

    def stored(self) -> set[str]:
        """Manifests whose bytes are in the journal."""
        with closing(sqlite3.connect(self.folder / "journal.sqlite")) as database:
            return {digest for (digest,) in database.execute("SELECT digest FROM manifests")}

    def takes_along(self, *also: Digest) -> None:
        """With the next manifest that is deleted."""

        def take() -> None:
            for digest in also:
                self.registry.contents[APP].delete_manifest(digest)

        self.registry.hook = once(after("delete_manifests"), take)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def signed(bench: Bench) -> tuple[dict[str, Digest], RepositoryPlan]:
    """Kept: an index over an image, the image's signature under a tag and an attestation without one. Doomed: a tag on
    something else."""
    registry = bench.registry
    d = {"part": registry.image(APP, "part"), "old": registry.image(APP, "old", "old")}
    d["index"] = registry.index(APP, [d["part"]], "1.0")
    d["signature"] = registry.image(APP, "signature", f"sha256-{d['part'].hex}.sig")
    d["attestation"] = registry.image(APP, "attestation", subject=d["part"])
    kept = {"1.0": d["index"], f"sha256-{d['part'].hex}.sig": d["signature"]}
    needed = [d["part"], d["signature"], d["attestation"], d["index"]]
    await bench.learn()
    return d, repository_plan(APP, level(remove(d["old"], "old")), kept=kept, needed=needed)


async def test_what_a_cascade_of_the_server_took_comes_back_tag_and_manifest(bench: Bench) -> None:
    d, planned = await signed(bench)
    before = bench.registry.contents[APP].state()
    bench.takes_along(d["signature"], d["attestation"], d["part"])
    losses = await bench.run(planned)
    assert set(losses) == {
        Loss(d["signature"], Tag(f"sha256-{d['part'].hex}.sig")),
        Loss(d["attestation"]),
        Loss(d["part"]),
    }
    result = await bench.undo()
    assert (result.lost, result.incomplete) == ((), False)
    assert bench.registry.contents[APP].state() == before
    bench.registry.calls.clear()
    again = await bench.undo()
    assert again.lost == ()
    assert not [verb for verb, _ in bench.registry.calls if verb.startswith(("push", "delete"))]


async def test_a_tag_whose_manifest_is_still_there_comes_back_without_its_bytes(bench: Bench) -> None:
    d, planned = await signed(bench)
    before = bench.registry.contents[APP].state()
    bench.cache = SqliteDigestCache(None)
    bench.registry.hook = once(after("delete_manifests"), lambda: bench.registry.contents[APP].tags.pop(Tag("1.0")))
    assert await bench.run(planned) == (Loss(d["index"], Tag("1.0")),)
    assert (await bench.undo()).lost == ()
    assert bench.registry.contents[APP].state() == before


async def test_what_was_never_read_is_named(bench: Bench) -> None:
    d, planned = await signed(bench)
    bench.cache = SqliteDigestCache(None)
    bench.takes_along(d["attestation"])
    await bench.run(planned)
    result = await bench.undo()
    assert result.lost == (PutBack(None, d["attestation"], Unread()),)
    assert PutBack(Tag("old"), d["old"], Restored()) in result.put_back
    assert not result.incomplete


async def test_the_registrys_own_restore_needs_no_bytes(bench: Bench) -> None:
    d, planned = await signed(bench)
    before = bench.registry.contents[APP].state()
    raw = bench.registry.contents[APP].manifests[d["attestation"]]
    bench.cache = SqliteDigestCache(None)
    bench.takes_along(d["attestation"])
    await bench.run(planned)

    async def restore(repository: Repository, digest: Digest, tags: object) -> bool:
        if digest != d["attestation"]:
            return False
        bench.registry.put(repository, raw)
        return True

    bench.registry.restore = restore  # type: ignore[method-assign]
    assert (await bench.undo()).lost == ()
    assert bench.registry.contents[APP].state() == before


async def test_a_run_that_was_killed_before_its_check_looks_for_losses_when_it_is_undone(bench: Bench) -> None:
    d, planned = await signed(bench)
    before = bench.registry.contents[APP].state()

    def take_and_die() -> None:
        bench.registry.contents[APP].delete_manifest(d["signature"])
        die()

    bench.registry.hook = once(after("delete_manifests"), take_and_die)
    with pytest.raises(BaseException):  # noqa: B017 - Killed, alone or in groups
        await bench.run(planned)
    bench.registry.hook = None
    recorded_before, stored, there = (
        await bench.repositories(),
        bench.stored(),
        bench.registry.contents[APP].state(),
    )
    tried = await bench.undo(cache=bench.cache, dry_run=True)
    assert d["signature"] in {each.digest for each in tried.put_back}
    assert (
        await bench.repositories(),
        bench.registry.contents[APP].state(),
    ) == (recorded_before, there), "it only looked"
    assert bench.stored() == stored
    bench.registry.hook = once(happens("push_manifest"), die)
    with pytest.raises(BaseException):  # noqa: B017
        await bench.undo(cache=bench.cache)
    bench.registry.hook = None
    (known,) = await bench.repositories()
    assert (known.checked, d["signature"] in {loss.digest for loss in known.losses}) == (True, True)
    assert (await bench.undo()).lost == (), "with the bytes that were written down before the first push"
    assert bench.registry.contents[APP].state() == before


@pytest.mark.slow
async def test_an_undo_of_losses_that_was_killed_anywhere_is_repeated(tmp_path: Path) -> None:
    for number in range(200):
        bench = Bench(tmp_path / str(number))
        d, planned = await signed(bench)
        before = bench.registry.contents[APP].state()
        bench.takes_along(d["signature"], d["attestation"], d["part"])
        await bench.run(planned)
        begin = bench.registry.points
        bench.registry.hook = at(begin + number, die)
        try:
            await bench.undo()
        except BaseException:
            bench.registry.hook = None
            assert (await bench.undo()).lost == ()
            assert bench.registry.contents[APP].state() == before
        else:
            assert number > 10
            return


async def test_what_others_deleted_after_the_check_is_told_and_left_alone(bench: Bench) -> None:
    d, planned = await signed(bench)
    assert await bench.run(planned) == ()
    del bench.registry.contents[APP].tags[Tag("1.0")]
    result = await bench.undo()
    assert result.lost == ()
    assert result.repositories[0].moved_by_others == (Moved(Tag("1.0"), d["index"], None),)
    assert "1.0" not in bench.registry.contents[APP].tags
