"""Harbor: replies that mean later."""

from pathlib import Path

from holystone.embedded.faults import Answer, Fault
from holystone.engine.model.outcomes import Deleted
from holystone.engine.model.references import Tag
from tests.registries.harbor.connected import put, served


async def test_a_deadlock_of_the_database_passes(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        image = put(harbor, "one", "v1")
        harbor.deadlocks = 2
        assert await session.delete_manifests([image.digest]) == [Deleted()]
        assert harbor.deadlocks == 0


async def test_a_conflict_passes(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        put(harbor, "one", "v1")
        conflict = Answer(409, b'{"errors":[{"code":"CONFLICT","message":"quota is being updated"}]}')
        harbor.faults.add(Fault("DELETE", "/api/", conflict, times=2))
        assert await session.delete_tags([Tag("v1")]) == [Deleted()]


async def test_an_ingress_that_throttles_is_obeyed(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        image = put(harbor, "one", "v1")
        harbor.throttle(2)
        assert (await session.list_tags()).tags == {"v1": image.digest}
        harbor.throttle(2)
        assert await session.delete_manifests([image.digest]) == [Deleted()]
        assert harbor.throttled == 0
