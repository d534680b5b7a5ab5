"""The order in which things come back is told by the manifests: it suits every registry, however they went."""

import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from random import Random
from typing import Any, Literal

import pytest

from holystone.engine.errors import BlobsMissing, ManifestRefused
from holystone.engine.model.manifests import DOCKER_MANIFEST, OCI_INDEX, RawManifest, understood
from holystone.engine.model.outcomes import Failed
from holystone.engine.model.references import Digest
from holystone.engine.undo import UndoResult
from holystone.engine.undo.putting import push
from holystone.engine.undo.results import BlobsGone
from holystone.engine.undo.taken import levels
from tests.support.execution import Execute, before
from tests.support.memory_registry import MemoryRegistry, Point, digest_of
from tests.support.small_plans import level, remove, repository_plan
from tests.support.small_worlds import APP

Undo = Callable[..., Coroutine[Any, Any, UndoResult]]
A, B, C = (Digest(f"sha256:{letter * 64}") for letter in "abc")


def listing(digest: Digest, *children: Digest, subject: Digest | None = None) -> RawManifest:
    """Bytes that were never hashed, so that they can say anything."""
    document: dict[str, object] = {"manifests": [{"digest": child} for child in children]}
    if subject:
        document["subject"] = {"digest": subject}
    return RawManifest(digest, OCI_INDEX, json.dumps(document).encode())


def ordered(*manifests: RawManifest) -> tuple[tuple[Digest, ...], ...]:
    return levels({raw.digest: understood(raw) for raw in manifests})


def test_children_come_before_what_lists_them_and_subjects_before_what_refers_to_them() -> None:
    assert ordered(listing(A, B), listing(B, subject=C), listing(C)) == ((C,), (B,), (A,))
    assert ordered(listing(A, B, C), listing(B), listing(C)) == ((B, C), (A,))
    assert ordered(listing(A, B, subject=C), listing(B, subject=C), listing(C)) == ((C,), (B,), (A,))


def test_what_is_not_to_come_back_orders_nothing() -> None:
    assert ordered(listing(A, B), listing(C)) == ((A, C),)
    assert ordered() == ()


@pytest.mark.parametrize(
    ("circle", "found"), [((B,), ((A, B), (C,))), ((A,), ((A,), (B,), (C,))), ((B, A), ((A, B), (C,)))]
)
def test_circles_end(circle: Sequence[Digest], found: tuple[tuple[Digest, ...], ...]) -> None:
    assert ordered(listing(A, *circle), listing(B, A), listing(C, A, B)) == found


def test_a_circle_comes_after_what_one_of_it_needs() -> None:
    assert ordered(listing(A, B), listing(B, A, C), listing(C)) == ((C,), (A, B))


def test_bytes_that_cannot_be_understood_need_nothing() -> None:
    assert ordered(RawManifest(A, DOCKER_MANIFEST, b"no manifest"), listing(B, A)) == ((A,), (B,))


@pytest.mark.parametrize("seed", range(20))
def test_a_random_order_of_many(seed: int) -> None:
    random = Random(seed)
    names = [Digest(f"sha256:{number:064x}") for number in range(60)]
    random.shuffle(names)
    needs = {
        name: random.sample(names[:at], min(at, random.randint(0, 4))) if random.random() < 0.7 else []
        for at, name in enumerate(names)
    }
    found = levels({name: understood(listing(name, *children)) for name, children in needs.items()})
    at = {digest: number for number, level in enumerate(found) for digest in level}
    assert at.keys() == needs.keys()
    assert all(at[child] < at[name] for name, children in needs.items() for child in children)


async def test_passes_that_went_in_another_order_do_not_matter(execute: Execute, undo: Undo) -> None:
    """As on Harbor, where a nested index goes before the one that lists it, when that was refused at first."""
    registry = MemoryRegistry()
    leaf = registry.image(APP, "leaf")
    inner = registry.index(APP, [leaf])
    outer = registry.index(APP, [inner], "outer")
    before_run = registry.contents[APP].state()
    await execute(
        registry, repository_plan(APP, level(remove(leaf)), level(remove(inner)), level(remove(outer, "outer")))
    )
    assert (await undo(registry)).lost == ()
    assert registry.contents[APP].state() == before_run


async def test_a_registry_that_wants_the_subject_first(execute: Execute, undo: Undo) -> None:
    """GitLab 4, Harbor, Cloudflare's serverless-registry."""
    registry = MemoryRegistry(wants_subject=True)
    image = registry.image(APP, "image", "v1")
    signature = registry.image(APP, "signature", "v1-signature", subject=image)
    of_it = registry.image(APP, "of the signature", subject=signature)
    before_run = registry.contents[APP].state()
    steps = level(remove(image, "v1")), level(remove(signature, "v1-signature")), level(remove(of_it))
    await execute(registry, repository_plan(APP, *steps))
    assert (await undo(registry)).lost == ()
    assert registry.contents[APP].state() == before_run


def doomed_index(registry: MemoryRegistry) -> tuple[Mapping[str, Digest], Any]:
    part = registry.image(APP, "part", "b-part", "d-part")
    index = registry.index(APP, [part], "a-index", "c-index")
    plan = repository_plan(APP, level(remove(index, "a-index", "c-index")), level(remove(part, "b-part", "d-part")))
    return {"part": part, "index": index}, plan


