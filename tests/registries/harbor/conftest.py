"""What every test of Harbor begins with."""

from collections.abc import Iterator
from unittest import mock

import pytest

from holystone.engine.scheduler import bucket
from tests.support.command_line import hasty


@pytest.fixture(autouse=True)
def _no_waits() -> Iterator[None]:
    with hasty(), mock.patch.object(bucket, "_FIRST_CUT", 1000.0):
        yield
