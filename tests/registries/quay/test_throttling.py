"""Quay: replies that mean later."""

from pathlib import Path
from typing import Any

import pytest

from holystone.adapters.registries.connections import Connections
from holystone.embedded.faults import Answer, Fault
from holystone.engine.errors import IncompleteSource
from holystone.engine.model.capabilities import Quota
from holystone.engine.model.outcomes import Deleted
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath, Tag
from holystone.settings.access import resolve_access
from holystone.settings.given import Given
from tests.emulators.quay import QuayEmulator
from tests.registries.quay.connected import PATH, Door, connected, put


@pytest.mark.parametrize("door", ["api", "robot"])
@pytest.mark.parametrize("times", [1, 2])
async def test_throttled_requests_are_sent_again(tmp_path: Path, door: Door, times: int) -> None:
    async with QuayEmulator(door=door) as quay, connected(tmp_path, quay) as session:
        put(quay, "v1", "v2")
        quay.throttle(times)
        assert set((await session.list_tags()).tags) == {"v1", "v2"}
        quay.throttle(times)
        assert await session.delete_tags([Tag("v1")]) == [Deleted()]
        assert sum(each.status == 429 for each in quay.requests) == 2 * times


@pytest.mark.parametrize("answer", [Answer(520, b'{"error_type":"downstream_issue"}'), Answer(503, b"busy")])
async def test_a_fault_of_the_api_that_passes_is_waited_out(tmp_path: Path, answer: Answer) -> None:
    async with QuayEmulator(tag_delete=False) as quay, connected(tmp_path, quay) as session:
        put(quay, "v1", "v2")
        await session.probe()
        quay.faults.add(Fault("GET|DELETE", "/api/", answer, times=2))
        assert set((await session.list_tags()).tags) == {"v1", "v2"}
        quay.faults.add(Fault("DELETE", "/api/", answer, times=2))
        assert await session.delete_tags([Tag("v1")]) == [Deleted()]


@pytest.mark.parametrize("door", ["api", "robot"])
async def test_throttling_without_end_is_never_an_empty_list(tmp_path: Path, door: Door) -> None:
    async with QuayEmulator(door=door) as quay, connected(tmp_path, quay) as session:
        quay.throttle(1000)
        with pytest.raises(IncompleteSource, match="429"):
            await session.list_tags()


@pytest.mark.parametrize("host", ["quay.io", "quay.example.com"])
async def test_only_the_public_host_begins_with_its_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    access = resolve_access(Given({}, {"WERF_REPO_QUAY_TOKEN": "t0ken"}))
    async with Connections(tmp_path, access=access) as connections:
        lanes: dict[str, Quota | None] = {}
        real = connections.scheduler.lane

        def lane(where: Any, who: str, api: str, quota: Quota | None = None) -> Any:
            lanes[api] = quota
            return real(where, who, api, quota)

        monkeypatch.setattr(connections.scheduler, "lane", lane)
        await connections.session(Repository(RegistryHost(host), RepositoryPath(PATH)))
    public = {"manifests": Quota(40, 5), "tags": Quota(4, 2), "api": Quota(4, 20)}
    assert lanes == (public if host == "quay.io" else dict.fromkeys(public))
