from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from holystone.embedded.quirks import DISTRIBUTION_2_8, DISTRIBUTION_3_1, ZOT, Quirks
from tests.support.command_line import Bench, bench

PROFILES = {"2.8": DISTRIBUTION_2_8, "3.1": DISTRIBUTION_3_1, "zot": ZOT}
Open = Callable[..., Bench]


@pytest.fixture(params=PROFILES)
def quirks(request: pytest.FixtureRequest) -> Quirks:
    return PROFILES[request.param]


@pytest.fixture
def open_bench(tmp_path: Path) -> Iterator[Open]:
    """Opens benches, each in a folder of its own."""
    with ExitStack() as stack:
        opened = 0

        def make(**options: object) -> Bench:
            nonlocal opened
            opened += 1
            return stack.enter_context(bench(tmp_path / str(opened), **options))  # type: ignore[arg-type]

        yield make
