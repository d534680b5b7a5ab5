"""What the check after a run looks at: all that a deletion could have reached, and a sample of the rest."""

from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holystone.engine.closure.close import close
from holystone.engine.closure.graph import graph_of, reach
from holystone.engine.executor.looks import FEW, SAMPLE, Looks, Sampling, choose, in_reach
from holystone.engine.executor.results import Coverage, Looked
from holystone.engine.model.capabilities import GENTLE, Capabilities, Cascade, DigestDeletion, LastTag, TagDeletion
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.plan import Kept, Pass, RepositoryPlan
from holystone.engine.model.reasons import Unreadable
from holystone.engine.model.references import Digest, Tag
from holystone.engine.model.verdicts import Verdict
from holystone.engine.planner.facts import TagFacts
from holystone.engine.planner.repository import plan_closed
from tests.support.manifest_graphs import d, fallback, image, index, repositories, repository
from tests.support.memory_registry import repository as name
from tests.support.small_plans import level, remove, repository_plan, untag
from tests.support.toy_registry import ToyRegistry

APP = name()
HARSH = Capabilities(
    "harsh",
    tags=TagDeletion(),
    digests=DigestDeletion(tombstones=LastTag()),
    cascade=Cascade(referrers=True, children=True),
)
"""Takes along whatever it can: what every plan for a gentle registry should fear."""
NOTHING: frozenset[Tag] = frozenset()


def plan_for(snapshot: RepositorySnapshot, verdicts: dict[Tag, Verdict], can: Capabilities) -> RepositoryPlan:
    return plan_closed(snapshot, close(snapshot, verdicts, can), can, TagFacts())


def named(snapshot: RepositorySnapshot, plan: RepositoryPlan) -> dict[Digest, tuple[Digest, ...]]:
    """A manifest that nobody could read names nothing."""
    found = {digest: manifest.named for digest, manifest in snapshot.manifests.items()}
    return {**{each.digest: () for each in plan.kept if each.digest}, **found}


@settings(max_examples=300, deadline=None)
@given(repositories(), st.sampled_from([GENTLE, msgspec.structs.replace(GENTLE, tags=None)]))
def test_whatever_the_harshest_registry_takes_along_is_looked_at(
    world: tuple[RepositorySnapshot, dict[Tag, Verdict]], can: Capabilities
) -> None:
    """Carried out where a plan was made for another registry: what went is in reach, and so are its tags."""
    snapshot, verdicts = world
    plan = plan_for(snapshot, verdicts, can)
    registry = ToyRegistry(snapshot, msgspec.structs.replace(HARSH, tags=HARSH.tags if can.tags else None))
    registry.apply(plan)
    kept = {each.tag: each.digest for each in plan.kept if each.digest}
    looks = choose(plan, kept, kept.keys(), plan.kept_manifests.keys(), named(snapshot, plan), Sampling((), Random(0)))
    lost_tags = {tag for tag, digest in kept.items() if registry.tags.get(tag) != digest}
    assert lost_tags <= {*looks[0].reached}
    assert plan.kept_manifests.keys() & snapshot.manifests.keys() - registry.manifests.keys() <= {*looks[1].reached}


@settings(max_examples=300, deadline=None)
@given(repositories())
def test_whatever_the_closure_says_belongs_to_what_goes_is_in_reach(
    world: tuple[RepositorySnapshot, dict[Tag, Verdict]],
) -> None:
    snapshot, verdicts = world
    plan = plan_for(snapshot, verdicts, GENTLE)
    graph = graph_of(snapshot)
    doomed = [tag for tag in plan.doomed_tags if tag in snapshot.tags]
    belongs = set(reach(graph, doomed, subjects=True))
    above = {index for digest in belongs for index in graph.indexes.get(digest, ())}
    assert belongs | above <= in_reach(plan, named(snapshot, plan))


@pytest.mark.parametrize(
    ("manifests", "tags", "tied"),
    [
        ([image(1), image(2)], {"keep": 2}, set()),
        ([image(1), index(2, 1)], {"keep": 2}, {2}),
        ([index(1, 2), image(2)], {"keep": 2}, {2}),
        ([index(1, 2), image(2), index(3, 2)], {"keep": 3}, {2, 3}),
        ([image(1, subject=2), image(2)], {"keep": 2}, {2}),
        ([image(1), image(2, subject=1), image(3, subject=2)], {"keep": 3}, {2, 3}),
        ([image(1), image(2)], {fallback(1, ".sig"): 2}, {2}),
        ([image(1), image(2)], {fallback(1): 2}, {2}),
    ],
)
def test_what_is_tied_to_what_went(manifests: list[msgspec.Struct], tags: dict[str, int], tied: set[int]) -> None:
    snapshot = repository(manifests, tags)  # type: ignore[arg-type]
    made = repository_plan(APP, level(remove(d(1))), kept={tag: d(number) for tag, number in tags.items()})
    found = in_reach(made, {each.digest: each.named for each in snapshot.manifests.values()})
    assert found == {d(1), *map(d, tied)}


