"""A registry that was thought to leave a manifest alone, and does not: seen at once, mended, and not tried again."""

from collections.abc import Callable
from typing import Literal

import anyio
import msgspec
import pytest

from holystone.engine.errors import BlobsMissing, RegistryFailure
from holystone.engine.model.capabilities import Capabilities, DigestDeletion, LastTag, TagDeletion
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.outcomes import (
    AlreadyGone,
    Deleted,
    Failed,
    Locked,
    Needed,
    Outcome,
    StillServed,
    WouldDrop,
)
from holystone.engine.model.plan import Pass, RepositoryPlan
from holystone.engine.model.reasons import ChildOf
from holystone.engine.model.references import Digest, Repository, Tag
from holystone.engine.report.result_text import result_lines
from tests.support.execution import Execute, after, came_of, die, once
from tests.support.memory_registry import CAPABILITIES, Content, MemoryRegistry, Point
from tests.support.small_plans import level, plan, remove, repository_plan, tombstone, untag
from tests.support.small_worlds import APP

How = Literal["delete", "anchor", "tombstone"]


class Dropping(MemoryRegistry):
    """With its last tag a manifest goes. `blobs_go`: it cannot be pushed again; `pins`: nor does it if it was pushed by
    its digest."""

    def __init__(self, *, blobs_go: bool = False, pins: bool = False) -> None:
        super().__init__(CAPABILITIES)
        self.blobs_go = blobs_go
        self.pins = pins
        self.pinned: set[Digest] = set()
        self.dropped: list[Digest] = []

    async def push_manifest(self, repository: Repository, reference: Tag | Digest, manifest: RawManifest) -> None:
        if self.blobs_go and manifest.digest in self.dropped:
            raise BlobsMissing("404 blob unknown")
        content = self.contents[repository]
        before = content.tags.get(reference) if isinstance(reference, Tag) else None
        await super().push_manifest(repository, reference, manifest)
        if isinstance(reference, Digest) and self.pins:
            self.pinned.add(reference)
        self._release(content, before)

    def _delete_tag(self, content: Content, tag: Tag) -> Outcome:
        before = content.tags.get(tag)
        outcome = super()._delete_tag(content, tag)
        self._release(content, before)
        return outcome

    def _release(self, content: Content, digest: Digest | None) -> None:
        held = digest in content.tags.values() or digest in self.pinned
        if digest and not held and content.manifests.pop(digest, None):
            self.dropped.append(digest)


def world(registry: MemoryRegistry, how: How, parts: int = 3) -> tuple[RepositoryPlan, list[Digest]]:
    """A kept index of images that have a doomed tag each."""
    made = [registry.image(APP, f"part {number}", f"t{number}") for number in range(parts)]
    index = registry.index(APP, made, "index")
    make: Callable[..., object] = tombstone if how == "tombstone" else untag
    steps = [make(f"t{number}", digest) for number, digest in enumerate(made)]
    if how == "anchor":
        steps = [msgspec.structs.replace(step, how="anchor") for step in steps]  # type: ignore[type-var]
    kind: Literal["tombstone", "untag"] = "tombstone" if how == "tombstone" else "untag"
    stage = Pass(kind, tuple(steps))  # type: ignore[arg-type]
    planned = repository_plan(APP, stage, kept={"index": index})
    return msgspec.structs.replace(
        planned, kept_manifests={**planned.kept_manifests, **dict.fromkeys(made, ChildOf(index))}
    ), made


@pytest.mark.parametrize("how", ["delete", "tombstone"])
async def test_the_first_is_pushed_back_and_no_other_is_touched(execute: Execute, how: How) -> None:
    registry = Dropping()
    planned, made = world(registry, how)
    result = await execute(registry, planned)
    (done,) = result.repositories
    assert done.outcomes == {"t0": Deleted(), "t1": WouldDrop(made[0]), "t2": WouldDrop(made[0])}
    assert done.mended == {made[0]: "t0"}
    assert registry.dropped == [made[0]]
    assert set(made) <= registry.contents[APP].manifests.keys()
    assert registry.contents[APP].tags.keys() == {"index", "t1", "t2"}
    assert (result.losses, result.incomplete) == ((), False)
    text = "\n".join(result_lines("RUN", plan(planned), result))
    assert made[0].short in text
    assert "pushed back" in text
    assert "t1: left alone: the registry dropped" in text


