"""Quay: the list of repositories, what it shows, takes and refuses."""

from pathlib import Path

import pytest

from holystone.embedded.faults import Answer, Fault
from holystone.engine.errors import IncompleteSource, Unseen
from tests.emulators.quay import QuayEmulator
from tests.support.catalogs import listed, push, registry_of


async def test_quay_shows_a_robot_what_it_may_read(tmp_path: Path) -> None:
    async with QuayEmulator(door="robot") as served:
        served.repositories_a_page = 2
        push(served, *(f"team/app{number}" for number in range(5)), "team/secret")
        served.foreign.add("team/secret")
        async with registry_of(tmp_path, served) as registry:
            assert sorted(await listed(registry, "team")) == [f"team/app{number}" for number in range(5)]
        asked = [each.path for each in served.requests if "/v2/auth" in each.path]
        assert asked
        assert all("catalog" not in path for path in asked), "a scope that Quay does not know is 400 there"


@pytest.mark.parametrize("door", ["api", "robot"])
async def test_a_namespace_of_which_quay_shows_nothing_is_unseen(tmp_path: Path, door: str) -> None:
    async with QuayEmulator(door="api" if door == "api" else "robot") as served:
        push(served, "team/secret")
        served.foreign.add("team/secret")
        async with registry_of(tmp_path, served) as registry:
            with pytest.raises(Unseen):
                await listed(registry, "team")


async def test_a_list_of_quay_s_that_turns_in_circles_is_refused(tmp_path: Path) -> None:
    body = b'{"repositories":[{"namespace":"team","name":"a"}],"next_page":"gAAAA"}'
    async with QuayEmulator() as served:
        push(served, served.path)
        served.faults.add(Fault("GET", r"/repository\?", Answer(200, body), times=None))
        async with registry_of(tmp_path, served) as registry:
            with pytest.raises(IncompleteSource, match="turns in circles"):
                await listed(registry, "team")
