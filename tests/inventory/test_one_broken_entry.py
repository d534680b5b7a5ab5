"""One thing that cannot be read is a fact about that thing; if nothing can be read, nothing is decided."""

import json
from collections.abc import Callable

import pytest

from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.engine.closure.close import close
from holystone.engine.errors import Doubtful, IncompleteSource, Unauthorized, Unreachable
from holystone.engine.inventory.snapshot import add_referrers, read_repository
from holystone.engine.model.delete_reasons import NotNeeded
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.manifests import OCI_INDEX, RawManifest
from holystone.engine.model.references import Digest, Tag
from holystone.engine.model.verdicts import Delete, Keep
from holystone.engine.planner.check import check_plan
from holystone.engine.planner.facts import TagFacts
from holystone.engine.planner.repository import plan_closed
from tests.support.memory_registry import CAPABILITIES, MemoryRegistry, Point, digest_of, repository

APP = repository()
ERRORS = [IncompleteSource("it answers 500"), Unauthorized("it answers 403"), Unreachable("it does not answer")]


def registry_with(count: int) -> tuple[MemoryRegistry, list[Digest]]:
    memory = MemoryRegistry()
    return memory, [memory.image(APP, f"image {number}", f"t{number}") for number in range(count)]


def breaking(verb: str, which: Callable[[object], bool], error: IncompleteSource) -> Callable[[Point], object]:
    async def hook(point: Point) -> None:
        if point.verb == verb and any(which(each) for each in point.arguments[1:]):
            raise error

    return hook


async def read(memory: MemoryRegistry) -> RepositorySnapshot:
    return await read_repository(memory.open(APP), SqliteDigestCache(None), needs_config=lambda _: True)


def config_of(memory: MemoryRegistry, digest: Digest) -> Digest:
    return Digest(json.loads(memory.contents[APP].manifests[digest].body)["config"]["digest"])


@pytest.mark.parametrize("error", ERRORS, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("verb", ["resolve", "read_manifests", "read_blob"])
async def test_one_of_many(verb: str, error: IncompleteSource) -> None:
    memory, digests = registry_with(5)
    broken = {"resolve": "t3", "read_manifests": digests[3], "read_blob": config_of(memory, digests[3])}[verb]
    memory.hook = breaking(verb, lambda each: each == broken, error)  # type: ignore[assignment]
    snapshot = await read(memory)
    assert snapshot.broken == {"t3": error.message}
    assert len(snapshot.manifests) == (5 if verb == "read_blob" else 4)
    assert set(snapshot.unread) == (set() if verb == "read_blob" else {broken})
    assert snapshot.image(Tag("t2"))


@pytest.mark.parametrize("error", ERRORS, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("verb", ["resolve", "read_manifests", "read_blob"])
@pytest.mark.parametrize("count", [2, 40])
async def test_all_of_them(verb: str, error: IncompleteSource, count: int) -> None:
    memory, _ = registry_with(count)
    memory.hook = breaking(verb, lambda _: True, error)  # type: ignore[assignment]
    with pytest.raises(type(error)):
        await read(memory)


async def test_a_host_that_is_down_is_not_asked_for_everything() -> None:
    memory, _ = registry_with(2000)
    memory.hook = breaking("resolve", lambda _: True, Unreachable("down"))  # type: ignore[assignment]
    with pytest.raises(Unreachable):
        await read(memory)
    assert memory.count("resolve") < 200


@pytest.mark.parametrize("error", ERRORS, ids=lambda each: type(each).__name__)
async def test_the_only_one(error: IncompleteSource) -> None:
    """Whether the credential or the host is at fault cannot be told then."""
    memory, _ = registry_with(1)
    memory.hook = breaking("resolve", lambda _: True, error)  # type: ignore[assignment]
    if type(error) is IncompleteSource:
        assert (await read(memory)).broken == {"t0": error.message}
    else:
        with pytest.raises(type(error)):
            await read(memory)


async def test_an_answer_that_may_be_anothers_is_about_all() -> None:
    memory, _ = registry_with(5)
    memory.hook = breaking("resolve", lambda each: each == "t3", Doubtful("mixed up"))  # type: ignore[assignment]
    with pytest.raises(Doubtful):
        await read(memory)


@pytest.mark.parametrize("verb", ["resolve", "read_manifests"])
async def test_nothing_goes_while_one_may_need_any_of_them(verb: str) -> None:
    memory, digests = registry_with(3)
    index = memory.index(APP, [digests[0]], "index")
    broken = "index" if verb == "resolve" else index
    memory.hook = breaking(verb, lambda each: each == broken, IncompleteSource("500"))  # type: ignore[assignment]
    snapshot = await read(memory)
    verdicts = {Tag(f"t{number}"): Delete((NotNeeded(),)) for number in range(3)}
    closed = close(snapshot, verdicts, CAPABILITIES)
    assert not closed.doomed
    plan = plan_closed(snapshot, closed, CAPABILITIES, TagFacts())
    assert not plan.doomed_tags
    assert not check_plan(snapshot, plan, CAPABILITIES)


async def test_what_refers_to_one_cannot_be_told() -> None:
    memory, digests = registry_with(3)
    snapshot = await read(memory)
    memory.hook = breaking("referrers", lambda each: each == digests[1], IncompleteSource("500"))  # type: ignore[assignment]
    snapshot = await add_referrers(memory.open(APP), SqliteDigestCache(None), snapshot, digests)
    assert snapshot.held == {digests[1]: "500"}
    closed = close(snapshot, {Tag(f"t{number}"): Delete((NotNeeded(),)) for number in range(3)}, CAPABILITIES)
    assert set(closed.doomed) == {digests[0], digests[2]}
    assert isinstance(closed.verdicts[Tag("t1")], Keep), "without its tag nobody would find it again"
    memory.hook = breaking("referrers", lambda _: True, IncompleteSource("500"))  # type: ignore[assignment]
    with pytest.raises(IncompleteSource):
        await add_referrers(memory.open(APP), SqliteDigestCache(None), snapshot, digests)


async def test_layers_in_an_index_are_not_asked_for_and_stay_with_it() -> None:
    """BuildKit's cache on registries that take it: an index whose entries are layers and a configuration."""
    memory, digests = registry_with(2)
    kinds = [
        "application/vnd.oci.image.layer.v1.tar+gzip",
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
        "application/vnd.buildkit.cacheconfig.v0",
        "application/vnd.oci.image.config.v1+json",
    ]
    listed = [{"mediaType": kind, "digest": digest_of(kind.encode()), "size": 1} for kind in kinds]
    listed += [{"mediaType": kinds[0], "digest": digests[0], "size": 1}, {"digest": digests[1], "size": 1}]
    body = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": listed}).encode()
    cache = memory.put(APP, RawManifest(digest_of(body), OCI_INDEX, body), "cache")
    snapshot = await read(memory)
    assert {each for verb, (_, *asked) in memory.calls if verb == "read_manifests" for each in asked} == {
        cache,
        *digests,
    }
    assert snapshot.manifests[cache].children == (digests[1],)
    assert not snapshot.broken
    closed = close(snapshot, {Tag("t0"): Delete((NotNeeded(),)), Tag("t1"): Delete((NotNeeded(),))}, CAPABILITIES)
    assert not closed.doomed
