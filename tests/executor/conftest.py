from collections.abc import Callable
from pathlib import Path

import pytest

from holystone.adapters.state.sqlite import Journal
from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.engine.executor import RunResult, execute_plan
from holystone.engine.model.plan import RepositoryPlan
from tests.support.execution import Execute
from tests.support.memory_registry import MemoryRegistry
from tests.support.small_plans import plan
from tests.support.spools import results


@pytest.fixture
def execute(tmp_path: Path) -> Execute:
    """Begins a run, or goes on with the latest open one if no plan is given."""

    async def run(registry: MemoryRegistry, *repositories: RepositoryPlan) -> RunResult:
        with Journal.open(tmp_path) as journal:
            run = await journal.begin(plan(*repositories), "cleanup") if repositories else await journal.load()
            return await execute_plan(run, registry.planned, SqliteDigestCache(None), results())

    return run


@pytest.fixture
def unfinished(tmp_path: Path) -> Callable[[], object]:
    async def count() -> int:
        with Journal.open(tmp_path) as journal:
            return sum(each.state == "open" for each in await journal.runs())

    return count
