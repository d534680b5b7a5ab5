"""Deletions that break their connection, whatever they are part of: nobody waits for ever for what others do."""

from collections.abc import Awaitable, Callable

import anyio
import pytest

from holystone.engine.errors import Unreachable
from holystone.engine.executor.breakers import Breaks
from holystone.engine.model.outcomes import Deleted, Failed
from holystone.engine.model.plan import Pass
from tests.support.execution import Execute
from tests.support.memory_registry import MemoryRegistry, Point
from tests.support.small_plans import repository_plan, untag
from tests.support.small_worlds import APP


async def answers() -> bool:
    return True


@pytest.mark.parametrize(("parts", "broken"), [(1, "all"), (3, "t0"), (3, "t2"), (3, "all")])
async def test_a_last_tag_of_what_stays_fails_alone(execute: Execute, parts: int, broken: str) -> None:
    registry = MemoryRegistry()
    made = [registry.image(APP, f"part {number}", f"t{number}") for number in range(3)]
    index = registry.index(APP, made, "index")
    # Those of one manifest go together.
    steps = [untag(f"t{number}", made[min(number, parts - 1)]) for number in range(3)]
    registry.contents[APP].tags.update({step.tag: step.digest for step in steps})

    async def hook(point: Point) -> None:
        if point.verb == "delete_tags" and (broken == "all" or broken in point.arguments):
            raise Unreachable("the connection broke")

    registry.hook = hook
    planned = repository_plan(APP, Pass("untag", tuple(steps)), kept={"index": index}, needed=made)
    with anyio.fail_after(10):
        result = await execute(registry, planned)
    (done,) = result.repositories
    failed = {step_id for step_id, outcome in done.outcomes.items() if outcome == Failed("the connection broke")}
    assert done.stopped is None
    assert failed == ({"t0", "t1", "t2"} if broken == "all" else {broken})
    assert all(done.outcomes[step.id] == Deleted() for step in steps if step.id not in failed)


async def test_one_that_breaks_as_another_succeeds_is_not_forgotten() -> None:
    breaks, go, results = Breaks(), anyio.Event(), dict[str, str]()
    breaks.expect(4)

    async def early() -> str:
        raise Unreachable("early")

    async def late() -> str:
        await go.wait()
        raise Unreachable("late")

    async def good() -> str:
        await go.wait()
        return "good"

    async def item(name: str, act: Callable[[], Awaitable[str]]) -> None:
        results[name] = await breaks.run(act, answers)
        breaks.expect(-1)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            for name, act in {"early": early, "good": good, "late": late}.items():
                group.start_soon(item, name, act)
            await anyio.wait_all_tasks_blocked()
            go.set()
            await anyio.wait_all_tasks_blocked()
            breaks.expect(-1)  # the fourth was not sent
    assert results == {"early": "early", "good": "good", "late": "late"}
