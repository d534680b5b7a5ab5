"""The proof by itself: plans that take too much, for each thing that something needs and each manner of a registry."""

from typing import Any

import msgspec
import pytest

from holystone.engine.model.capabilities import (
    GENTLE,
    Capabilities,
    Cascade,
    DigestDeletion,
    Fate,
    LastTag,
    TagDeletion,
)
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.manifests import OCI_MANIFEST, Manifest
from holystone.engine.model.plan import How, Kept, Pass, Remove, RepositoryPlan, Untag
from holystone.engine.model.reasons import ManifestReason, ReferrersUnknown
from holystone.engine.model.references import Digest, Tag
from holystone.engine.planner.check import check_plan
from tests.support.manifest_graphs import DELETE, REPOSITORY, d, fallback, image, index, repository

A, B, SIGNATURE = Tag("a"), Tag("b"), fallback(1, ".sig")


def remove(number: int, *tags: str) -> Remove:
    return Remove(d(number), "", 0, tuple(map(Tag, tags)), DELETE.reasons)


def untag(tag: str, number: int, how: How = "delete") -> Untag:
    return Untag(Tag(tag), d(number), how, DELETE.reasons)


def found(
    snapshot: RepositorySnapshot,
    *steps: Untag | Remove,
    kept: str = "",
    can: Capabilities = GENTLE,
    listed: tuple[int, ...] | None = None,
    **more: Any,
) -> list[str]:
    """What is wrong with the plan that does these steps and keeps these tags, listing all that it does not remove."""
    gone = {step.digest for step in steps if isinstance(step, Remove)}
    stays = sorted(snapshot.manifests.keys() - gone) if listed is None else map(d, listed)
    needed: dict[Digest, ManifestReason] = dict.fromkeys(stays, ReferrersUnknown())
    tags = tuple(Kept(Tag(tag), snapshot.tags.get(Tag(tag)), ()) for tag in kept.split())
    marks = more.pop("planned", {})
    plan = RepositoryPlan(REPOSITORY, "toy", (Pass("manifests", steps),), tags, needed, marks=marks)
    return [*check_plan(snapshot, plan, can, **more)]


def needed(number: int, user: str) -> list[str]:
    return sorted(
        [
            f"manifest {d(number)} would be deleted, but {user} needs it",
            f"manifest {d(number)} is not listed as kept, but {user} needs it",
        ]
    )


TWO = repository([image(1), image(2)], {"a": 1, "b": 2})


def test_a_good_plan_and_nothing_at_all() -> None:
    assert found(TWO, remove(1, "a"), kept="b") == []
    assert found(TWO, untag("a", 1), kept="b") == []
    assert found(TWO, kept="a b") == []


def test_each_thing_that_something_which_stays_needs() -> None:
    listing = msgspec.structs.replace(index(1, 3), blobs=(d(4),))
    manifests = [listing, image(3), image(4), image(5, subject=1), image(6, subject=3)]
    snapshot = repository(manifests, {"a": 1})
    for number in (3, 4, 5, 6):
        assert found(snapshot, remove(number), kept="a") == needed(number, "tag a"), number


def test_a_need_that_is_met_twice_hides_none() -> None:
    snapshot = repository([index(1, 4, 2, 2), image(2), image(4)], {"a": 1})
    assert found(snapshot, remove(4), kept="a") == needed(4, "tag a")


@pytest.mark.parametrize("suffix", ["", ".sig", ".att", ".sbom"])
def test_what_a_manifest_that_stays_has_by_the_name_of_a_tag(suffix: str) -> None:
    tag = fallback(1, suffix)
    snapshot = repository([image(1), image(2)], {"a": 1, tag: 2})
    assert found(snapshot, remove(2, tag), kept="a") == sorted(
        [*needed(2, "tag a"), f"tag {tag} would be lost, but the manifest it belongs to stays for tag a"]
    )
    assert found(snapshot, remove(1, "a"), remove(2, tag)) == []


def test_a_signature_of_a_sha512_manifest_is_known_by_the_first_64_digits() -> None:
    subject = Manifest(Digest.parse(f"sha512:{7:0128x}"), OCI_MANIFEST, 10)
    tag = Tag(f"sha512-{0:064x}.sig")
    snapshot = repository([image(2)], {"b": 2, tag: 2})
    snapshot = msgspec.structs.replace(
        snapshot,
        tags={**snapshot.tags, A: subject.digest},
        manifests={**snapshot.manifests, subject.digest: subject},
    )
    assert found(snapshot, untag(tag, 2), kept="a b") == [
        f"tag {tag} would be lost, but the manifest it belongs to stays for tag a"
    ]