def test_the_signature_of_a_tag_that_goes_alone_is_tied_to_its_manifest() -> None:
    """The tag went that is attached by its name, and its subject stays."""
    signature = fallback(1, ".sig")
    made = repository_plan(APP, Pass("untag", (untag(signature, d(2)),)), kept={"keep": d(1)}, needed=[d(2)])
    assert in_reach(made, {d(1): (), d(2): ()}) == {d(1), d(2)}


def test_a_signature_of_nothing_that_is_there_ties_nothing() -> None:
    signature = fallback(9, ".sig")
    made = repository_plan(APP, level(remove(d(1), signature)), kept={"keep": d(2)})
    assert in_reach(made, {d(1): (), d(2): ()}) == {d(1)}


def test_a_tag_that_nobody_could_read_hides_nothing_and_one_of_an_unknown_manifest_may() -> None:
    made, ties = many(2 * FEW)
    unread = Kept(Tag("odd"), None, (Unreadable("not today"),))
    tags = {each.tag for each in made.kept}
    made = msgspec.structs.replace(made, kept=(*made.kept, unread))
    assert len(choose(made, tags, tags, set(), ties, Sampling((), Random(0)))[0].sampled) == SAMPLE
    unknown = Kept(Tag("unknown"), d(9999), (Unreadable("not today"),))
    made = msgspec.structs.replace(made, kept=(*made.kept, unknown))
    assert len(choose(made, tags, tags, set(), ties, Sampling((), Random(0)))[0].reached) == 2 * FEW


def many(count: int) -> tuple[RepositoryPlan, dict[Digest, tuple[Digest, ...]]]:
    kept = {f"v{number:04}": d(number) for number in range(count)}
    made = repository_plan(APP, level(remove(d(count))), kept=kept)
    return made, {d(number): () for number in range(count + 1)}


def of_tags(count: int, sampling: Sampling | None, *, listed: int | None = None) -> Looks[Tag]:
    made, ties = many(count)
    tags = {each.tag for each in made.kept}
    there = sorted(tags)[: count if listed is None else listed]
    return choose(made, there, tags, set(), ties, sampling)[0]


def test_few_are_all_looked_at_and_of_more_a_sample() -> None:
    assert of_tags(FEW, Sampling((), Random(0))).left == ()
    looks = of_tags(FEW + 1, Sampling((), Random(0)))
    assert (len(looks.reached), len(looks.sampled), len(looks.left)) == (0, SAMPLE, FEW + 1 - SAMPLE)
    assert sorted(looks.sampled + looks.left) == [f"v{number:04}" for number in range(FEW + 1)]
    assert looks.first == looks.sampled
    assert looks.looked(told=7) == Looked(7, 0, SAMPLE, FEW + 1)
    assert looks.whole.looked() == Looked(0, 0, FEW + 1, FEW + 1)


def test_the_draw_is_the_runs() -> None:
    draws = [of_tags(2 * FEW, Sampling((), Random(seed))).sampled for seed in ("run 1", "run 1", "run 2")]
    assert draws[0] == draws[1] != draws[2]


def test_what_the_list_lacks_or_the_run_saw_elsewhere_is_looked_at() -> None:
    odd = {Tag("v0000"), Tag("v0007")}
    looks = of_tags(2 * FEW, Sampling(odd, Random(0)), listed=2 * FEW - 1)
    assert looks.reached == ("v0000", "v0007", f"v{2 * FEW - 1:04}")
    assert len(looks.sampled) == SAMPLE


def test_everything_is_looked_at_where_the_plan_is_in_doubt_or_a_manifest_is_not_known() -> None:
    assert len(of_tags(2 * FEW, None).reached) == 2 * FEW
    made, ties = many(2 * FEW)
    for lacking in (d(3), d(2 * FEW)):
        known = {digest: names for digest, names in ties.items() if digest != lacking}
        tags, manifests = choose(made, {}, set(), {d(5)}, known, Sampling((), Random(0)))
        assert (tags, manifests.reached) == (Looks(), (d(5),))


def test_one_in_67_shows_in_95_of_100_runs() -> None:
    """Also where what is lost has names that stand side by side, or at even distances."""
    count, runs = 2680, 300
    tags = [Tag(f"v{number:04}") for number in range(count)]
    draws = [{*of_tags(count, Sampling((), Random(seed))).sampled} for seed in range(runs)]
    for lost in ({*tags[:40]}, {*tags[::67]}):
        assert len(lost) == count // 67
        assert sum(not draw.isdisjoint(lost) for draw in draws) >= 0.93 * runs


def test_coverages_add_up() -> None:
    one, two = (
        Coverage(Looked(1, 2, 3, 4), Looked(5, 6, 7, 8)),
        Coverage(Looked(10, 20, 30, 40), Looked(50, 60, 70, 80)),
    )
    both = one + two
    assert both == Coverage(Looked(11, 22, 33, 44), Looked(55, 66, 77, 88))
    assert (both.looked_at, both.left_out) == (22 + 33 + 66 + 77, 11 + 11)
