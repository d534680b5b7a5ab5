"""A prune of a random repository, from policies to what is left, on whatever the contract suite runs against."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.engine.model.plan import Plan
from holystone.engine.model.references import RegistryHost
from holystone.policies.retention.rules import Clusters, RegistryAccess, RetentionFile
from holystone.settings.values import KubernetesSettings
from holystone.workflows.gathered import PruneOptions
from holystone.workflows.prune import prepare_prune
from tests.contract.stands import Stand
from tests.real.servers import Takes
from tests.support.drawn_retention import DAY, NOW
from tests.support.pruned_worlds import EARLIER, PrunedWorld
from tests.support.spools import FOLDER


async def planned(served: Stand, world: PrunedWorld, as_of: int, cache: SqliteDigestCache | None = None) -> Plan:
    at = {RegistryHost(served.host): RegistryAccess(served.identity.implementation)}
    file = RetentionFile(Clusters("none"), (), (world.policy,), registries=at)
    options = PruneOptions(as_of, None, FOLDER, served.folder / "state")
    kubernetes = KubernetesSettings(Path("absent"), without=True)
    known = cache or SqliteDigestCache(None)
    made = await prepare_prune(served.connections, known, file, kubernetes, options, world.used)
    return made.plan


async def prune(served: Stand, seed: int, takes: Takes) -> None:
    """Asserts that what is left is what the rules say, said plainly, and that a second run has nothing to do."""
    world = PrunedWorld(served, seed, takes)
    with pushed_at(served, EARLIER - DAY):
        await world.push()
        await planned(served, world, EARLIER)
    with pushed_at(served, EARLIER + DAY):
        await world.push_more()
    digests = sorted(world.made)
    before = await served.state(*digests)
    cache = SqliteDigestCache(None)
    plan = await planned(served, world, NOW, cache)
    if world.refused():
        assert plan.set_aside
        assert not plan.repositories
        return
    assert plan.set_aside == ()
    result = await served.apply(plan, cache)
    if result.incomplete:  # because of an index that nobody knows of, or so the second attempt says
        result = await served.resume()
    assert not result.incomplete, result
    assert result.losses == ()
    await world.assert_left(before, await served.state(*digests))
    again = await planned(served, world, NOW)
    assert not any(each.passes for each in again.repositories), "a second run plans something"


@contextmanager
def pushed_at(served: Stand, moment: int) -> Iterator[None]:
    """Where the clock is ours."""
    if served.emulator is None:
        yield
        return
    with mock.patch.object(served.emulator.storage, "_wall", return_value=float(moment)):
        yield
