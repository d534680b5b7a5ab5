"""What is written down before anything goes."""

from collections.abc import Sequence

import anyio
import pytest

from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.engine.errors import IncompleteSource
from holystone.engine.executor.gather import IN_HAND, gather
from holystone.engine.executor.work import WORKERS
from holystone.engine.model.manifests import OCI_MANIFEST, RawManifest
from tests.support.memory_registry import MemoryRegistry, Point, digest_of, repository

APP = repository()
BATCH = 500


async def test_whoever_reads_waits_for_a_disk_that_is_slower() -> None:
    registry = MemoryRegistry()
    bodies = [b'{"schemaVersion": 2, "annotations": {"n": "%d"}}' % number for number in range(10 * BATCH)]
    digests = [registry.put(APP, RawManifest(digest_of(body), OCI_MANIFEST, body)) for body in bodies]
    kept = 0
    ahead: list[int] = []

    async def keep(some: Sequence[RawManifest]) -> None:
        nonlocal kept
        await anyio.sleep(0.02)
        ahead.append(sum(call == "read_manifests" for call, _ in registry.calls) - kept)
        kept += len(some)

    with SqliteDigestCache(None) as cache:
        gathered = await gather(registry.open(APP), cache, digests, keep, anyio.CapacityLimiter(IN_HAND))
    assert (len(gathered.found), kept) == (len(digests), len(digests))
    assert max(ahead) <= BATCH + WORKERS


@pytest.mark.parametrize("at_once", [1, 3])
async def test_one_that_is_not_given_out_is_its_own_trouble(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what a list describes well enough (GitLab, ECR) this is the first time that anybody reads it."""
    monkeypatch.setattr(MemoryRegistry, "manifests_at_once", at_once)
    registry = MemoryRegistry()
    digests = [registry.image(APP, f"image {number}") for number in range(5)]

    async def damage(point: Point) -> None:
        if point.verb == "read_manifests" and digests[1] in point.arguments:
            raise IncompleteSource("its bytes are another one's.")

    registry.hook = damage
    with SqliteDigestCache(None) as cache:
        gathered = await gather(registry.open(APP), cache, digests, _nowhere, anyio.CapacityLimiter(IN_HAND))
    assert gathered.found.keys() == {*digests} - {digests[1]}
    assert gathered.unreadable == {digests[1]: "its bytes are another one's"}


async def test_where_none_is_given_out_that_is_said_of_all() -> None:
    registry = MemoryRegistry()
    digests = [registry.image(APP, f"image {number}") for number in range(5)]

    async def refuse(point: Point) -> None:
        if point.verb == "read_manifests":
            raise IncompleteSource("the storage is down.")

    registry.hook = refuse
    with SqliteDigestCache(None) as cache, pytest.raises(IncompleteSource):
        await gather(registry.open(APP), cache, digests, _nowhere, anyio.CapacityLimiter(IN_HAND))


async def _nowhere(_: Sequence[RawManifest]) -> None:
    pass
