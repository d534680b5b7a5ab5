"""What else lies in repositories: parts of indexes, signatures, caches of BuildKit, and what runs of ours have left."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from holystone.engine.executor.tombstones import make_tombstone
from holystone.engine.model.lock_tags import LockTag, lock_image, lock_tag
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath
from tests.support import images
from tests.support.broken_things import Here, buildkit
from tests.support.command_line import Ran, bench
from tests.support.dated_registry import Registry, aged

AT = RepositoryPath("shop/app")
RUN = "20261129-015500-ab12"


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with bench(tmp_path) as made:
        yield Registry(made)


def put(registry: Registry, raw: RawManifest, *tags: str | None, blob: bytes = b"") -> RawManifest:
    storage = registry.bench.registry.storage
    if blob:
        storage.put_blob(AT, blob)
    for tag in tags or (None,):
        storage.put_manifest(AT, raw.body, raw.media_type, tag)
    return raw


def prune(registry: Registry, *entries: str) -> Ran:
    keep = [word for each in entries for word in ("--keep", each)]
    ran = registry.bench.run("prune", f"{registry.bench.registry.host}/{AT}", *keep)
    assert ran.code == 0, ran
    return ran


def test_parts_of_indexes_and_what_is_attached_take_no_place_and_go_with_their_image(registry: Registry) -> None:
    storage = registry.bench.registry.storage
    attached: dict[int, set[str]] = {}
    for day in (1, 2, 3):
        registry.push(str(AT), {"amd64": day, "arm64": day + 0.1})
        tags = storage.repositories[AT].tags
        parts = [storage.repositories[AT].manifests[tags.pop(each)] for each in ("amd64", "arm64")]
        whole = put(registry, images.index(*(RawManifest(p.digest, p.media_type, p.body) for p in parts)), f"v{day}")
        attached[day] = {f"sha256-{whole.digest.hex}.{kind}" for kind in ("sig", "att", "sbom")}
        for tag in attached[day]:
            config = images.config(f"{tag} of today")
            put(registry, images.signature(config), tag, blob=config)
    prune(registry, "newest=2")
    assert set(registry.tags(str(AT))) == {"v1", "v2"} | attached[1] | attached[2]
    assert len(storage.repositories[AT].manifests) == 2 * (1 + 2 + 3)


def test_a_cache_of_buildkit_is_neither_broken_nor_in_the_way(registry: Registry) -> None:
    registry.push(str(AT), aged("v", 3))
    buildkit(Here(registry.bench.registry, str(AT), "cache"))
    ran = prune(registry, "newest=1,tags=v-*", "tags=cache")
    assert registry.tags(str(AT)) == ["cache", "v-1"]
    assert "cannot be read" not in ran.out + ran.err
    prune(registry, "tags=v-*")
    assert registry.tags(str(AT)) == ["v-1"]


def test_tombstones_and_locks_of_our_own_are_left_alone_and_told(registry: Registry) -> None:
    registry.push(str(AT), aged("v", 3))
    host = RegistryHost(registry.bench.registry.host)
    tombstone = make_tombstone(RUN, Repository(host, AT))
    put(registry, tombstone.manifest, "old-1", "old-2", blob=tombstone.config)
    stale = lock_tag(LockTag(1000, "x"))
    put(registry, lock_image(stale)[0], str(stale), blob=lock_image(stale)[1])
    ran = prune(registry, "tags=v-*,newest=1")
    assert registry.tags(str(AT)) == [str(stale), "old-1", "old-2", "v-1"]
    assert f"2 tags on the tombstone of run {RUN}, which did not come to its end" in ran.out
