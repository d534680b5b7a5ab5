"""Whatever happens between nights to tags that should never move: what a run deletes is what it would delete if it
remembered nothing, or nothing."""

import anyio
from hypothesis import given, settings
from hypothesis import strategies as st

from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.adapters.state.sqlite.tag_memory import SqliteTagMemory
from holystone.engine.inventory.belief import NO_MEMORY
from holystone.engine.inventory.contents import Contents
from holystone.engine.model.delete_reasons import NotNeeded
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.reasons import Unreadable
from holystone.engine.model.references import Tag
from holystone.engine.model.verdicts import Delete, Keep
from holystone.engine.planner.facts import TagFacts
from holystone.engine.planning import Judged, PlannedRepository, Where, plan_repository
from holystone.engine.ports import DigestCache, TagMemory
from tests.support.memory_registry import MemoryRegistry, digest_of, repository

APP = repository()
NAMED, MOVING = [f"c0ffee-{number}" for number in range(4)], ["latest", "stable"]
IMAGES = [f"image {number}" for number in range(5)]
TAG = st.sampled_from(NAMED + MOVING)
CHANGE = st.one_of(
    st.tuples(st.just("push"), TAG, st.sampled_from(IMAGES)),
    st.tuples(st.just("index"), TAG, TAG),
    st.tuples(st.just("sign"), TAG, st.sampled_from(IMAGES)),
    st.tuples(st.just("dangle"), TAG, TAG),
    st.tuples(st.just("remove"), TAG, TAG),
    st.tuples(st.just("lose"), TAG, TAG),
)
NIGHT = st.tuples(st.lists(CHANGE, max_size=5), st.booleans())


async def policy(snapshot: RepositorySnapshot) -> Judged:
    """By what the tag is, and by what else points there: whatever a look may show decides."""
    there = [*snapshot.tags.values()]
    doomed = {tag for tag, digest in snapshot.tags.items() if int(digest[-1], 16) % 2 and there.count(digest) < 3}
    verdicts = {tag: Delete((NotNeeded(),)) if tag in doomed else Keep((Unreadable("x"),)) for tag in snapshot.tags}
    return Judged(verdicts, TagFacts())


async def planned(
    registry: MemoryRegistry, cache: DigestCache, memory: TagMemory, *, is_only_shown: bool
) -> PlannedRepository:
    return await plan_repository(
        registry.open(APP),
        cache,
        policy,
        Where("images", "user"),
        needs_config=lambda tag: tag != "stable",
        contents=Contents(immutable=lambda tag: tag.startswith("c0ffee") or tag.endswith(".sig")),
        memory=memory,
        is_only_shown=is_only_shown,
        fuse=None,
        now=0,
    )


def change(registry: MemoryRegistry, what: str, tag: str, other: str) -> None:
    content = registry.contents[APP]
    at = content.tags.get(Tag(tag))
    match what:
        case "push":
            registry.image(APP, other, tag)
        case "index" if there := content.tags.get(Tag(other)):
            registry.index(APP, [there], tag)
        case "sign" if at:
            registry.image(APP, f"signs as {other}", f"{at.replace(':', '-')}.sig")
        case "dangle":
            content.tags[Tag(tag)] = digest_of(b"nothing")
        case "remove":
            content.tags.pop(Tag(tag), None)
        case "lose" if at:
            content.manifests.pop(at, None)


def carry_out(registry: MemoryRegistry, made: PlannedRepository) -> None:
    content = registry.contents[APP]
    for tag in made.plan.doomed_tags:
        content.tags.pop(tag, None)
    gone = {step.digest for step in made.plan.steps} - {*content.tags.values()}
    content.manifests = {digest: raw for digest, raw in content.manifests.items() if digest not in gone}


@settings(deadline=None, max_examples=150)
@given(st.lists(NIGHT, min_size=1, max_size=6))
def test_what_goes_goes_by_no_belief(nights: list[tuple[list[tuple[str, str, str]], bool]]) -> None:
    """A night in which nothing goes may be one only because a tag was not looked at that should never move, and has."""

    async def all_nights() -> None:
        registry = MemoryRegistry()
        with SqliteDigestCache(None) as cache, SqliteTagMemory(None) as memory:
            for changes, is_dry in nights:
                for each in changes:
                    change(registry, *each)
                made = await planned(registry, cache, memory, is_only_shown=is_dry)
                anew = await planned(registry, cache, NO_MEMORY, is_only_shown=False)
                if not is_dry and (made.plan.passes or not made.believed):
                    assert made.plan == anew.plan
                    assert not made.believed
                    carry_out(registry, made)
                await memory.settle()

    anyio.run(all_nights)
