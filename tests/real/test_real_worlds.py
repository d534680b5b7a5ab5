"""Random repositories on every real server: REAL_SEEDS of them each, of Docker's types and of OCI's in turns."""

import os
from pathlib import Path
from uuid import uuid4

import pytest

from holystone.engine.model.references import RepositoryPath
from tests.contract.stands import real_stand
from tests.real.processes import Running
from tests.real.servers import Server
from tests.real.worlds import told_of

pytestmark = pytest.mark.real

SEEDS = int(os.environ.get("REAL_SEEDS", "100"))
FIRST = int(os.environ.get("REAL_FIRST_SEED", "0"))


@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEEDS))
async def test_a_random_repository(
    server: Server, running: Running, seed: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    types = server.takes.types[seed % len(server.takes.types)]
    path = RepositoryPath(f"{running.account}/w{seed}-{uuid4().hex[:8]}")
    async with real_stand(server, running, tmp_path, path, types) as served:
        request.node.user_properties.append(("implementation", served.identity.implementation))
        told = await told_of(served, seed, server.takes)
    request.node.user_properties.extend(("fault", kind) for kind in told.faults)
    if not told.undo_possible:
        request.node.user_properties.append(("undo", "none"))
    assert not told.faults, (types, told.faults)
