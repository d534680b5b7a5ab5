"""A plain registry of each profile, and a real one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from holystone.adapters.registries.default.registry import DefaultSession
from holystone.embedded.quirks import DISTRIBUTION_2_8, DISTRIBUTION_3, DISTRIBUTION_3_1, GITEA, OCI, ZOT, Quirks
from holystone.embedded.server import EmbeddedRegistry
from tests.registries.default.connected import connected
from tests.support.docker_registry import docker_registry

PROFILES = {
    "distribution 2.8": DISTRIBUTION_2_8,
    "distribution 3.0": DISTRIBUTION_3,
    "distribution 3.1": DISTRIBUTION_3_1,
    "zot": ZOT,
    "gitea": GITEA,
    "specification": OCI,
}


@pytest.fixture(params=[*PROFILES, "docker-registry"])
async def served(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[DefaultSession, Quirks]]:
    if request.param == "docker-registry":
        async with docker_registry(tmp_path) as real, connected(real.host) as session:
            yield session, DISTRIBUTION_2_8
    else:
        quirks = PROFILES[request.param]
        async with EmbeddedRegistry(quirks=quirks) as embedded, connected(embedded.host) as session:
            yield session, quirks
