"""Random repositories with random policies: what a prune leaves is what the rules say, said a second time."""

import pytest

from holystone.engine.model.in_use import ListEntry, UsedImage
from holystone.policies.retention.patterns import parse_tag_pattern
from holystone.policies.retention.repository_patterns import RepositoryPattern
from holystone.policies.retention.rules import Entry, Policy
from tests.contract.stands import Stand
from tests.real.servers import Takes
from tests.support.drawn_retention import DAY, NOW
from tests.support.prune_on_a_stand import planned, prune, pushed_at
from tests.support.pruned_worlds import EARLIER, PrunedWorld

SEEDS = (1, 2, 9, 31, 39, 47)
"""Each showed a mistake once, of the program or of what is said here of a registry."""


@pytest.mark.everywhere
@pytest.mark.parametrize("seed", SEEDS)
async def test_a_random_repository_is_pruned(served: Stand, seed: int) -> None:
    await prune(served, seed, Takes(nested=served.nests))


async def test_what_is_in_use_by_its_digest_stays_without_a_tag(served: Stand) -> None:
    """A cluster runs what `latest` was a week ago."""
    world = PrunedWorld(served, 0, Takes(nested=served.nests))
    world.policy = Policy(
        "all",
        (RepositoryPattern(str(served.repository)),),
        keep=(Entry(tags=(parse_tag_pattern("*"),)),),
        untagged_after=DAY,
    )
    with pushed_at(served, EARLIER - DAY):
        await served.image("now", "latest")
        used, child = await served.image("used"), await served.image("part")
        await served.index((child,))
        alone = await served.image("alone")
        await planned(served, world, EARLIER)
    world.used = [UsedImage(None, None, each.digest, ListEntry("a list")) for each in (used, child)]
    plan = await planned(served, world, NOW)
    going = {step.digest for at in plan.repositories for step in at.steps}
    assert going == ({alone.digest} if served.profile.can.listing.loose else set())
