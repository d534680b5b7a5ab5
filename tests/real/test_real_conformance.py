"""OCI's conformance suite: the embedded registry passes it, and each of its profiles answers as the server that it is
named after."""

from pathlib import Path
from typing import Final

import anyio.to_thread
import pytest

from holystone.embedded.quirks import DISTRIBUTION_2_8, DISTRIBUTION_3, DISTRIBUTION_3_1, GGCR, GITEA, OCI, ZOT, Quirks
from holystone.embedded.server import EmbeddedRegistry
from tests.real.accepted import entries, judged
from tests.real.conformance import SPECIFICATION, Told, differences, told_of
from tests.real.processes import scratch
from tests.real.servers import Server, built

PROFILES: Final = {
    "docker-registry": ("DISTRIBUTION_2_8", DISTRIBUTION_2_8),
    "distribution": ("DISTRIBUTION_3_1", DISTRIBUTION_3_1),
    "distribution-3": ("DISTRIBUTION_3", DISTRIBUTION_3),
    "ggcr": ("GGCR", GGCR),
    "zot-minimal": ("ZOT", ZOT),
    "zot-full": ("ZOT", ZOT),
    "gitea": ("GITEA", GITEA),
    "forgejo": ("GITEA", GITEA),
}
"""Servers that a profile is named after."""


@pytest.fixture
def suite() -> Path:
    program = built("conformance")
    if program is None:
        pytest.skip("OCI's conformance suite is absent: `make servers` installs it where there is a Go toolchain")
    return program


async def embedded(suite: Path, quirks: Quirks) -> Told:
    with scratch() as folder:
        async with EmbeddedRegistry(quirks=quirks) as registry:
            return await anyio.to_thread.run_sync(told_of, suite, registry.url, "team", folder)


@pytest.mark.slow
async def test_the_embedded_registry_passes(suite: Path, request: pytest.FixtureRequest) -> None:
    told = await embedded(suite, OCI)
    request.node.user_properties.append(
        ("conformance", {"server": SPECIFICATION, "its profile": "OCI", "checks of that": str(told)})
    )
    assert told.failed() == []
    assert told.counts["passed"] > 650


@pytest.mark.real
async def test_a_profile_answers_as_its_original(suite: Path, server: Server, request: pytest.FixtureRequest) -> None:
    """The server is one of its own: a zot finds what others have pushed."""
    if server.name not in PROFILES:
        pytest.skip("no profile of the embedded registry is named after it")
    name, quirks = PROFILES[server.name]
    with scratch() as storage, scratch() as folder, server.running(storage) as running:
        real = await anyio.to_thread.run_sync(told_of, suite, running.url, running.account, folder, running.login)
    model = await embedded(suite, quirks)
    found = differences(server.name, real, model)
    told = judged(server.name, found, entries("conformance"))
    row = {
        "server": server.name,
        "version": running.version,
        "checks": str(real),
        "its profile": name,
        "checks of that": str(model),
        "differ": str(len(found)),
        "of them accepted": str(len(told.accepted)),
    }
    request.node.user_properties.append(("conformance", row))
    assert not told.faults, "\n".join(told.faults)
