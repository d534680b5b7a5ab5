"""Looks that contradict the plan are looked at again, and of tags that are written once nothing is left to chance."""

from collections.abc import Awaitable, Callable

import msgspec

from holystone.engine.errors import Doubtful, PlanDoubtful
from holystone.engine.model.outcomes import Deleted, Failed, MovedMeanwhile
from holystone.engine.model.plan import Pass, RepositoryPlan
from holystone.engine.model.references import Digest, Tag
from tests.support.execution import Execute, came_of
from tests.support.memory_registry import Hook, MemoryRegistry, Point
from tests.support.small_plans import level, remove, repository_plan, untag
from tests.support.small_worlds import APP

Unfinished = Callable[[], Awaitable[int]]


def once(plan: RepositoryPlan, *tags: str) -> RepositoryPlan:
    """The same with these tags known to be written once."""
    kept = tuple(msgspec.structs.replace(each, written_once=each.tag in tags) for each in plan.kept)
    doomed = tuple(tag for tag in plan.doomed_tags if tag in tags)
    return msgspec.structs.replace(plan, kept=kept, doomed_written_once=doomed)


def mixed_up(registry: MemoryRegistry, tag: str, answer: Digest) -> Hook:
    """Looks at the tag get another's answer, those over a connection of their own the right one."""
    right = registry.contents[APP].tags[Tag(tag)]

    async def hook(point: Point) -> None:
        if tag in point.arguments:
            registry.contents[APP].tags[Tag(tag)] = right if point.verb == "resolve alone" else answer
        else:
            registry.contents[APP].tags[Tag(tag)] = right

    return hook


def world() -> tuple[MemoryRegistry, Digest, Digest]:
    registry = MemoryRegistry()
    return registry, registry.image(APP, "doomed", "doomed"), registry.image(APP, "keep", "keep")


async def test_a_look_that_was_wrong_once_leaves_no_doomed_tag(execute: Execute) -> None:
    registry, doomed, keep = world()
    registry.hook = mixed_up(registry, "doomed", keep)
    plan = repository_plan(APP, level(remove(doomed, "doomed")), kept={"keep": keep})
    assert came_of(await execute(registry, plan)) == {doomed: Deleted()}


async def test_a_tag_that_was_really_moved_is_left_alone_for_good(execute: Execute, unfinished: Unfinished) -> None:
    registry, doomed, keep = world()
    registry.contents[APP].tags[Tag("doomed")] = keep
    plan = repository_plan(APP, level(remove(doomed, "doomed")), kept={"keep": keep})
    assert came_of(await execute(registry, plan)) == {doomed: MovedMeanwhile(keep)}
    assert await unfinished() == 0


async def test_two_answers_about_a_tag_that_nobody_moves_stop_the_repository_and_resume_goes_on(
    execute: Execute, unfinished: Unfinished
) -> None:
    registry, doomed, keep = world()
    registry.hook = mixed_up(registry, "doomed", keep)
    plan = once(repository_plan(APP, level(remove(doomed, "doomed")), kept={"keep": keep}), "doomed")
    result = await execute(registry, plan)
    assert result.repositories[0].is_stopped_by(Doubtful)
    assert (doomed in registry.contents[APP].manifests, await unfinished()) == (True, 1)
    registry.hook = None
    assert (await execute(registry)).counts == {"deleted": 1}


async def test_a_doomed_tag_that_nobody_moves_and_is_elsewhere_ends_the_run_before_anything_goes(
    execute: Execute, unfinished: Unfinished
) -> None:
    registry, doomed, keep = world()
    other = registry.image(APP, "other", "other")
    registry.contents[APP].tags[Tag("doomed")] = keep
    levels = (level(remove(doomed, "doomed")), level(remove(other, "other")))
    result = await execute(registry, once(repository_plan(APP, *levels, kept={"keep": keep}), "doomed"))
    assert result.repositories[0].is_stopped_by(PlanDoubtful)
    assert "doomed is written once" in str(result.repositories[0].stopped)
    assert {doomed, other, keep} <= set(registry.contents[APP].manifests)
    assert await unfinished() == 0


async def test_after_one_contradiction_what_nobody_moves_is_looked_at_too(execute: Execute) -> None:
    """Doubled replies gave each tag its neighbour's digest: `stage` was planned to stay on another's manifest, and
    stands on one that goes. Looked at, it says so before the manifest goes."""
    registry, doomed, keep = world()
    needed = registry.image(APP, "needed", "stage", "stage-2")
    registry.contents[APP].tags[Tag("doomed")] = keep  # an ordinary tag that moved
    del registry.contents[APP].tags[Tag("stage-2")]
    plan = repository_plan(
        APP, level(remove(doomed, "doomed")), level(remove(needed)), kept={"keep": keep, "stage": keep}
    )
    result = await execute(registry, once(plan, "stage"))
    assert result.repositories[0].is_stopped_by(PlanDoubtful)
    assert needed in registry.contents[APP].manifests


async def test_what_the_check_sees_moved_though_nobody_moves_it_is_no_success(execute: Execute) -> None:
    registry, doomed, keep = world()
    another = registry.image(APP, "another", "other")

    async def overwritten(point: Point) -> None:
        if (point.verb, point.moment) == ("delete_manifests", "after"):
            registry.contents[APP].tags[Tag("keep")] = another

    registry.hook = overwritten
    plan = once(repository_plan(APP, level(remove(doomed, "doomed")), kept={"keep": keep}), "keep")
    result = await execute(registry, plan)
    assert result.repositories[0].is_stopped_by(PlanDoubtful)
    assert result.counts == {"deleted": 1}


async def test_a_plan_for_a_registry_that_does_something_else_is_given_up_and_not_tried_for_ever(
    execute: Execute, unfinished: Unfinished
) -> None:
    """One false 404, when it was asked what it can do, made distribution 2.8 look as if it deleted by tag: each tag was
    refused then, and so on every resume."""
    registry, doomed, keep = world()
    plan = repository_plan(APP, Pass("untag", (untag("doomed", doomed),)), kept={"keep": keep})
    plan = msgspec.structs.replace(plan, manners=registry.capabilities.manners)
    registry.answer = lambda _: Failed("400 DIGEST_INVALID")
    assert (await execute(registry, plan)).incomplete
    assert await unfinished() == 1
    registry.capabilities = msgspec.structs.replace(registry.capabilities, tags=None)
    result = await execute(registry)
    assert result.repositories[0].is_stopped_by(PlanDoubtful)
    assert "does not answer now as when the plan was made" in str(result.repositories[0].stopped)
    assert (doomed in registry.contents[APP].manifests, await unfinished()) == (True, 0)
