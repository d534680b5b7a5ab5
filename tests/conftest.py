"""What every test begins with."""

import pytest

from holystone.adapters.credentials import redaction
from tests.support.sampling import Sample, a_share, everything


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--exhaustive", action="store_true", help="try every point at which a test disturbs a run")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes minutes comes first, and the rest beside it: at the end one worker would wait for the other."""
    items.sort(key=lambda item: "torture" not in item.path.parts)


@pytest.fixture
def sample(request: pytest.FixtureRequest) -> Sample:
    return everything if request.config.getoption("exhaustive") else a_share(request.node.nodeid)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A run has one list of secrets. Tests are many runs in one process, and one's password is another one's word."""
    redaction._KNOWN.clear()
