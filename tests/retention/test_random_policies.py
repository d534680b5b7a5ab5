"""Random repositories and policies: what stays is what the rules say, said a second time."""

import pytest

from holystone.engine.model.verdicts import Keep
from holystone.policies.retention.judge import judge
from tests.support.drawn_retention import drawn_retention
from tests.support.plain_retention import PlainRetention


def compare(seed: int) -> None:
    policy, candidates, facts = drawn_retention(seed)
    judged = judge(policy, candidates, facts)
    kept = {str(tag) for tag, verdict in judged.verdicts.items() if isinstance(verdict, Keep)}
    assert kept == PlainRetention(policy, candidates, facts).staying(), f"seed {seed}"


@pytest.mark.parametrize("start", range(0, 2000, 80))
def test_what_stays_is_what_the_rules_say(start: int) -> None:
    for seed in range(start, start + 80):
        compare(seed)
