"""A push of undo that could not be sent while the look before it was fresh: it is looked again before it is sent."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from holystone.engine.errors import TooLate
from holystone.engine.model.references import Tag
from holystone.engine.undo import UndoResult
from holystone.engine.undo.results import TakenMeanwhile
from tests.support.execution import Execute
from tests.support.memory_registry import Point
from tests.support.small_worlds import APP, world

Undo = Callable[..., Coroutine[Any, Any, UndoResult]]


@pytest.mark.parametrize("taken", [False, True], ids=["free", "taken meanwhile"])
async def test_what_somebody_pushes_while_it_waits_stays(execute: Execute, undo: Undo, *, taken: bool) -> None:
    there = world("delete")
    before = there.registry.contents[APP].state()
    await execute(there.registry, there.plan)
    new = there.registry.image(APP, "new")
    asked = 0

    async def late(point: Point) -> None:
        nonlocal asked
        if (point.verb, point.moment, point.arguments[1:2]) == ("push_manifest", "before", (Tag("b"),)):
            asked += 1
            if asked == 1:
                if taken:
                    there.tags()[Tag("b")] = new
                raise TooLate("busy")

    there.registry.hook = late
    result = await undo(there.registry)
    outcomes = {each.tag: each.outcome for each in result.put_back}
    if taken:
        assert (there.at("b"), outcomes[Tag("b")], asked) == (new, TakenMeanwhile(new), 1)
    else:
        tags, manifests = there.registry.contents[APP].state()
        assert (tags, manifests - {new}, asked) == (*before, 2)
