"""What is marked goes first, and the mark only when that is gone: without it a rejected stage would be used."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Literal

import msgspec
import pytest

from holystone.engine.executor import RunResult
from holystone.engine.model.outcomes import (
    AlreadyGone,
    Deleted,
    Failed,
    Locked,
    MovedMeanwhile,
    Needed,
    Outcome,
    Referenced,
)
from holystone.engine.model.plan import Pass, RepositoryPlan
from holystone.engine.model.references import Digest, Tag
from tests.support.execution import Execute
from tests.support.gentle import gentle
from tests.support.memory_registry import CAPABILITIES, MemoryRegistry, repository
from tests.support.small_plans import level, remove, repository_plan, tombstone, untag

APP = repository()
STAGE, MARK = Tag("s-1"), Tag("s-1-rejected")
Way = Literal["delete", "tombstone", "plain"]


def registry_of(way: Way) -> tuple[MemoryRegistry, RepositoryPlan]:
    """A stage, its mark, and a record that may share the mark's manifest."""
    by_name = way == "delete"
    registry = MemoryRegistry(CAPABILITIES if by_name else gentle("memory"))
    stage = registry.image(APP, "stage", STAGE)
    mark = registry.image(APP, "mark", MARK, *([] if way == "plain" else ["record"]))
    passes: Sequence[Pass]
    match way:
        case "plain":
            passes = (level(remove(stage, STAGE)), level(remove(mark, MARK)))
        case "delete":
            passes = (Pass("untag", (untag(STAGE, stage),)), level(remove(stage)), Pass("untag", (untag(MARK, mark),)))
        case "tombstone":
            passes = (
                Pass("tombstone", (tombstone(STAGE, stage),)),
                level(remove(stage)),
                Pass("tombstone", (tombstone(MARK, mark),)),
            )
    kept = {} if way == "plain" else {"record": mark}
    return registry, msgspec.structs.replace(repository_plan(APP, *passes, kept=kept), marks={MARK: STAGE})


def outcome_of(result: RunResult, plan: RepositoryPlan, tag: Tag) -> Outcome:
    (only,) = result.repositories
    assert only.stopped is None
    return next(only.outcomes[step.id] for step in plan.steps if tag in step.tags)


WAYS = pytest.mark.parametrize("way", ["delete", "tombstone", "plain"])


@WAYS
async def test_the_mark_outlives_what_it_marks(execute: Execute, way: Way) -> None:
    registry, plan = registry_of(way)
    tags = registry.contents[APP].tags
    stage = tags[STAGE]

    async def watch(_: object) -> None:
        there = registry.contents[APP].tags
        assert MARK in there or there.get(STAGE) != stage

    registry.hook = watch
    result = await execute(registry, plan)
    assert not result.incomplete
    assert registry.contents[APP].tags.keys() == {each.tag for each in plan.kept}


@WAYS
async def test_a_mark_stays_while_its_stage_could_not_be_deleted_and_goes_with_resume(
    execute: Execute, unfinished: Callable[[], Coroutine[Any, Any, int]], way: Way
) -> None:
    registry, plan = registry_of(way)
    record = registry.contents[APP].tags[MARK]

    def not_the_stage(what: Tag | Digest) -> Outcome | None:
        return None if what in (MARK, record) else Failed("500 on a bad day")

    registry.answer = not_the_stage
    result = await execute(registry, plan)
    assert registry.contents[APP].tags[MARK] == record
    assert outcome_of(result, plan, MARK) == Failed(f"{STAGE}, which needs it, could not be removed")
    assert (result.incomplete, await unfinished()) == (True, 1)
    registry.answer = lambda _: None
    result = await execute(registry)
    assert not result.incomplete
    assert registry.contents[APP].tags.keys() == {each.tag for each in plan.kept}


@WAYS
async def test_a_mark_stays_for_good_with_a_stage_that_does(execute: Execute, way: Way) -> None:
    registry, plan = registry_of(way)
    stage = registry.contents[APP].tags[STAGE]
    if way == "tombstone":
        other = registry.image(APP, "other", STAGE)
        why: Outcome = MovedMeanwhile(other)
    else:
        why = Locked("immutable")
        registry.answer = lambda what: why if what in (STAGE, stage) else None
    result = await execute(registry, plan)
    assert outcome_of(result, plan, STAGE) == why
    assert outcome_of(result, plan, MARK) == Needed(STAGE)
    assert {STAGE, MARK} <= registry.contents[APP].tags.keys()
    assert not result.incomplete


@WAYS
async def test_a_mark_goes_when_somebody_else_took_its_stage(execute: Execute, way: Way) -> None:
    registry, plan = registry_of(way)
    content = registry.contents[APP]
    content.delete_manifest(content.tags[STAGE])
    result = await execute(registry, plan)
    assert outcome_of(result, plan, STAGE) == AlreadyGone()
    assert outcome_of(result, plan, MARK) == Deleted()


async def test_a_mark_goes_in_the_same_run_as_a_stage_that_was_referenced_at_first(execute: Execute) -> None:
    registry, plan = registry_of("plain")
    refusals = [Referenced("an index")]
    mark = registry.contents[APP].tags[MARK]
    registry.answer = lambda what: refusals.pop() if what != mark and refusals else None
    result = await execute(registry, plan)
    assert not result.incomplete
    assert registry.contents[APP].tags == {}


async def test_a_manifest_with_both_tags_goes_in_one_request(execute: Execute) -> None:
    registry = MemoryRegistry(gentle("memory"))
    both = registry.image(APP, "both", STAGE, MARK)
    plan = repository_plan(APP, level(remove(both, STAGE, MARK)))
    plan = msgspec.structs.replace(plan, marks={MARK: STAGE})
    result = await execute(registry, plan)
    assert outcome_of(result, plan, MARK) == Deleted()
    assert registry.contents[APP].tags == {}
