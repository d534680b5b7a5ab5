"""Random repositories with random policies on every real server: REAL_SEEDS of them each, of Docker's types and of
OCI's in turns."""

from pathlib import Path
from uuid import uuid4

import pytest

from holystone.engine.model.references import RepositoryPath
from tests.contract.stands import real_stand
from tests.real.processes import Running
from tests.real.servers import Server
from tests.real.test_real_worlds import FIRST, SEEDS
from tests.support.prune_on_a_stand import prune

pytestmark = pytest.mark.real


@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEEDS))
async def test_a_random_repository_is_pruned(server: Server, running: Running, seed: int, tmp_path: Path) -> None:
    types = server.takes.types[seed % len(server.takes.types)]
    path = RepositoryPath(f"{running.account}/p{seed}-{uuid4().hex[:8]}")
    async with real_stand(server, running, tmp_path, path, types) as served:
        await prune(served, seed, server.takes)
