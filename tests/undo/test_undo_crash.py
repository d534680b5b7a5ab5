"""Whatever happened to a run, and to its undo: what was there before is there again."""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from holystone.adapters.state.sqlite import Journal
from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.engine.errors import RegistryFailure, Unreachable
from holystone.engine.model.manifests import parse_manifest
from holystone.engine.model.plan import RepositoryPlan
from holystone.engine.model.references import Digest
from holystone.engine.ports import RepositorySession
from holystone.engine.undo import UndoResult, undo_run
from tests.support.execution import Execute, Killed, at, die, hang_at
from tests.support.memory_registry import Content
from tests.support.sampling import Sample
from tests.support.small_worlds import APP, WAYS, Way, World, world
from tests.support.spools import undone

Undo = Callable[..., Coroutine[Any, Any, UndoResult]]
State = Callable[[], Awaitable[str]]


def same(there: World, way: Way) -> bool:
    return content(there).state() == content(world(way)).state()


def content(there: World) -> Content:
    return there.registry.contents[APP]


@pytest.mark.parametrize("way", WAYS)
async def test_undo_restores_the_state_before(execute: Execute, undo: Undo, state: State, way: Way) -> None:
    there = world(way)
    assert not (await execute(there.registry, there.plan)).incomplete
    assert not same(there, way)
    result = await undo(there.registry)
    assert same(there, way)
    assert (result.incomplete, result.lost, await state()) == (False, (), "undone")
    assert {content(there).manifests[digest].body for digest in there.digests.values()} == {
        content(world(way)).manifests[digest].body for digest in there.digests.values()
    }


@pytest.mark.parametrize("way", WAYS)
async def test_twice_is_once(execute: Execute, undo: Undo, state: State, way: Way) -> None:
    there = world(way)
    await execute(there.registry, there.plan)
    first = await undo(there.registry)
    there.registry.calls.clear()
    second = await undo(there.registry)
    assert not [verb for verb, _ in there.registry.calls if verb.startswith(("push", "delete"))]
    assert [(each.tag, each.digest) for each in second.put_back] == [(each.tag, each.digest) for each in first.put_back]
    assert (same(there, way), second.lost, await state()) == (True, (), "undone")


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
async def test_undo_of_a_run_that_was_killed_at_any_call(
    execute: Execute, undo: Undo, state: State, sample: Sample, way: Way
) -> None:
    there = world(way)
    await execute(there.registry, there.plan)
    for number in sample(range(there.registry.points)):
        there = world(way)
        there.registry.hook = at(number, die)
        with pytest.raises(BaseException):  # noqa: B017 - Killed, alone or in groups
            await execute(there.registry, there.plan)
        there.registry.hook = None
        result = await undo(there.registry)
        assert (same(there, way), result.lost, result.incomplete) == (True, (), False), number
        assert await state() == "undone"


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
async def test_undo_of_a_run_that_was_killed_and_resumed(
    execute: Execute, undo: Undo, sample: Sample, way: Way
) -> None:
    there = world(way)
    await execute(there.registry, there.plan)
    for number in sample(range(there.registry.points)):
        there = world(way)
        there.registry.hook = at(number, die)
        with pytest.raises(BaseException):  # noqa: B017
            await execute(there.registry, there.plan)
        there.registry.hook = None
        await execute(there.registry)
        assert there.is_clean()
        await undo(there.registry)
        assert same(there, way), number


async def _points_of_undo(execute: Execute, undo: Undo, way: Way) -> range:
    there = world(way)
    await execute(there.registry, there.plan)
    begin = there.registry.points
    await undo(there.registry)
    return range(begin, there.registry.points)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
async def test_an_undo_that_was_killed_is_repeated(
    execute: Execute, undo: Undo, state: State, sample: Sample, way: Way
) -> None:
    for number in sample(await _points_of_undo(execute, undo, way)):
        there = world(way)
        await execute(there.registry, there.plan)
        there.registry.hook = at(number, die)
        with pytest.raises(BaseException):  # noqa: B017
            await undo(there.registry)
        assert await state() == "undoing"
        with pytest.raises(Exception, match="no run that is left unfinished"):
            await execute(there.registry)  # resume
        for tag, digest in content(there).tags.items():  # what has a tag is whole
            assert _whole(content(there), digest), tag
        there.registry.hook = None
        await undo(there.registry)
        assert (same(there, way), await state()) == (True, "undone")


async def test_a_session_is_left_before_the_run_counts_as_undone(
    tmp_path: Path, execute: Execute, undo: Undo, state: State
) -> None:
    there = world("plain")
    await execute(there.registry, there.plan)

    @asynccontextmanager
    async def turn(planned: RepositoryPlan) -> AsyncIterator[RepositorySession]:
        async with there.registry.planned(planned) as session:
            yield session
        raise Killed

    with Journal.open(tmp_path) as journal:
        run = await journal.load((await journal.runs())[0].id)
        with pytest.raises(BaseExceptionGroup):
            await undo_run(run, turn, SqliteDigestCache(None), undone())
    assert await state() == "undoing"
    await undo(there.registry)
    assert await state() == "undone"


def _whole(content: Content, digest: Digest) -> bool:
    raw = content.manifests.get(digest)
    return raw is not None and all(_whole(content, child) for child in parse_manifest(raw).children)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["tombstone", "plain"])
@pytest.mark.parametrize("error", [Unreachable, RegistryFailure])
async def test_one_call_of_an_undo_fails(
    execute: Execute, undo: Undo, state: State, sample: Sample, way: Way, error: type[Exception]
) -> None:
    def fail() -> None:
        raise error("no answer")

    for number in sample(await _points_of_undo(execute, undo, way)):
        there = world(way)
        await execute(there.registry, there.plan)
        there.registry.hook = at(number, fail)
        result = await undo(there.registry)
        assert (result.incomplete, await state()) == (True, "undoing")
        await undo(there.registry)
        assert (same(there, way), await state()) == (True, "undone")


async def test_an_undo_that_is_cancelled_is_repeated(execute: Execute, undo: Undo, state: State) -> None:
    points = await _points_of_undo(execute, undo, "tombstone")
    there = world("tombstone")
    await execute(there.registry, there.plan)
    reached = anyio.Event()
    there.registry.hook = hang_at(points[len(points) // 2], reached)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(undo, there.registry)
        await reached.wait()
        tasks.cancel_scope.cancel()
    assert await state() == "undoing"
    there.registry.hook = None
    await undo(there.registry)
    assert (same(there, "tombstone"), await state()) == (True, "undone")
