"""How deep indexes in indexes are followed: all the way, or not at all."""

import pytest

from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.engine.errors import TooDeep
from holystone.engine.inventory.snapshot import add_referrers, read_repository
from holystone.engine.model.manifests import NESTED_AT_MOST
from holystone.engine.model.references import Digest
from tests.support.memory_registry import MemoryRegistry, repository

APP = repository()


def nested(registry: MemoryRegistry, levels: int, *tags: str) -> list[Digest]:
    """From the innermost image to the outermost index: so many manifests in all."""
    chain = [registry.image(APP, "innermost")]
    while len(chain) < levels:
        outermost = len(chain) == levels - 1
        chain.append(registry.index(APP, [chain[-1]], *(tags if outermost else ())))
    return chain


async def test_all_levels_up_to_the_bound_are_read() -> None:
    registry = MemoryRegistry()
    chain = nested(registry, NESTED_AT_MOST, "outer")
    snapshot = await read_repository(registry.open(APP), SqliteDigestCache(None), needs_config=lambda _: False)
    assert snapshot.manifests.keys() == set(chain)


async def test_one_level_more_is_refused_and_named() -> None:
    registry = MemoryRegistry()
    chain = nested(registry, NESTED_AT_MOST + 1, "outer")
    with pytest.raises(TooDeep) as raised:
        await read_repository(registry.open(APP), SqliteDigestCache(None), needs_config=lambda _: False)
    assert raised.value.exit_code == 3
    assert str(APP) in raised.value.message
    assert chain[0] in raised.value.message
    assert raised.value.what_to_do


async def test_a_chain_of_referrers_is_no_way_around_it() -> None:
    registry = MemoryRegistry()
    subject = registry.image(APP, "subject")
    for number in range(NESTED_AT_MOST):
        tags = ["last"] if number == NESTED_AT_MOST - 1 else []
        subject = registry.image(APP, f"r{number}", *tags, subject=subject)
    with pytest.raises(TooDeep):
        await read_repository(registry.open(APP), SqliteDigestCache(None), needs_config=lambda _: False)


async def test_what_a_referrer_brings_is_bounded_too() -> None:
    registry = MemoryRegistry()
    subject = registry.image(APP, "subject", "v1")
    snapshot = await read_repository(registry.open(APP), SqliteDigestCache(None), needs_config=lambda _: False)
    before = registry.image(APP, "sbom", subject=subject)
    for number in range(NESTED_AT_MOST):
        before = registry.image(APP, f"of {number}", subject=before)
    registry.image(APP, "two parents", subject=subject)
    found = await add_referrers(registry.open(APP), SqliteDigestCache(None), snapshot, [subject])
    assert len(found.manifests) == 3