async def test_what_outlived_its_last_tag_once_lets_the_others_go_at_once(execute: Execute) -> None:
    registry = MemoryRegistry(CAPABILITIES)
    planned, _ = world(registry, "delete", 10)
    going, most, seen = 0, 0, 0

    async def hook(point: Point) -> None:
        nonlocal going, most, seen
        if point.verb == "delete_tags":
            going += 1 if point.moment == "before" else -1
            seen += point.moment == "after"
            most = max(most, going)
            assert going <= 1 or seen, "the first goes alone"
            if seen:
                await anyio.sleep(0.01)

    registry.hook = hook
    assert (await execute(registry, planned)).counts == {"deleted": 10}
    assert most > 1


async def test_what_has_another_tag_that_stays_is_not_looked_at_after_each(execute: Execute) -> None:
    registry = MemoryRegistry(CAPABILITIES)
    both = registry.image(APP, "both", "keep", "v1")
    result = await execute(registry, repository_plan(APP, Pass("untag", (untag("v1", both),)), kept={"keep": both}))
    assert result.counts == {"deleted": 1}
    assert ("resolve", (APP, both)) not in registry.calls


async def test_one_tag_of_several_that_took_its_manifest_along_is_enough_to_push_it_back(execute: Execute) -> None:
    registry = MemoryRegistry(CAPABILITIES)
    part = registry.image(APP, "part", "t0", "t1")
    index = registry.index(APP, [part], "index")

    def answer(what: Tag | Digest) -> Outcome:
        if what == "t0":
            del registry.contents[APP].tags[Tag("t0")]
            del registry.contents[APP].manifests[part]
            return Deleted()
        return Locked("v*")

    registry.answer = answer
    steps = Pass("untag", (untag("t0", part), untag("t1", part)))
    (done,) = (await execute(registry, repository_plan(APP, steps, kept={"index": index}, needed=[part]))).repositories
    assert done.outcomes == {"t0": Deleted(), "t1": Locked("v*")}
    assert done.mended == {part: "t1"}
    assert part in registry.contents[APP].manifests


@pytest.mark.parametrize("how", ["delete", "tombstone"])
async def test_a_first_that_somebody_moved_shows_nothing_and_the_next_goes_alone(execute: Execute, how: How) -> None:
    registry = Dropping(blobs_go=True)
    planned, made = world(registry, how, parts=10)
    registry.contents[APP].tags[Tag("t0")] = registry.image(APP, "theirs")
    result = await execute(registry, planned)
    assert registry.dropped == [made[1]]
    assert "could not be pushed back" in str(result.repositories[0].stopped)


async def test_one_look_that_finds_no_manifest_stops_nothing(execute: Execute) -> None:
    class Distracted(MemoryRegistry):
        async def resolve(
            self, repository: Repository, reference: Tag | Digest, *, alone: bool = False
        ) -> Digest | None:
            found = await super().resolve(repository, reference, alone=alone)
            return found if alone or isinstance(reference, Tag) else None

    registry = Distracted(CAPABILITIES)
    planned, _ = world(registry, "delete")
    result = await execute(registry, planned)
    assert result.counts == {"deleted": 3}
    assert registry.count("push_manifest") == 0


async def test_an_anchored_manifest_outlives_its_tag(execute: Execute) -> None:
    registry = Dropping(pins=True, blobs_go=True)
    planned, made = world(registry, "anchor")
    result = await execute(registry, planned)
    assert result.counts == {"deleted": 3}
    assert registry.dropped == []
    assert set(made) <= registry.contents[APP].manifests.keys()
    assert registry.contents[APP].tags.keys() == {"index"}


async def test_a_tag_whose_manifest_cannot_be_anchored_stays(execute: Execute) -> None:
    registry = Dropping(pins=True)
    planned, made = world(registry, "anchor", 1)

    async def refuse(point: object) -> None:
        if getattr(point, "verb", "") == "push_manifest":
            raise RegistryFailure("403 no right to push")

    registry.hook = refuse
    assert isinstance(came_of(await execute(registry, planned))["t0"], Failed)
    assert registry.contents[APP].tags["t0"] == made[0]  # type: ignore[index]


@pytest.mark.parametrize("how", ["delete", "tombstone"])
async def test_what_cannot_be_pushed_back_stops_the_repository_and_is_told_as_ours(execute: Execute, how: How) -> None:
    registry = Dropping(blobs_go=True)
    planned, made = world(registry, how)
    result = await execute(registry, planned)
    stopped = result.repositories[0].stopped
    assert stopped
    assert made[0] in stopped.message
    assert "t0" in stopped.message
    assert "Holystone" in stopped.message
    assert registry.dropped == [made[0]]
    assert {"t1", "t2"} <= registry.contents[APP].tags.keys()


