import itertools
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import anyio.lowlevel
import pytest

from holystone.adapters.state.sqlite import Journal
from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.engine.executor import RunResult, execute_plan
from holystone.engine.model.plan import RepositoryPlan
from holystone.engine.undo import UndoResult, undo_run
from tests.support.execution import Execute
from tests.support.memory_registry import MemoryRegistry
from tests.support.small_plans import plan
from tests.support.spools import results, undone

Undo = Callable[..., Coroutine[Any, Any, UndoResult]]
Open = Callable[[], Journal]


@pytest.fixture
def journals(tmp_path: Path) -> Open:
    """Every run begins in a second of its own, so that it is known which one is the latest."""
    clock = itertools.count(1_700_000_000)
    return lambda: Journal.open(tmp_path, now=lambda: next(clock))


@pytest.fixture
def execute(journals: Open) -> Execute:
    async def run(registry: MemoryRegistry, *repositories: RepositoryPlan) -> RunResult:
        with journals() as journal:
            run = await journal.begin(plan(*repositories), "cleanup") if repositories else await journal.load()
            return await execute_plan(run, registry.planned, SqliteDigestCache(None), results())

    return run


@pytest.fixture
def undo(journals: Open) -> Undo:
    """Of the latest run."""

    async def run(registry: MemoryRegistry, **options: Any) -> UndoResult:
        with journals() as journal:
            run = await journal.load((await journal.runs())[0].id)
            knows = SqliteDigestCache(None)
            return await undo_run(run, registry.planned, knows, undone(), sleep=_no_time, **options)

    return run


@pytest.fixture
def state(journals: Open) -> Callable[[], Awaitable[str]]:
    """Of the latest run, in the journal."""

    async def look() -> str:
        with journals() as journal:
            return (await journal.runs())[0].state

    return look


async def _no_time(_seconds: float) -> None:
    await anyio.lowlevel.checkpoint()
