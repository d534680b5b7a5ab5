"""A run that is disturbed at any call of the registry, and taken up again, ends as one that was not."""

import asyncio
from collections.abc import Mapping

import anyio
import pytest

from holystone.engine.errors import RegistryFailure, Unreachable
from holystone.engine.model.outcomes import Deleted, Outcome
from tests.support.execution import Execute, at, came_of, die, hang_at
from tests.support.sampling import Sample
from tests.support.small_worlds import WAYS, Way, World, world


async def _points(execute: Execute, way: Way) -> int:
    there = world(way)
    result = await execute(there.registry, there.plan)
    assert not result.incomplete
    assert not result.losses
    assert there.is_clean()
    return there.registry.points


async def _resumes(execute: Execute, there: World) -> Mapping[str, Outcome]:
    assert there.kept_is_there()
    there.registry.hook = None
    result = await execute(there.registry)
    assert not result.incomplete
    assert not result.losses
    assert there.is_clean()
    return came_of(result)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
async def test_killed_at_any_call(execute: Execute, sample: Sample, way: Way) -> None:
    for number in sample(range(await _points(execute, way))):
        there = world(way)
        there.registry.hook = at(number, die)
        with pytest.raises(BaseException):  # noqa: B017 - Killed, alone or in groups
            await execute(there.registry, there.plan)
        outcomes = await _resumes(execute, there)
        if way == "tombstone":  # whatever happened to a buried tag, it was us
            assert all(outcomes[step.id] == Deleted() for step in there.plan.passes[0].steps)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
async def test_cancelled_at_any_call(execute: Execute, sample: Sample, way: Way) -> None:
    mine = asyncio.all_tasks()
    for number in sample(range(await _points(execute, way))):
        there = world(way)
        reached = anyio.Event()
        there.registry.hook = hang_at(number, reached)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(execute, there.registry, there.plan)
            await reached.wait()
            tasks.cancel_scope.cancel()
        assert asyncio.all_tasks() == mine
        await _resumes(execute, there)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("error", [Unreachable, RegistryFailure])
async def test_one_call_fails(execute: Execute, sample: Sample, way: Way, error: type[Exception]) -> None:
    def fail() -> None:
        raise error("no answer")

    for number in sample(range(await _points(execute, way))):
        there = world(way)
        there.registry.hook = at(number, fail)
        result = await execute(there.registry, there.plan)
        if result.incomplete:
            await _resumes(execute, there)
        else:  # the deletion had been done when the error came, as a look showed
            assert result.counts == {"deleted": len(there.plan.steps)}
            assert there.is_clean()


@pytest.mark.parametrize("way", WAYS)
async def test_a_finished_run_is_not_done_again(execute: Execute, way: Way) -> None:
    there = world(way)
    await execute(there.registry, there.plan)
    before = there.registry.contents[there.plan.repository].state()
    there.registry.calls.clear()
    with pytest.raises(Exception, match="no run that is left unfinished"):
        await execute(there.registry)
    assert there.registry.contents[there.plan.repository].state() == before
    assert there.registry.calls == []
