"""What every test of GitHub begins with."""

from collections.abc import Iterator

import pytest

from holystone.engine.scheduler import bucket
from tests.support.command_line import hasty


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(bucket, "_FIRST_CUT", 10_000.0)
    monkeypatch.setattr(bucket, "_SLOWEST", 10_000.0)
    with hasty():
        yield
