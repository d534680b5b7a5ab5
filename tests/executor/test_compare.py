"""Compare before delete, by itself."""

from pathlib import Path

import pytest

from holystone.engine.errors import DeletionDisabled
from holystone.engine.executor.compare import compare, elsewhere, recorded
from holystone.engine.model.outcomes import AlreadyGone
from holystone.engine.model.references import Digest, Tag
from tests.support.execution import working
from tests.support.manifest_graphs import d
from tests.support.memory_registry import MemoryRegistry, repository
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
