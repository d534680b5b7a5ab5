"""No request is wasted: a cleanup stays close to the least that its promises need. `make requests` has the numbers of a
large repository; here a small one shows that no step asks for each tag what one listing says."""

from pathlib import Path

import pytest

from holystone.adapters.registries.implementations import VENDORS
from tests.contract.floors import count, floor
from tests.contract.stands import EMULATORS

TAGS, DOOMED = 250, 50
SPARE = 8
"""Requests that do not grow with the repository: the vendors' own guards against lists that change while read."""


@pytest.mark.slow
@pytest.mark.parametrize("name", EMULATORS)
async def test_requests_are_close_to_the_least(name: str, tmp_path: Path) -> None:
    profile = VENDORS[name].profile
    made = await count(name, tmp_path, TAGS, DOOMED)
    for temperature, found in (("cold", made.cold), ("warm", made.warm)):
        least = floor(name, profile.can.listing.page, profile.can.bulk, TAGS, DOOMED, warm=temperature == "warm")
        assert least.bare <= found <= 1.05 * least.promised + SPARE, temperature
