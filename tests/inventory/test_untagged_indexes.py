"""What a list itself says: indexes without a tag, which are read where they protect what they list, and nothing more
than that; manifests, which are not read."""

from collections.abc import Mapping, Sequence

import msgspec

from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.engine.inventory.snapshot import read_repository
from holystone.engine.model.manifests import Manifest, parse_manifest
from holystone.engine.model.references import Digest, Repository
from holystone.engine.ports import TAGS, Listing, Wanted
from tests.support.memory_registry import MemoryRegistry, repository

APP = repository()


class Telling(MemoryRegistry):
    indexes: Sequence[Digest] = ()
    says: Mapping[Digest, Manifest] = {}

    loose: tuple[Digest, ...] = ()

    async def list_tags(self, repository: Repository, wanted: Wanted = TAGS) -> Listing:
        listing = await super().list_tags(repository)
        loose = self.loose if wanted.loose else None
        return msgspec.structs.replace(listing, indexes=tuple(self.indexes), manifests=self.says, loose=loose)


async def test_what_an_untagged_index_lists_is_known_and_not_read() -> None:
    registry = Telling()
    tagged, untagged = registry.image(APP, "tagged", "v1"), registry.image(APP, "untagged")
    index = registry.index(APP, [tagged, untagged])
    registry.indexes = (index,)
    snapshot = await read_repository(registry.open(APP), SqliteDigestCache(None), needs_config=lambda _: False)
    assert snapshot.manifests.keys() == {tagged, index}
    assert snapshot.manifests[index].children == (tagged, untagged)
    assert registry.count("read_manifests") == 2


async def test_an_index_that_is_gone_already_protects_nothing() -> None:
    registry = Telling()
    tagged = registry.image(APP, "tagged", "v1")
    registry.indexes = (Digest("sha256:" + "0" * 64),)
    snapshot = await read_repository(registry.open(APP), SqliteDigestCache(None), needs_config=lambda _: False)
    assert snapshot.manifests.keys() == {tagged}
    assert snapshot.broken == {}


async def test_what_the_list_says_of_manifests_stands_in_one_order_in_every_process() -> None:
    """A plan is hashed as it stands; a set of texts has another order in each process."""
    registry = Telling()
    for number in range(50):
        registry.image(APP, str(number), f"v{number}")
    registry.says = {each.digest: parse_manifest(each) for each in registry.contents[APP].manifests.values()}
    snapshot = await read_repository(registry.open(APP), SqliteDigestCache(None), needs_config=lambda _: False)
    assert [*snapshot.manifests] == sorted(registry.says)
    assert registry.count("read_manifests") == 0


async def test_all_manifests_without_a_tag_are_read_where_they_are_wanted() -> None:
    registry = Telling()
    tagged, part, alone = (registry.image(APP, name) for name in ("tagged", "part", "alone"))
    registry.put(APP, registry.contents[APP].manifests[tagged], "v1")
    index = registry.index(APP, [part])
    registry.loose = (part, alone, index)
    session = registry.open(APP)
    usual = await read_repository(session, SqliteDigestCache(None), needs_config=lambda _: False)
    assert usual.loose is None
    assert usual.manifests.keys() == {tagged}
    wanted = Wanted(loose=True)
    found = await read_repository(session, SqliteDigestCache(None), needs_config=lambda _: False, wanted=wanted)
    assert found.loose == (part, alone, index)
    assert found.manifests.keys() == {tagged, part, alone, index}
