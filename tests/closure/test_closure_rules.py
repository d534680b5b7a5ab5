import random

import pytest

from holystone.engine.closure.close import close, needed_to_decide
from holystone.engine.model.capabilities import Cascade
from holystone.engine.model.manifests import OCI_MANIFEST, Manifest
from holystone.engine.model.reasons import ChildOf, NotJudged, NoVerdict, ReferrerOf, Tagged, Unreadable
from holystone.engine.model.references import Digest, Tag
from holystone.engine.model.verdicts import Delete, Keep
from tests.support.gentle import gentle
from tests.support.manifest_graphs import DELETE, KEEP, d, doom, fallback, image, index, repository

SUFFIXES = ["", ".sig", ".att", ".sbom"]


def test_a_tag_that_nobody_judged_is_kept_and_says_so() -> None:
    closed = close(repository([image(1)], {"a": 1}), {})
    assert closed.verdicts == {"a": Keep((NotJudged(),))}
    assert closed.kept == {d(1): Tagged(Tag("a"))}
    assert closed.levels == ()


def test_a_keep_verdict_keeps_its_reasons() -> None:
    assert close(repository([image(1)], {"a": 1}), {Tag("a"): KEEP}).verdicts == {"a": KEEP}


def test_a_manifest_with_a_kept_and_a_doomed_tag_stays_and_the_doomed_tag_stays_doomed() -> None:
    closed = close(repository([image(1)], {"old": 1, "new": 1}), doom("old"))
    assert closed.verdicts[Tag("old")] == DELETE
    assert d(1) in closed.kept
    assert closed.doomed == {}


def test_children_of_nested_indexes_go_after_their_parents() -> None:
    closed = close(repository([index(1, 2), index(2, 3), image(3)], {"a": 1}), doom("a"))
    assert closed.levels == ((d(1),), (d(2),), (d(3),))
    assert closed.doomed[d(3)] == ChildOf(d(2))


def test_a_child_shared_with_a_kept_index_stays() -> None:
    closed = close(repository([index(1, 3, 4), index(2, 4), image(3), image(4)], {"a": 1, "b": 2}), doom("a"))
    assert closed.levels == ((d(1),), (d(3),))
    assert closed.kept[d(4)] == ChildOf(d(2))


def test_an_untagged_manifest_that_nothing_doomed_holds_is_left_alone() -> None:
    closed = close(repository([image(1), image(2)], {"a": 1}), doom("a"))
    assert d(2) not in closed.doomed


def test_a_missing_child_of_a_doomed_index_is_not_planned() -> None:
    assert close(repository([index(1, 2)], {"a": 1}), doom("a")).levels == ((d(1),),)


def test_a_missing_child_of_a_kept_index_is_kept_by_digest_with_what_refers_to_it() -> None:
    snapshot = repository([index(1, 9), image(2, subject=9), index(3, 9, 2)], {"a": 1, "b": 3})
    closed = close(snapshot, doom("b"))
    assert closed.kept[d(9)] == ChildOf(d(1))
    assert closed.levels == ((d(3),),)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_attached_tag_goes_after_its_doomed_subject(suffix: str) -> None:
    tag = fallback(1, suffix)
    closed = close(repository([image(1), image(2)], {"a": 1, tag: 2}), doom("a") | {tag: KEEP})
    assert closed.verdicts[tag] == Delete((ReferrerOf(d(1)),))
    assert closed.levels == ((d(1),), (d(2),))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_attached_tag_stays_with_its_kept_subject_whatever_a_policy_says(suffix: str) -> None:
    tag = fallback(1, suffix)
    closed = close(repository([image(1), image(2)], {"a": 1, tag: 2}), doom(tag))
    assert closed.verdicts[tag] == Keep((ReferrerOf(d(1)),))
    assert d(2) in closed.kept


def test_an_attached_tag_of_an_unknown_subject_is_foreign() -> None:
    tag = fallback(9, ".sig")
    assert close(repository([image(2)], {tag: 2}), doom(tag)).verdicts[tag] == Keep((NoVerdict(),))


def test_what_an_orphaned_fallback_index_lists_stays() -> None:
    closed = close(repository([index(1, 2), image(2)], {fallback(9): 1, "a": 2}), doom("a"))
    assert closed.levels == ()
    assert closed.kept[d(2)] == ChildOf(d(1))


def test_signatures_of_signatures_share_the_fate_of_the_first_subject() -> None:
    snapshot = repository([image(1), image(2), image(3)], {"a": 1, fallback(1, ".sig"): 2, fallback(2, ".sig"): 3})
    assert close(snapshot, doom("a")).levels == ((d(1),), (d(2),), (d(3),))
    assert close(snapshot, {}).kept.keys() == {d(1), d(2), d(3)}


def test_a_sha512_subject_is_found_by_the_cut_fallback_tag() -> None:
    digest = Digest.parse("sha512:" + "ab" * 64)
    snapshot = repository([image(2), Manifest(digest, OCI_MANIFEST, 1)], {"sha512-" + "ab" * 32: 2})
    snapshot.tags[Tag("a")] = digest  # type: ignore[index]
    assert close(snapshot, doom("a")).levels == ((digest,), (d(2),))


def test_order_is_subject_then_fallback_index_then_the_referrers_it_lists() -> None:
    snapshot = repository([image(1), index(2, 3), image(3, subject=1)], {"a": 1, fallback(1): 2})
    assert close(snapshot, doom("a")).levels == ((d(1),), (d(2),), (d(3),))


def test_referrers_of_a_kept_manifest_stay_even_below_a_doomed_index() -> None:
    snapshot = repository([image(1), image(2, subject=1), index(3, 2)], {"a": 1, "b": 3})
    closed = close(snapshot, doom("b"))
    assert closed.levels == ((d(3),),)
    assert closed.kept[d(2)] == ReferrerOf(d(1))


