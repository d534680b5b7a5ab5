"""What was there before the run beside what is there after its undo."""

import hashlib

import msgspec
import pytest

from holystone.engine.model.manifests import OCI_MANIFEST, RawManifest
from holystone.engine.model.outcomes import Failed
from holystone.engine.model.plan import Kept
from holystone.engine.model.reasons import Unreadable
from holystone.engine.model.references import Digest, Tag
from holystone.engine.undo.putting import There, moved, same_bytes, seen
from holystone.engine.undo.results import (
    AlreadyThere,
    BlobsGone,
    Moved,
    OtherDigest,
    Restored,
    TakenMeanwhile,
    UndoOutcome,
    is_back,
)
from holystone.engine.undo.taken import Taken
from tests.support.manifest_graphs import d
from tests.support.memory_registry import repository
from tests.support.small_plans import repository_plan

A, B, C = Tag("a"), Tag("b"), Tag("c")


def taken(manifests: set[Digest], tags: dict[Tag, Digest]) -> Taken:
    return Taken(frozenset(manifests), tags, {}, frozenset(), ())


def test_what_the_run_has_found_lost_itself_is_nobody_elses_move() -> None:
    plan = repository_plan(repository(), kept={"a": d(1), "b": d(2), "c": d(3)}, needed=[d(4), d(5), d(6)])
    unread = Kept(Tag("unread"), None, (Unreadable("it was not looked at, either"),))
    plan = msgspec.structs.replace(plan, kept=(*plan.kept, unread))
    gone = taken({d(4)}, {A: d(1)})
    there = There({A: None, B: d(9), C: d(3)}, frozenset({d(3), d(5), d(9)}))
    assert moved(plan, gone, there) == (
        Moved(None, d(1), None),
        Moved(None, d(6), None),
        Moved(B, d(2), d(9)),
    )


@pytest.mark.parametrize(
    ("outcome", "now", "others", "after"),
    [
        (Restored(), d(1), (), Restored()),
        (AlreadyThere(), d(1), (), AlreadyThere()),
        (Restored(), None, (), Failed("it was put back, and is not there a moment later")),
        (Restored(), d(2), (d(2), d(3)), OtherDigest(d(2))),
        (AlreadyThere(), d(2), (d(3),), TakenMeanwhile(d(2))),
        (BlobsGone("x"), None, (), BlobsGone("x")),
        (TakenMeanwhile(d(2)), d(3), (), TakenMeanwhile(d(2))),
    ],
)
def test_what_came_of_it_when_it_is_looked_at_once_more(
    outcome: UndoOutcome, now: Digest | None, others: tuple[Digest, ...], after: UndoOutcome
) -> None:
    assert seen(outcome, d(1), now, others) == after
    assert is_back(outcome) is isinstance(outcome, Restored | AlreadyThere)


def test_the_same_bytes_by_both_algorithms() -> None:
    body = b"{}"
    digests = {Digest(f"{name}:{hashlib.new(name, body).hexdigest()}") for name in ("sha256", "sha512")}
    assert same_bytes(RawManifest(d(1), OCI_MANIFEST, body)) == digests
