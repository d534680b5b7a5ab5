"""What every test of Azure begins with."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from holystone.engine.scheduler import bucket
from tests.emulators.acr import AcrEmulator
from tests.registries.acr.connected import Connected, connected
from tests.support.command_line import hasty


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(bucket, "_SLOWEST", 1e6)  # requests per second that a lane is left with after a 429
    with hasty():
        yield


@pytest.fixture
async def acr(tmp_path: Path) -> AsyncIterator[Connected]:
    async with AcrEmulator() as emulator, connected(emulator, tmp_path) as made:
        yield made
