"""What holds for any repository, hostile ones included."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from holystone.engine.closure.close import close
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.reasons import NotJudged, ReferrerOf
from holystone.engine.model.references import Digest, Tag
from holystone.engine.model.verdicts import Delete, Keep, Verdict
from tests.support.manifest_graphs import repositories
from tests.support.toy_registry import needs

Case = tuple[RepositorySnapshot, dict[Tag, Verdict]]
some = settings(max_examples=80, deadline=None)


@some
@given(repositories())
def test_kept_is_exactly_what_the_kept_tags_need_and_doomed_is_apart(case: Case) -> None:
    snapshot, verdicts = case
    closed = close(snapshot, verdicts)
    kept = {tag for tag, verdict in closed.verdicts.items() if isinstance(verdict, Keep)}
    assert closed.kept.keys() == needs(snapshot, kept)
    assert not closed.kept.keys() & closed.doomed.keys()
    assert closed.doomed.keys() <= snapshot.manifests.keys()
    doomed_tags = closed.verdicts.keys() - kept
    assert closed.doomed.keys() == needs(snapshot, doomed_tags) & snapshot.manifests.keys() - closed.kept.keys()


@some
@given(repositories())
def test_every_tag_gets_one_verdict_and_no_policy_is_made_harsher_but_for_attached_tags(case: Case) -> None:
    snapshot, verdicts = case
    closed = close(snapshot, verdicts)
    assert closed.verdicts.keys() == snapshot.tags.keys() | snapshot.broken.keys()
    for tag, verdict in closed.verdicts.items():
        if not isinstance(verdict, Delete):
            assert verdict.reasons
        elif tag.startswith("sha256-"):
            [reason] = verdict.reasons
            assert isinstance(reason, ReferrerOf)
            assert reason.subject in closed.doomed
        else:
            assert verdict == verdicts[tag]


@some
@given(repositories())
def test_an_attached_tag_stays_while_its_subject_stays(case: Case) -> None:
    snapshot, verdicts = case
    closed = close(snapshot, verdicts)
    for tag in snapshot.tags:
        subject = Digest("sha256:" + tag[7:71])
        if tag.startswith("sha256-") and tag not in snapshot.broken and snapshot.tags[tag] in snapshot.manifests:
            verdict = closed.verdicts[tag]
            assert isinstance(verdict, Delete) == (subject in closed.doomed)
            if subject not in snapshot.manifests and tag not in verdicts:
                assert verdict == Keep((NotJudged(),))


@some
@given(repositories())
def test_levels_hold_every_doomed_manifest_once_and_in_order(case: Case) -> None:
    snapshot, verdicts = case
    closed = close(snapshot, verdicts)
    level = {digest: number for number, digests in enumerate(closed.levels) for digest in digests}
    assert sorted(digest for digests in closed.levels for digest in digests) == sorted(closed.doomed)
    assert all(closed.levels)
    after: dict[Digest, set[Digest]] = {}
    hard: dict[Digest, set[Digest]] = {}
    for digest in closed.doomed:
        hard[digest] = set(snapshot.manifests[digest].children) & closed.doomed.keys()
        after[digest] = hard[digest] | {
            each.digest
            for each in snapshot.manifests.values()
            if each.subject == digest and each.digest in closed.doomed
        }
        after[digest] |= {
            at
            for tag, at in snapshot.tags.items()
            if tag.startswith(f"sha256-{digest.hex}") and at in closed.doomed and tag not in snapshot.broken
        }
    for first, others in after.items():
        for other in others:
            if first not in _reachable(after, other):
                assert level[first] < level[other]
    for first, others in hard.items():
        for other in others:
            if first not in _reachable(hard, other):
                assert level[first] < level[other]


@some
@given(repositories(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_leaves_no_trace(case: Case, random: Random) -> None:
    snapshot, verdicts = case
    shuffled = RepositorySnapshot(
        snapshot.repository,
        dict(random.sample(list(snapshot.tags.items()), len(snapshot.tags))),
        snapshot.broken,
        dict(random.sample(list(snapshot.manifests.items()), len(snapshot.manifests))),
        {},
    )
    first, second = close(snapshot, verdicts), close(shuffled, dict(reversed(verdicts.items())))
    assert repr(first) == repr(second)


def _reachable(edges: dict[Digest, set[Digest]], start: Digest) -> set[Digest]:
    found, stack = {start}, [start]
    while stack:
        new = edges[stack.pop()] - found
        found |= new
        stack.extend(new)
    return found