def test_what_could_not_be_understood_needs_what_it_may_need() -> None:
    snapshot = repository([index(1, 2), image(2), image(3)], {"a": 1, "b": 3})
    odd = msgspec.structs.replace(snapshot, odd={"two words": d(1), "nothing": None})
    assert found(odd, remove(1, "a"), kept="b") == needed(1, "the name 'two words'")
    assert found(odd, remove(2), untag("a", 1), kept="b") == needed(2, "the name 'two words'")
    held = msgspec.structs.replace(snapshot, held={d(1): "500"})
    assert found(held, remove(1, "a"), kept="b") == needed(1, "what refers to it")
    unclear = msgspec.structs.replace(snapshot, held={d(9): "500"}, unclear={d(9): (d(1),)})
    assert found(unclear, remove(1, "a"), kept="b") == needed(1, "what refers to it")
    unread = msgspec.structs.replace(snapshot, unread={Tag("v"): "500", Tag("u"): "500"})
    assert found(unread, remove(1, "a"), kept="b") == needed(1, "u, which was not read")


def test_a_tag_that_was_not_read_as_the_plan_says_does_not_go() -> None:
    broken = repository([image(1)], {"a": 1}, {"a": "no configuration"})
    said = f"tag a would be deleted, but it was not read as pointing to {d(1)}"
    assert found(broken, remove(1, "a")) == [said]
    assert found(broken, untag("a", 1)) == [said]
    assert found(TWO, untag("a", 2), kept="b") == [said.replace(d(1), d(2))]


def test_a_kept_tag_that_is_not_there_is_not_lost() -> None:
    snapshot = repository([image(1)], {"a": 1}, {"lost": "no manifest"})
    assert found(snapshot, remove(1, "a"), kept="lost") == []


@pytest.mark.parametrize(
    ("steps", "planned", "said"),
    [
        ((untag("b", 2),), {}, "tag b would be lost, but a, which it marks, stays"),
        ((untag("b", 2), untag("a", 1)), {}, "tag b could be lost before a, which it marks"),
        ((untag("b", 2), untag("a", 1)), {B: Tag("c")}, "tag b could be lost before a, which it marks"),
        ((untag("a", 1), untag("b", 2)), {B: A}, None),
        ((untag("a", 1),), {}, None),
    ],
)
def test_a_mark_goes_after_what_it_marks(steps: tuple[Untag, ...], planned: dict[Tag, Tag], said: str | None) -> None:
    kept = " ".join(sorted({"a", "b"} - {step.tag for step in steps}))
    assert found(TWO, *steps, kept=kept, marks={B: A}, planned=planned) == ([said] if said else [])


def test_a_mark_of_what_could_not_be_read_stays_and_one_of_what_is_not_there_may_go() -> None:
    snapshot = repository([image(2)], {"b": 2}, {"a": "no manifest"})
    assert found(snapshot, untag("b", 2), kept="a", marks={B: A}) == [
        "tag b would be lost, but a, which it marks, stays"
    ]
    assert found(repository([image(2)], {"b": 2}), untag("b", 2), marks={B: A}) == []


def test_a_mark_that_was_not_there_is_not_lost() -> None:
    assert found(repository([image(1)], {"a": 1}), kept="a", marks={B: A}) == []


def can(**more: Any) -> Capabilities:
    return msgspec.structs.replace(GENTLE, **more)


SHARED = repository([image(1)], {"a": 1, "b": 1})
PART = repository([index(1, 2), image(2)], {"index": 1, "a": 2})
LOST_B = ["kept tag b would be lost", *needed(1, "tag b")[:1]]


def test_a_deletion_by_name_that_takes_its_siblings_along() -> None:
    careless = can(tags=TagDeletion())
    assert found(SHARED, untag("a", 1), kept="b") == []
    assert "kept tag b would be lost" in found(SHARED, untag("a", 1), kept="b", can=careless)
    assert found(SHARED, untag("a", 1, "tombstone"), kept="b", can=careless) == []
    assert found(SHARED, untag("a", 1, "tombstone"), kept="b", can=can(digests=None)) == []


def by_name(fate: Fate, *, takes_attached: bool = False) -> Capabilities:
    return can(tags=TagDeletion(LastTag(fate, takes_attached=takes_attached)))


def overwritten(fate: Fate) -> Capabilities:
    return can(tags=TagDeletion(), digests=DigestDeletion(tombstones=LastTag(fate, takes_attached=False)))


def lost(manners: Capabilities, how: How, snapshot: RepositorySnapshot = PART) -> bool:
    """Whether the child of an index that stays goes with its last tag."""
    said = found(snapshot, untag("a", 2, how), kept="index", can=manners)
    assert said in ([], [f"manifest {d(2)} would be deleted, but tag index needs it"])
    return bool(said)