async def test_where_manifests_outlive_their_tags_all_go_for_one_look_each(execute: Execute) -> None:
    registry = MemoryRegistry()
    planned, made = world(registry, "delete", 10)
    assert (await execute(registry, planned)).counts == {"deleted": 10}
    looks = [arguments[1] for verb, arguments in registry.calls if verb == "resolve" and arguments[1] in made]
    assert max(map(looks.count, made)) <= 2


async def test_a_manifest_that_is_lost_with_its_last_tag_all_the_same_is_told_as_ours(execute: Execute) -> None:
    registry = MemoryRegistry()
    planned, made = world(registry, "delete", 2)
    lost = made[1]

    async def hook(point: object) -> None:
        if registry.count("list_tags") == 1:  # the check after: collected in the meantime
            registry.contents[APP].manifests.pop(lost, None)

    registry.hook = hook
    result = await execute(registry, planned)
    assert result.repositories[0].ours == {lost}
    assert "which this run took away" in "\n".join(result_lines("RUN", plan(planned), result))


# An error after a deletion


@pytest.mark.parametrize("way", ["tag", "digest"])
@pytest.mark.parametrize("gone", [True, False])
async def test_an_error_after_a_deletion_is_looked_at(execute: Execute, way: str, *, gone: bool) -> None:
    registry = MemoryRegistry()
    image = registry.image(APP, "image", "old")
    steps = (Pass("untag", (untag("old", image),)),) if way == "tag" else (level(remove(image, "old")),)
    kept = registry.image(APP, "kept", "keep")

    def answer(name: Tag | Digest) -> Outcome:
        if gone and way == "tag":
            registry.contents[APP].tags.pop(Tag("old"))
        elif gone:
            registry.contents[APP].delete_manifest(image)
        return Failed("400 MANIFEST_TAGS")

    registry.answer = answer
    result = await execute(registry, repository_plan(APP, *steps, kept={"keep": kept}))
    assert came_of(result) == {steps[0].steps[0].id: Deleted() if gone else Failed("400 MANIFEST_TAGS")}
    assert result.incomplete is not gone


# Servers whose deletion of a digest leaves its tags


class Leaving(MemoryRegistry):
    """`dangling`: the tags serve nothing; otherwise they go on serving what was deleted."""

    def __init__(self, capabilities: Capabilities, *, dangling: bool = False) -> None:
        super().__init__(capabilities)
        self.dangling = dangling

    async def resolve(self, repository: Repository, reference: Tag | Digest, *, alone: bool = False) -> Digest | None:
        found = await super().resolve(repository, reference, alone=alone)
        return None if self.dangling and found not in self.contents[repository].manifests else found

    def _delete_manifest(self, content: Content, digest: Digest) -> Outcome:
        tags = dict(content.tags)
        outcome = super()._delete_manifest(content, digest)
        content.tags = tags
        return outcome


def careless(*, by_name: bool = True) -> Capabilities:
    return msgspec.structs.replace(CAPABILITIES, tags=TagDeletion() if by_name else None)


def shared_by(registry: MemoryRegistry, *doomed: str) -> RepositoryPlan:
    """Doomed tags beside one that stays."""
    shared = registry.image(APP, "shared", "keep", *doomed)
    stage = Pass("tombstone", tuple(tombstone(tag, shared) for tag in doomed))
    return repository_plan(APP, stage, kept={"keep": shared})


@pytest.mark.parametrize("by_name", [True, False])
async def test_tombstones_that_a_digest_delete_leaves_go_by_name_or_are_told(
    execute: Execute, *, by_name: bool
) -> None:
    registry = Leaving(careless(by_name=by_name))
    result = await execute(registry, shared_by(registry, "old-1", "old-2"))
    told = Deleted() if by_name else StillServed()
    assert came_of(result) == {"old-1": told, "old-2": told}
    assert (registry.contents[APP].tags.keys() == {"keep"}) is by_name
    assert result.incomplete is not by_name
    assert not (result.repositories[0].check and result.repositories[0].check.renewed)


async def test_tags_that_a_digest_delete_leaves_with_nothing_behind_them_go_by_name(execute: Execute) -> None:
    registry = Leaving(careless(), dangling=True)
    result = await execute(registry, shared_by(registry, "old-1", "old-2", "old-3"))
    assert result.counts == {"deleted": 3}
    assert registry.contents[APP].tags.keys() == {"keep"}