def test_a_kept_artifact_does_not_keep_its_doomed_subject() -> None:
    closed = close(repository([image(1), image(2, subject=1)], {"a": 1, "sbom": 2}), doom("a"))
    assert closed.levels == ((d(1),),)
    assert closed.kept.keys() == {d(2)}


def test_a_broken_tag_is_kept_with_what_is_wrong_and_its_manifest_too() -> None:
    snapshot = repository([image(1)], {"a": 1}, {"a": "no configuration", "b": "no manifest"})
    closed = close(snapshot, doom("a", "b"))
    assert closed.verdicts == {"a": Keep((Unreadable("no configuration"),)), "b": Keep((Unreadable("no manifest"),))}
    assert d(1) in closed.kept


def test_a_signature_that_could_not_be_read_stays_though_its_subject_goes() -> None:
    snapshot = repository(
        [image(1), image(2)], {"a": 1, fallback(1, ".sig"): 2}, {fallback(1, ".sig"): "no configuration"}
    )
    closed = close(snapshot, doom("a"))
    assert closed.verdicts[fallback(1, ".sig")] == Keep((Unreadable("no configuration"),))
    assert closed.levels == ((d(1),),)
    assert d(2) in closed.kept


def test_a_signature_whose_manifest_was_not_read_stays_though_its_subject_goes() -> None:
    tag = fallback(1, ".sig")
    closed = close(repository([image(1)], {"a": 1, tag: 9}), doom("a", tag))
    assert closed.verdicts[tag] == Keep((Unreadable("the manifest was not read"),))
    assert d(9) in closed.kept


def test_a_tag_whose_manifest_was_not_read_is_kept() -> None:
    closed = close(repository([], {"a": 1}), doom("a"))
    assert isinstance(closed.verdicts[Tag("a")], Keep)
    assert d(1) in closed.kept


def test_a_manifest_that_is_its_own_signature_is_nobodys_candidate() -> None:
    tag = fallback(1)
    assert close(repository([image(1)], {tag: 1}), doom(tag)).levels == ()


def test_an_index_goes_before_its_child_even_if_the_child_is_its_subject() -> None:
    closed = close(repository([index(1, 2, subject=2), image(2), image(3, subject=2)], {"a": 1}), doom("a"))
    assert closed.levels == ((d(1),), (d(2),), (d(3),))


def test_a_cycle_ends_in_one_level_between_what_leads_to_it_and_what_follows() -> None:
    snapshot = repository([index(5, 1), index(1, 2), index(2, 1, 3), image(3)], {"a": 5})
    assert close(snapshot, doom("a")).levels == ((d(5),), (d(1), d(2)), (d(3),))


def test_in_a_cycle_of_three_an_index_still_goes_before_its_child() -> None:
    snapshot = repository([image(1), image(2, subject=1), index(3, 1, subject=2)], {"a": 3})
    assert close(snapshot, doom("a")).levels == ((d(2), d(3)), (d(1),))


def test_in_a_cycle_by_the_name_of_a_tag_a_subject_still_goes_before_its_referrer() -> None:
    snapshot = repository([image(1), image(2, subject=1)], {"a": 1, fallback(2): 1})
    assert close(snapshot, doom("a")).levels == ((d(1),), (d(2),))


def test_verdicts_on_tags_that_do_not_exist_change_nothing() -> None:
    assert close(repository([], {}), doom("a")).verdicts == {}


def test_referrers_of_doomed_manifests_are_asked_for_until_none_is_new() -> None:
    hidden = [image(2, subject=1), index(3, 4, subject=2), image(4)]
    manifests = [image(1)]
    asked: set[Digest] = set()
    rounds = 0
    while needed := needed_to_decide(closed := close(repository(manifests, {"a": 1}), doom("a")), asked):
        asked |= set(needed)
        manifests += [each for each in hidden if each.subject in needed or (each.digest == d(4) and d(2) in needed)]
        rounds += 1
    assert closed.levels == ((d(1),), (d(2),), (d(3),), (d(4),))
    assert rounds == 3
    assert needed_to_decide(close(repository([image(1)], {"a": 1}), {}), ()) == ()


def test_a_long_chain_needs_no_recursion() -> None:
    count = 5_000
    manifests = [index(number, number + 1) for number in range(count)]
    random.Random(1).shuffle(manifests)
    assert len(close(repository(manifests, {"a": 0}), doom("a")).levels) == count


@pytest.mark.parametrize(
    ("takes_children", "levels"),
    [(True, ((d(1),), (d(4),), (d(3),), (d(2),))), (False, ((d(1), d(4)), (d(3),), (d(2),)))],
)
def test_what_would_take_a_referrer_of_a_child_along_goes_after_the_index(
    takes_children: bool, levels: tuple[tuple[Digest, ...], ...]
) -> None:
    """The index over its subject, too, where an index takes its children along."""
    snapshot = repository([index(1, 2), image(2, subject=3), image(3), index(4, 3)], {"a": 1, "b": 4})
    can = gentle("toy", cascade=Cascade(referrers=True, children=takes_children))
    assert close(snapshot, doom("a", "b"), can).levels == levels


def test_what_would_take_a_referrer_of_a_child_along_through_any_number_of_subjects_goes_after_the_index() -> None:
    chain = [index(1, 2), image(2, subject=3), image(3, subject=4), image(4, subject=5), image(5)]
    can = gentle("toy", cascade=Cascade(referrers=True))
    closed = close(repository(chain, {"a": 1, "b": 5}), doom("a", "b"), can)
    assert closed.levels == ((d(1),), (d(5),), (d(4),), (d(3),), (d(2),))
