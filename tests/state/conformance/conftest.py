"""`stand` for each store, or `new_stand` where a test needs one after the other."""

from collections.abc import Iterator

import pytest

from tests.state.conformance.stand import Stand
from tests.state.conformance.stands import STANDS, NewStand


@pytest.fixture(params=STANDS, scope="session")
def new_stand(request: pytest.FixtureRequest) -> NewStand:
    return STANDS[request.param]


@pytest.fixture
def stand(new_stand: NewStand) -> Iterator[Stand]:
    with new_stand() as made:
        yield made
