"""What a registry lists, or a manifest names, and is then said not to be there: asked for again before it is believed.

A 404 that is not true makes an image look gone, and with it go the stages and records that only this image needs."""

from collections.abc import Mapping, Sequence

import pytest

from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.engine.inventory.snapshot import read_repository
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.references import Digest, Repository, Tag
from holystone.engine.ports import TAGS, Listing, Wanted
from tests.support.memory_registry import MemoryRegistry, repository

APP = repository()


class Forgetful(MemoryRegistry):
    """Knows nothing of a thing as often as is said, the first times that it is asked for it."""

    def __init__(self, times: int, but: str = "-") -> None:
        """`but`: kinds of questions that are answered rightly begin with this."""
        super().__init__()
        self._times = times
        self._but = but
        self._asked: dict[str, int] = {}

    def _forgets(self, reference: str) -> bool:
        self._asked[reference] = self._asked.get(reference, 0) + 1
        return not reference.startswith(self._but) and self._asked[reference] <= self._times

    async def list_tags(self, repository: Repository, wanted: Wanted = TAGS) -> Listing:
        found = await super().list_tags(repository, wanted)
        return Listing({}, exists=False) if self._forgets(f"list {repository}") else found

    async def resolve(self, repository: Repository, reference: Tag | Digest, *, alone: bool = False) -> Digest | None:
        found = await super().resolve(repository, reference, alone=alone)
        return None if self._forgets(f"resolve {reference}") else found

    async def read_manifests(self, repository: Repository, digests: Sequence[Digest]) -> Mapping[Digest, RawManifest]:
        found = await super().read_manifests(repository, digests)
        return {digest: raw for digest, raw in found.items() if not self._forgets(f"read {digest}")}

    async def read_blob(self, repository: Repository, digest: Digest) -> bytes | None:
        found = await super().read_blob(repository, digest)
        return None if self._forgets(f"blob {digest}") else found


async def test_what_was_absent_once_and_is_there_is_there() -> None:
    registry = Forgetful(times=1)
    child = registry.image(APP, "child")
    registry.index(APP, [child], "index")
    registry.image(APP, "image", "v1")
    snapshot = await read_repository(registry.open(APP), SqliteDigestCache(None), needs_config=lambda _: True)
    assert snapshot.exists
    assert snapshot.broken == {}
    assert snapshot.tags.keys() == {"index", "v1"}
    assert child in snapshot.manifests
    assert snapshot.image(Tag("v1")) is not None


@pytest.mark.parametrize("times", [2, 100])
async def test_what_is_absent_whenever_it_is_asked_for_is_broken(times: int) -> None:
    registry = Forgetful(times, but="list")
    registry.image(APP, "image", "v1")
    snapshot = await read_repository(registry.open(APP), SqliteDigestCache(None), needs_config=lambda _: True)
    assert snapshot.broken.keys() == {"v1"}
    assert registry.count("resolve") == 2


@pytest.mark.parametrize("times", [2, 100])
async def test_a_repository_that_is_absent_whenever_it_is_asked_for_does_not_exist(times: int) -> None:
    registry = Forgetful(times)
    registry.image(APP, "image", "v1")
    snapshot = await read_repository(registry.open(APP), SqliteDigestCache(None), needs_config=lambda _: True)
    assert not snapshot.exists
    assert registry.count("list_tags") == 2
