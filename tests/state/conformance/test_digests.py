"""What was read by digest, from one run to the next."""

from holystone.engine.model.references import Digest
from tests.state.conformance.stand import Stand
from tests.support import images

CONFIG = images.config("one")
MANIFEST = images.image(CONFIG)
CONFIG_DIGEST = Digest.of(CONFIG)
OTHER = images.image(images.config("other"))


async def test_what_one_run_learned_the_next_one_knows(stand: Stand) -> None:
    async with stand.cache() as first:
        await first.learn_manifests([MANIFEST])
        await first.learn_blob(CONFIG_DIGEST, CONFIG)
        assert await first.manifest(MANIFEST.digest) == MANIFEST
    async with stand.cache() as second:
        assert await second.manifest(MANIFEST.digest) == MANIFEST
        assert await second.blob(CONFIG_DIGEST) == CONFIG
        assert await second.blob(MANIFEST.digest) is None
        assert await second.manifest(CONFIG_DIGEST) is None


async def test_of_many_those_come_that_are_known(stand: Stand) -> None:
    async with stand.cache() as cache:
        assert [raw async for raw in cache.manifests([])] == []
        await cache.learn_manifests([MANIFEST])
        await cache.learn_manifests([])
        await cache.learn_blob(CONFIG_DIGEST, CONFIG)
    async with stand.cache() as cache:
        asked = [OTHER.digest, CONFIG_DIGEST, MANIFEST.digest]
        assert [raw async for raw in cache.manifests(asked)] == [MANIFEST]
        await cache.learn_manifests([OTHER, MANIFEST])
        assert {raw.digest async for raw in cache.manifests(asked)} == {MANIFEST.digest, OTHER.digest}


async def test_two_that_learn_at_once_disturb_each_other_in_nothing(stand: Stand) -> None:
    async with stand.cache() as one, stand.cache() as two:
        await one.learn_manifests([MANIFEST])
        await two.learn_manifests([MANIFEST, OTHER])
        assert await one.manifest(MANIFEST.digest) == MANIFEST
        assert await two.manifest(OTHER.digest) == OTHER
    async with stand.cache() as later:
        assert await later.manifest(MANIFEST.digest) == MANIFEST
        assert await later.manifest(OTHER.digest) == OTHER
