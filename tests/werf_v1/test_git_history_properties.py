"""The decisions against a slow restatement of the rules, on random histories."""

import random
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from holystone.engine.model.history import GitReference
from holystone.engine.model.references import Commit, Tag
from holystone.engine.model.verdicts import Keep
from holystone.policies.git_references import SelectedReference, heads_to_ask
from holystone.policies.go_duration import SECOND
from holystone.policies.keep_policies import Limit
from holystone.policies.werf.v1.git_history import commits_to_ask, decide_images
from holystone.policies.werf.v1.project import ImageTag, MetadataRecord
from tests.support.commit_graph import CommitGraph
from tests.support.image_values import commit_id, image_tag, metadata_record

NOW = 100


@dataclass(frozen=True)
class World:
    graph: CommitGraph
    selected: tuple[SelectedReference, ...]
    records: tuple[MetadataRecord, ...]
    tags: tuple[ImageTag, ...]
    v1_2: bool


LIMITS = st.none() | st.builds(
    Limit,
    last=st.none() | st.integers(-1, 3),
    within=st.none() | st.integers(0, 100).map(lambda seconds: seconds * SECOND),
    operator=st.sampled_from(["And", "Or"]),
)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    commits = [commit_id(str(number)) for number in range(draw(st.integers(1, 8)))]
    parents = {
        commit: draw(st.lists(st.sampled_from(commits[:number]), max_size=2, unique=True)) if number else []
        for number, commit in enumerate(commits)
    }
    # Times repeat, and need not follow the parents: clocks are wrong now and then.
    graph = CommitGraph(parents, {commit: draw(st.integers(1, 99)) for commit in commits})
    selected = []
    for number in range(draw(st.integers(0, 4))):
        commit = draw(st.sampled_from(commits))
        reference = GitReference(draw(st.sampled_from(["branch", "tag"])), f"r{number}", commit, graph.times[commit])
        selected.append(SelectedReference(reference, draw(LIMITS), draw(st.integers(1, 3))))
    recorded = draw(st.lists(st.sampled_from([*commits, *(commit_id(f"gone {n}") for n in range(3))]), unique=True))
    records = [metadata_record(commit, draw(st.sampled_from("abcde"))) for commit in recorded]
    signatures = draw(st.lists(st.sampled_from([None, *"abcdef"]), max_size=7))
    tags = [image_tag(f"t{number}", signature) for number, signature in enumerate(signatures)]
    return World(graph, tuple(selected), tuple(records), tuple(tags), draw(st.booleans()))


def newest(world: World, each: SelectedReference, signature: str | None) -> tuple[int, bool, Commit] | None:
    """Time, whether it is the reference's own commit, and commit."""
    reference, graph = each.reference, world.graph
    reachable = graph.reachable(reference.commit) if reference.kind == "branch" else {reference.commit}
    heads = {one.reference.commit for one in world.selected if one.reference.kind == "branch"}
    candidates = [r.commit for r in world.records if r.signature == signature and r.commit in reachable]
    if not candidates:
        return None
    commit = min(candidates, key=lambda commit: (-graph.times[commit], commit not in heads, commit))
    return graph.times[commit], commit == reference.commit, commit


def restated(world: World) -> tuple[set[Tag], set[Tag]]:
    """Tags and records that stay."""
    signed = {tag.signature for tag in world.tags} & {record.signature for record in world.records}
    keeps: dict[str, set[Commit]] = {}
    for each in world.selected:
        dated = [(found, name) for name in signed if name and (found := newest(world, each, name))]
        ordered = sorted(dated, key=lambda one: (-one[0][0], not one[0][1], one[1]))
        for place, ((time, _, commit), name) in enumerate(ordered):
            limit = each.images_per_reference or Limit()
            tests = []
            if limit.last is not None:
                tests.append(limit.last == -1 or place < limit.last)
            if limit.within is not None:
                tests.append(time * SECOND > NOW * SECOND - limit.within)
            if all(tests) if limit.operator == "And" else any(tests) or not tests:
                keeps.setdefault(name, set()).add(commit)
    stays = {
        tag.reference.tag
        for tag in world.tags
        if tag.signature in keeps or (tag.signature not in signed and not world.v1_2)
    }
    remaining = {tag.signature for tag in world.tags if tag.reference.tag in stays}
    records = {
        record.tag
        for record in world.records
        if record.signature in remaining
        and (record.commit not in world.graph.times or record.commit in keeps[record.signature or ""])
    }
    return stays, records


@settings(max_examples=200, deadline=None)
@given(worlds(), st.integers())
def test_decides_as_restated_in_any_order_of_reading(world: World, seed: int) -> None:
    history = world.graph.history(heads_to_ask(world.selected), commits_to_ask(world.records))
    decision = decide_images(world.tags, world.records, history, world.selected, v1_2=world.v1_2, now=NOW)
    stays, records = restated(world)
    assert {tag for tag, verdict in decision.tags.items() if isinstance(verdict, Keep)} == stays
    assert {tag for tag, verdict in decision.metadata.items() if isinstance(verdict, Keep)} == records
    assert len(decision.tags) == len(world.tags)
    assert len(decision.metadata) == len(world.records)

    order = random.Random(seed)
    again = decide_images(
        order.sample(world.tags, len(world.tags)),
        order.sample(world.records, len(world.records)),
        history,
        order.sample(world.selected, len(world.selected)),
        v1_2=world.v1_2,
        now=NOW,
    )
    assert again == decision
    assert list(again.tags) == list(decision.tags) == sorted(decision.tags)
    assert list(again.metadata) == list(decision.metadata) == sorted(decision.metadata)


@settings(max_examples=150, deadline=None)
@given(worlds(), st.data())
def test_a_shallow_clone_deletes_nothing_that_the_whole_one_keeps(world: World, data: st.DataObject) -> None:
    """Cutting the history anywhere may only keep more."""
    history = world.graph.history(heads_to_ask(world.selected), commits_to_ask(world.records))
    whole = decide_images(world.tags, world.records, history, world.selected, v1_2=world.v1_2, now=NOW)
    cut = data.draw(st.sets(st.sampled_from(sorted(world.graph.times))))
    parents = {commit: [] if commit in cut else found for commit, found in world.graph.parents.items()}
    present: set[Commit] = set()
    for each in world.selected:
        present |= CommitGraph(parents, {}).reachable(each.reference.commit)
    clone = CommitGraph(parents, {commit: world.graph.times[commit] for commit in present})
    seen = clone.history(heads_to_ask(world.selected), commits_to_ask(world.records), complete=False)
    shallow = decide_images(world.tags, world.records, seen, world.selected, v1_2=world.v1_2, now=NOW)
    for tag, verdict in whole.tags.items():
        if isinstance(verdict, Keep):
            assert isinstance(shallow.tags[tag], Keep)
    for tag, verdict in whole.metadata.items():
        if isinstance(verdict, Keep):
            assert isinstance(shallow.metadata[tag], Keep)