async def test_where_a_digest_delete_takes_its_tags_two_requests_show_it(execute: Execute) -> None:
    registry = MemoryRegistry(careless())
    result = await execute(registry, shared_by(registry, *(f"old-{number}" for number in range(20))))
    assert result.counts == {"deleted": 20}
    assert registry.count("delete_tags") == 1


@pytest.mark.parametrize("dangling", [True, False])
async def test_a_tag_that_somebody_moves_off_its_tombstone_hides_no_other_and_stays(
    execute: Execute, *, dangling: bool
) -> None:
    registry = Leaving(careless(), dangling=dangling)
    planned = shared_by(registry, "old-1", "old-2", "old-3")
    theirs = registry.image(APP, "theirs")

    registry.hook = once(after("delete_manifests"), lambda: registry.contents[APP].tags.update({Tag("old-1"): theirs}))
    await execute(registry, planned)
    tags = registry.contents[APP].tags
    assert tags.keys() == {"keep", "old-1"}
    assert tags[Tag("old-1")] == theirs


async def test_a_tag_whose_deletion_takes_all_tags_of_its_tombstone_is_no_trouble(execute: Execute) -> None:
    class Taking(Leaving):
        def _delete_tag(self, content: Content, tag: Tag) -> Outcome:
            digest = content.tags.get(tag)
            content.tags = {each: at for each, at in content.tags.items() if at != digest}
            return Deleted() if digest else AlreadyGone()

    registry = Taking(careless())
    result = await execute(registry, shared_by(registry, "old-1", "old-2"))
    assert result.counts == {"deleted": 2}
    assert registry.contents[APP].tags.keys() == {"keep"}


async def test_tags_left_dangling_by_an_attempt_that_was_killed_go_in_the_next(execute: Execute) -> None:
    registry = Leaving(careless(), dangling=True)
    planned = shared_by(registry, "old-1", "old-2")

    registry.hook = once(after("delete_manifests"), die)
    with pytest.raises(BaseException):  # noqa: B017 - Killed, alone or in groups
        await execute(registry, planned)
    assert registry.contents[APP].tags.keys() == {"keep", "old-1", "old-2"}
    result = await execute(registry)
    assert result.counts == {"deleted": 2}
    assert registry.contents[APP].tags.keys() == {"keep"}


@pytest.mark.parametrize("how", ["delete", "tombstone"])
@pytest.mark.parametrize("moved", [False, True])
async def test_the_tag_that_was_to_stay_on_it_and_has_moved_on_leaves_it_the_other_one(
    execute: Execute, how: How, *, moved: bool
) -> None:
    """An index that stays needs what both are on."""
    registry = Dropping(blobs_go=True)
    drops = LastTag("may-go", takes_attached=False)
    registry.capabilities = msgspec.structs.replace(
        CAPABILITIES, tags=TagDeletion(drops), digests=DigestDeletion(tombstones=drops)
    )
    part = registry.image(APP, "part", "latest-amd64", "v1-amd64")
    index = registry.index(APP, [part], "v1")
    stage = (
        Pass("untag", (untag("v1-amd64", part),))
        if how == "delete"
        else Pass("tombstone", (tombstone("v1-amd64", part),))
    )
    planned = repository_plan(APP, stage, kept={"latest-amd64": part, "v1": index})
    if moved:
        registry.contents[APP].tags[Tag("latest-amd64")] = registry.image(APP, "new")
    (done,) = (await execute(registry, planned)).repositories
    assert done.outcomes == {"v1-amd64": Needed(part) if moved else Deleted()}
    assert done.check
    assert not done.check.losses
    assert part in registry.contents[APP].manifests


async def test_hundreds_that_were_to_stay_are_not_looked_for_for_each_of_hundreds(execute: Execute) -> None:
    takes = TagDeletion(LastTag("may-go", takes_attached=False))
    registry = MemoryRegistry(msgspec.structs.replace(CAPABILITIES, tags=takes))
    stay, go = [f"stay-{number}" for number in range(100)], [f"go-{number}" for number in range(100)]
    old, new = registry.image(APP, "old", *stay, *go), registry.image(APP, "new")
    planned = repository_plan(APP, Pass("untag", tuple(untag(tag, old) for tag in go)), kept=dict.fromkeys(stay, old))
    registry.contents[APP].tags.update(dict.fromkeys(map(Tag, stay), new))
    (done,) = (await execute(registry, planned)).repositories
    assert set(done.outcomes.values()) == {Needed(old)}
    assert len(registry.calls) < 1000
