"""What could not be read or understood holds all that it may need."""

from typing import Any

import msgspec
import pytest

from holystone.engine.closure.close import close
from holystone.engine.model.capabilities import GENTLE
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.reasons import (
    ChildOf,
    LockedBy,
    MayBeNeededBy,
    NotJudged,
    NoVerdict,
    ReferrerOf,
    ReferrersUnknown,
    Tagged,
    Unreadable,
)
from holystone.engine.model.references import Tag
from holystone.engine.model.verdicts import Delete, Keep, Verdict
from tests.support.manifest_graphs import DELETE, KEEP, d, doom, fallback, image, index, repository

A, B = Tag("a"), Tag("b")


def with_(snapshot: RepositorySnapshot, **more: Any) -> RepositorySnapshot:
    return msgspec.structs.replace(snapshot, **more)


def test_what_another_reader_may_see_in_a_manifest_that_nobody_understands_stays_with_what_it_lists() -> None:
    snapshot = with_(repository([index(1, 2), image(2), image(4)], {"a": 1, "b": 4}), unclear={d(3): (d(1),)})
    closed = close(snapshot, doom("a", "b"))
    assert closed.kept == {d(1): ChildOf(d(3)), d(2): ChildOf(d(1))}
    assert closed.levels == ((d(4),),)
    assert closed.verdicts[A] == DELETE  # its name may go


def test_what_a_name_that_is_no_tag_stands_for_stays_with_what_it_lists() -> None:
    odd = {"two words": d(1), "nothing": None}
    closed = close(with_(repository([index(1, 2), image(2), image(4)], {"a": 1, "b": 4}), odd=odd), doom("a", "b"))
    assert closed.kept == {d(1): MayBeNeededBy("two words"), d(2): ChildOf(d(1))}
    assert closed.levels == ((d(4),),)


def test_a_manifest_of_which_nobody_knows_what_refers_to_it_keeps_its_tag_and_all_it_lists() -> None:
    held = {d(1): "500", d(9): "500"}
    closed = close(with_(repository([index(1, 2), image(2), image(4)], {"a": 1, "b": 4}), held=held), doom("a", "b"))
    assert closed.verdicts[A] == Keep((ReferrersUnknown(),))
    assert closed.kept == {d(1): Tagged(A), d(2): ChildOf(d(1)), d(9): ReferrersUnknown()}
    assert closed.levels == ((d(4),),)


def test_an_untagged_one_of_which_nobody_knows_what_refers_to_it_stays_where_its_index_goes() -> None:
    closed = close(with_(repository([index(1, 2), image(2)], {"a": 1}), held={d(2): "500"}), doom("a"))
    assert closed.kept == {d(2): ReferrersUnknown()}
    assert closed.levels == ((d(1),),)


def test_while_one_manifest_cannot_be_read_nothing_goes_and_the_first_of_them_is_named() -> None:
    snapshot = repository([index(1, 2), image(2), image(3)], {"a": 1, "b": 2}, {"u": "500", "v": "500"})
    snapshot = with_(snapshot, unread={Tag("v"): "500", Tag("u"): "500"})
    closed = close(snapshot, doom("a", "b"))
    assert closed.verdicts[A] == closed.verdicts[B] == Keep((MayBeNeededBy("u"),))
    assert closed.levels == ()
    assert closed.doomed == {}
    assert closed.kept[d(3)] == MayBeNeededBy("u")  # it has no tag, and is on the list of what has to be there


def test_a_tag_that_a_policy_keeps_while_something_cannot_be_read_stays_for_the_policys_reason() -> None:
    snapshot = with_(repository([image(1)], {"a": 1}), unread={d(8): "500"})
    assert close(snapshot, {A: KEEP}).verdicts[A] == KEEP


def test_while_one_manifest_cannot_be_read_what_only_lost_its_tag_stays_too() -> None:
    """A signature is attached, so that no verdict of its own keeps it."""
    signature = fallback(1, ".sig")
    snapshot = with_(repository([image(1), image(2)], {"a": 1, signature: 2}), unread={d(8): "500"})
    closed = close(snapshot, doom("a", signature))
    assert closed.doomed == {}
    assert closed.kept.keys() == {d(1), d(2)}
    assert closed.verdicts[signature] == Keep((ReferrerOf(d(1)),))


def test_a_locked_tag_stays_with_its_manifest_whatever_a_policy_says() -> None:
    snapshot = with_(repository([image(1), image(2)], {"a": 1, "b": 2}), locked={A: "immutable"})
    closed = close(snapshot, doom("a", "b"))
    assert closed.verdicts == {A: Keep((LockedBy("immutable"),)), B: DELETE}
    assert closed.kept.keys() == {d(1)}


def test_a_broken_tag_is_kept_though_a_policy_dooms_it_and_it_is_locked() -> None:
    snapshot = with_(repository([image(1)], {"a": 1}, {"a": "no configuration"}), locked={A: "immutable"})
    assert close(snapshot, doom("a")).verdicts[A] == Keep((Unreadable("no configuration"),))


@pytest.mark.parametrize("verdict", [None, Keep(())])
def test_a_verdict_without_a_reason_is_none(verdict: Keep | None) -> None:
    verdicts = {A: verdict} if verdict else {}
    assert close(repository([image(1)], {"a": 1}), verdicts).verdicts[A] == Keep((NotJudged(),))


def test_of_several_indexes_that_protect_a_child_the_first_is_named() -> None:
    can = msgspec.structs.replace(GENTLE, protects_children=True)
    snapshot = repository([image(1), index(2, 1), index(3, 1)], {"a": 1})
    assert close(snapshot, doom("a"), can).kept[d(1)] == ChildOf(d(2))
    assert close(snapshot, doom("a")).kept == {}


@pytest.mark.parametrize(
    ("verdict", "final"),
    [
        (None, Keep((NotJudged(),))),
        (DELETE, Keep((NoVerdict(),))),
        (Keep(()), Keep((NoVerdict(),))),
        (KEEP, KEEP),
    ],
)
def test_a_signature_of_what_is_neither_kept_nor_doomed_stays_by_what_was_said_of_it(
    verdict: Verdict | None, final: Keep
) -> None:
    signature = fallback(1, ".sig")
    snapshot = repository([image(1), image(2), image(3)], {signature: 2, "a": 3})
    verdicts = {**doom("a"), **({signature: verdict} if verdict else {})}
    assert close(snapshot, verdicts).verdicts[signature] == final


def test_blobs_that_an_index_lists_stay_as_its_children_do() -> None:
    listing = msgspec.structs.replace(index(1, 2), blobs=(d(3),))
    snapshot = repository([listing, image(2), image(3)], {"keep": 1, "a": 3})
    closed = close(snapshot, doom("a"))
    assert closed.kept[d(3)] == ChildOf(d(1))
    assert closed.levels == ()
    assert isinstance(closed.verdicts[A], Delete)