def test_what_becomes_of_a_manifest_whose_last_tag_goes() -> None:
    assert not lost(by_name("stays"), "delete")
    assert lost(by_name("may-go"), "delete")
    assert not lost(by_name("goes-unlisted"), "delete")
    assert lost(by_name("may-go"), "anchor")
    assert not lost(by_name("goes-unanchored"), "anchor")
    assert lost(by_name("goes-unanchored"), "delete")
    assert not lost(overwritten("stays"), "tombstone")
    assert not lost(overwritten("goes-unlisted"), "tombstone")
    assert lost(overwritten("goes-unanchored"), "tombstone")
    assert lost(overwritten("may-go"), "tombstone")


def test_what_a_registry_cannot_do_is_taken_to_do_the_worst() -> None:
    for way in (can(digests=DigestDeletion()), can(digests=None)):
        assert lost(way, "tombstone")
    assert lost(can(tags=None), "delete")
    assert lost(can(tags=None), "anchor")


def test_a_referrer_that_no_index_lists_lives_by_its_tag_only_where_it_says_so() -> None:
    snapshot = repository([image(1), image(2, subject=1)], {"index": 1, "a": 2})
    assert lost(by_name("goes-unlisted"), "delete", snapshot)
    assert not lost(by_name("stays"), "delete", snapshot)


def test_what_is_attached_by_its_name_goes_with_the_last_tag_unless_it_is_locked() -> None:
    snapshot = repository([index(1, 2), image(2), image(3)], {"index": 1, "a": 2, fallback(2, ".sig"): 3})
    steps, kept, takes = untag("a", 2), f"index {fallback(2, '.sig')}", by_name("stays", takes_attached=True)
    assert found(snapshot, steps, kept=kept) == []
    assert f"kept tag {fallback(2, '.sig')} would be lost" in found(snapshot, steps, kept=kept, can=takes)
    locked = msgspec.structs.replace(snapshot, locked={fallback(2, ".sig"): "immutable"})
    assert found(locked, steps, kept=kept, can=takes) == []
    beside = repository([image(2), image(3)], {"a": 2, "b": 2, fallback(2, ".sig"): 3})
    assert found(beside, steps, kept=f"b {fallback(2, '.sig')}", can=takes) == []


def test_a_deletion_that_takes_referrers_along_and_theirs() -> None:
    snapshot = repository([image(1), image(2, subject=1), image(3, subject=2)], {"a": 1, "b": 3})
    takes = can(cascade=Cascade(referrers=True))
    assert found(snapshot, remove(1, "a"), kept="b") == []
    assert found(snapshot, remove(1, "a"), kept="b", can=takes) == [
        "kept tag b would be lost",
        f"manifest {d(3)} would be deleted, but tag b needs it",
    ]


@pytest.mark.parametrize(
    "manners", [can(cascade=Cascade(children=True)), by_name("goes-unlisted"), overwritten("goes-unlisted")]
)
def test_a_deletion_that_takes_children_along_but_not_those_with_a_tag_or_another_index(manners: Capabilities) -> None:
    """A referrer with a tag keeps its subject from nothing: it only says what it is about."""
    held = repository([index(1, 2), image(2)], {"a": 1})
    held = msgspec.structs.replace(held, odd={"two words": d(2)})
    assert found(held, remove(1, "a")) == []
    assert found(held, remove(1, "a"), can=manners) == [
        f"manifest {d(2)} would be deleted, but the name 'two words' needs it"
    ]
    tagged = repository([index(1, 2), image(2)], {"a": 1, "b": 2})
    assert found(tagged, remove(1, "a"), kept="b", can=manners) == []
    listed = repository([index(1, 2), index(3, 2), image(2)], {"a": 1, "b": 3})
    assert found(listed, remove(1, "a"), kept="b", can=manners) == []


def test_a_child_that_is_listed_twice_hides_none_that_goes_with_it() -> None:
    snapshot = msgspec.structs.replace(
        repository([index(1, 4, 2, 2), image(2), image(4)], {"a": 1}), odd={"two words": d(4)}
    )
    assert found(snapshot, remove(1, "a"), can=can(cascade=Cascade(children=True))) == [
        f"manifest {d(4)} would be deleted, but the name 'two words' needs it"
    ]


def test_what_is_gone_already_goes_once() -> None:
    listing = repository([index(1, 2), image(2)], {"a": 1})
    assert found(listing, remove(1, "a"), remove(2), can=can(cascade=Cascade(children=True))) == []
    said = found(SHARED, remove(1, "a"), untag("b", 1))
    assert said == []


def test_a_tag_on_what_could_not_be_read_may_go_by_its_name() -> None:
    snapshot = repository([image(1)], {"a": 1, "b": 9})
    assert found(snapshot, untag("b", 9), kept="a") == []
    read = f"manifest {d(9)} would be deleted without having been read"
    assert found(snapshot, remove(9, "b"), kept="a") == [read]
