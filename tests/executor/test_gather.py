"""What is written down before anything goes."""

from collections.abc import Sequence

import anyio

from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.engine.executor.gather import IN_HAND, gather
from holystone.engine.executor.work import WORKERS
from holystone.engine.model.manifests import OCI_MANIFEST, RawManifest
from tests.support.memory_registry import MemoryRegistry, digest_of, repository

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