async def test_no_tag_of_a_part_is_put_while_a_tag_of_its_index_is(execute: Execute, undo: Undo) -> None:
    registry = MemoryRegistry(rewrites=True)
    _, plan = doomed_index(registry)
    before_run = registry.contents[APP].state()
    await execute(registry, plan)

    registry.calls.clear()
    assert (await undo(registry)).lost == ()
    assert registry.contents[APP].state() == before_run
    assert registry.count("push_manifest") == 2 + 4  # none was refused


@pytest.mark.parametrize("times", [1, 2, 3])
async def test_an_index_whose_parts_are_there_is_pushed_again(execute: Execute, undo: Undo, times: int) -> None:
    """Somebody else's push may be in the way as well."""
    registry = MemoryRegistry()
    digests, plan = doomed_index(registry)
    before_run = registry.contents[APP].state()
    await execute(registry, plan)
    left = times

    async def refuse(point: Point) -> None:
        nonlocal left
        if left and before("push_manifest")(point) and point.arguments[1] == digests["index"]:
            left -= 1
            raise ManifestRefused("400 DIGEST_INVALID")

    registry.hook = refuse
    assert (await undo(registry)).lost == ()
    assert (left, registry.contents[APP].state()) == (0, before_run)


async def test_a_registry_that_shows_a_blob_and_misses_it_at_the_push_is_believed() -> None:
    registry = MemoryRegistry()
    digest = registry.image(APP, "image")
    raw = registry.contents[APP].manifests[digest]

    async def refuse(point: Point) -> None:
        if before("push_manifest")(point):
            raise BlobsMissing("400 MANIFEST_BLOB_UNKNOWN")

    async def sleep(_: float) -> None:
        raise AssertionError

    registry.hook = refuse
    assert await push(registry.open(APP), digest, raw, sleep) == BlobsGone("400 MANIFEST_BLOB_UNKNOWN")


async def test_the_pauses_between_become_longer_and_end() -> None:
    registry = MemoryRegistry()
    digests, _ = doomed_index(registry)
    raw = registry.contents[APP].manifests[digests["index"]]
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async def refuse(point: Point) -> None:
        if before("push_manifest")(point):
            raise ManifestRefused("400 DIGEST_INVALID")

    registry.hook = refuse
    assert isinstance(await push(registry.open(APP), raw.digest, raw, sleep), Failed)
    assert pauses == [0.1, 0.5, 2.0]


@pytest.mark.parametrize("refusal", ["DIGEST_INVALID", "MANIFEST_BLOB_UNKNOWN"])
async def test_what_is_refused_although_all_is_there_is_not_called_final(
    execute: Execute, undo: Undo, refusal: str
) -> None:
    registry = MemoryRegistry()
    digests, plan = doomed_index(registry)
    await execute(registry, plan)

    async def refuse(point: Point) -> None:
        if before("push_manifest")(point) and point.arguments[1] == digests["index"]:
            raise registry.refusal(f"400 {refusal}")

    registry.hook = refuse
    result = await undo(registry)
    assert result.incomplete
    assert {type(each.outcome) for each in result.lost} == {Failed}
    registry.hook = None
    assert (await undo(registry)).lost == ()


Gone = Literal["blob", "part", "subject"]


@pytest.mark.parametrize("gone", ["blob", "part", "subject"])
@pytest.mark.parametrize("tight_lipped", [False, True])
async def test_what_is_missing_is_named_whatever_the_registry_says_of_it(
    execute: Execute, undo: Undo, gone: Gone, *, tight_lipped: bool
) -> None:
    """zot calls a manifest invalid whose blobs are not there; Harbor does not find an index whose part is not there."""
    registry = MemoryRegistry(wants_subject=True, tight_lipped=tight_lipped)
    stays = registry.image(APP, "stays")
    made = {
        "blob": lambda: registry.image(APP, "old", "old"),
        "part": lambda: registry.index(APP, [stays], "old"),
        "subject": lambda: registry.image(APP, "old", "old", subject=stays),
    }[gone]()
    await execute(registry, repository_plan(APP, level(remove(made, "old"))))
    missing = digest_of(b'{"name": "old"}') if gone == "blob" else stays
    content = registry.contents[APP]
    content.blobs.pop(missing, None)
    content.manifests.pop(missing, None)
    result = await undo(registry)
    assert not result.incomplete
    assert len(result.lost) == 2
    for each in result.lost:
        assert isinstance(each.outcome, BlobsGone)
        assert missing in each.outcome.why


async def test_a_manifest_that_is_refused_with_all_its_blobs_there_may_be_tried_again(
    execute: Execute, undo: Undo
) -> None:
    registry = MemoryRegistry()
    made = registry.image(APP, "old", "old")
    await execute(registry, repository_plan(APP, level(remove(made, "old"))))

    async def refuse(point: Point) -> None:
        if before("push_manifest")(point):
            raise ManifestRefused("415 this type is not taken today")

    registry.hook = refuse
    result = await undo(registry)
    assert (result.incomplete, len(result.lost)) == (True, 2)
