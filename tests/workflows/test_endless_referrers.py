"""A referrer that always has another referrer: asked for so deep as anybody could mean it, then refused by name."""

from collections.abc import Sequence

import pytest

from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.engine.errors import TooDeep
from holystone.engine.inventory.snapshot import read_repository
from holystone.engine.model.delete_reasons import NotNeeded
from holystone.engine.model.manifests import NESTED_AT_MOST
from holystone.engine.model.references import Digest, Repository, Tag
from holystone.engine.model.verdicts import Delete
from holystone.engine.planner.facts import TagFacts
from holystone.engine.planning import _plan
from tests.support.memory_registry import CAPABILITIES, MemoryRegistry, repository

APP = repository()


class Endless(MemoryRegistry):
    """Whatever is asked for has a referrer, until so many were made."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.made: list[Digest] = []
        self._most = most

    async def referrers(self, repository: Repository, subject: Digest) -> Sequence[Digest]:
        if len(self.made) == self._most:
            return ()
        self.made.append(self.image(APP, f"referrer {len(self.made)}", subject=subject))
        return self.made[-1:]


async def _planned(registry: Endless) -> set[Digest]:
    image = registry.image(APP, "image", "old")
    cache = SqliteDigestCache(None)
    snapshot = await read_repository(registry.open(APP), cache, needs_config=lambda _: False)
    verdicts = {Tag("old"): Delete((NotNeeded(),))}
    _, planned = await _plan(registry.open(APP), cache, snapshot, verdicts, TagFacts(), CAPABILITIES)
    going = {step.digest for step in planned.steps}
    assert image in going
    return going


async def test_a_chain_of_referrers_is_followed_to_its_end() -> None:
    registry = Endless(most=NESTED_AT_MOST - 1)
    assert await _planned(registry) >= set(registry.made)


async def test_one_without_an_end_is_refused_and_named() -> None:
    registry = Endless(most=10_000)
    with pytest.raises(TooDeep, match=f"{APP}.*more than {NESTED_AT_MOST} deep") as raised:
        await _planned(registry)
    assert raised.value.exit_code == 3
    assert raised.value.not_deleted
    assert len(registry.made) == NESTED_AT_MOST
