"""Compare before delete, by itself."""

from pathlib import Path

import anyio.lowlevel
import pytest

from holystone.engine.errors import DeletionDisabled, HolystoneError, RegistryFailure, Unauthorized
from holystone.engine.executor.compare import bared, compare, elsewhere, recorded
from holystone.engine.model.outcomes import AlreadyGone, Failed, Forbidden, Needed, Outcome
from holystone.engine.model.references import Digest, Tag
from tests.support.execution import working
from tests.support.manifest_graphs import d
from tests.support.memory_registry import MemoryRegistry, Point, repository
from tests.support.small_plans import level, remove, repository_plan

APP = repository()
MADE = repository_plan(APP, level(remove(d(1), "old")))


async def test_a_tag_that_is_gone_contradicts_nothing_and_is_asked_for_once(tmp_path: Path) -> None:
    registry = MemoryRegistry()
    async with working(tmp_path, registry, MADE) as work:
        assert await elsewhere(work, Tag("old"), d(1)) == AlreadyGone()
        assert not work.contradicted
    assert [verb for verb, _ in registry.calls] == ["resolve"]


async def test_who_may_not_delete_at_all_is_no_matter_of_one_tag(tmp_path: Path) -> None:
    async def look() -> Digest | None:
        raise DeletionDisabled("405")

    async with working(tmp_path, MemoryRegistry(), MADE) as work:
        with pytest.raises(DeletionDisabled, match="405"):
            await compare(work, Tag("old"), look(), d(1))


async def test_a_manifest_that_was_not_there_when_the_bytes_were_read_is_gone(tmp_path: Path) -> None:
    async with working(tmp_path, MemoryRegistry(), MADE, manifests={d(2): None}) as work:
        assert recorded(work, d(1)) == AlreadyGone()
        assert recorded(work, d(2)) is None


STAYS = repository_plan(APP, level(remove(d(1), "old")), kept={"a": d(2), "b": d(2), "c": d(2)})
"""Three tags are to stay on one manifest."""


@pytest.mark.parametrize(
    ("on_it", "drops", "said"),
    [("abc", True, None), ("a", True, None), ("", True, Needed(d(2))), ("", False, None)],
)
async def test_a_manifest_that_stays_needs_one_of_the_tags_that_were_to_stay_on_it(
    tmp_path: Path, on_it: str, said: Outcome | None, *, drops: bool
) -> None:
    registry = MemoryRegistry()
    registry.contents[APP].tags = {Tag(tag): d(2) if tag in on_it else d(3) for tag in "abc"}
    async with working(tmp_path, registry, STAYS) as work:
        assert await bared(work, d(2), drops=drops) == said
        assert await bared(work, d(1), drops=True) is None, "of no tag it was said that it stays there"
    if not drops:
        assert registry.calls == []


async def test_one_look_elsewhere_bares_nothing(tmp_path: Path) -> None:
    registry = MemoryRegistry()
    tags = registry.contents[APP].tags = {Tag(tag): d(3) for tag in "abc"}

    async def answers_to_other_questions(point: Point) -> None:
        tags[Tag("c")] = d(2) if point.verb == "resolve alone" else d(3)

    registry.hook = answers_to_other_questions
    async with working(tmp_path, registry, STAYS) as work:
        assert await bared(work, d(2), drops=True) is None
    assert [verb for verb, _ in registry.calls] == ["resolve", "resolve alone"]


@pytest.mark.parametrize(
    ("error", "said"),
    [(Unauthorized("403"), Forbidden("403")), (RegistryFailure("500"), Failed("500")), (DeletionDisabled("405"), None)],
)
async def test_a_tag_that_was_to_stay_and_cannot_be_looked_at(
    tmp_path: Path, error: HolystoneError, said: Outcome | None
) -> None:
    registry = MemoryRegistry()

    async def fail(point: Point) -> None:
        raise error

    registry.hook = fail
    async with working(tmp_path, registry, STAYS) as work:
        if said:
            assert await bared(work, d(2), drops=True) == said
        else:
            with pytest.raises(DeletionDisabled):
                await bared(work, d(2), drops=True)


@pytest.mark.parametrize(("on_it", "said"), [("b", None), ("", Needed(d(2)))])
async def test_two_that_look_at_once_forget_only_what_they_saw_elsewhere(
    tmp_path: Path, on_it: str, said: Outcome | None
) -> None:
    registry = MemoryRegistry()
    registry.contents[APP].tags = {Tag(tag): d(2) if tag in on_it else d(3) for tag in "abc"}
    answers = []

    async def wait(_: Point) -> None:
        await anyio.lowlevel.checkpoint()

    registry.hook = wait
    async with working(tmp_path, registry, STAYS) as work:

        async def ask() -> None:
            answers.append(await bared(work, d(2), drops=True))

        for tags in ("abc", "a"):
            work.kept_on[d(2)] = [Tag(tag) for tag in tags]
            async with anyio.create_task_group() as both:
                both.start_soon(ask)
                both.start_soon(ask)
    assert answers == [said, said, Needed(d(2)), Needed(d(2))]
