"""Two of the hundred runs of `python -m tests.torture.doubled`. When replies were not counted, one of them lost what
was to stay, and the other left what was to go and said that all was done."""

import pytest

from tests.support.programs import require
from tests.torture.bench import carry_out
from tests.torture.doubled import SEED, doubled
from tests.torture.trial import Outcome


@pytest.mark.slow
async def test_replies_that_come_twice_cost_nothing_that_was_to_stay_and_pass_for_no_success() -> None:
    require("docker-registry")
    done: list[Outcome] = []
    await carry_out([doubled(SEED, number) for number in (1, 27)], "", 1, done.append, quickly=1.0)
    assert [each.problems for each in done] == [[], []]
    assert all(each.faults for each in done)
