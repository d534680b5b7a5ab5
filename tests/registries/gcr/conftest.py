"""What every test of Google begins with."""

from collections.abc import Iterator

import pytest

from tests.support.command_line import hasty


@pytest.fixture(autouse=True)
def _no_waits() -> Iterator[None]:
    with hasty():
        yield
