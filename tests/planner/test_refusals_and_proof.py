import tracemalloc

import msgspec
import pytest

from holystone.engine.closure.close import close
from holystone.engine.model.capabilities import Capabilities, TagDeletion
from holystone.engine.model.codec import from_json, to_json
from holystone.engine.model.notices import RegistryWarns, RepositoryAbsent
from holystone.engine.model.plan import Kept, Pass, PlanHead, Remove, RepositoryPlan, Untag
from holystone.engine.model.reasons import ReferrersUnknown
from holystone.engine.model.references import RegistryHost, RepositoryPath, Tag
from holystone.engine.model.refusals import CannotDelete, NumberExceeded, Refusal, ShareExceeded, Unconfirmed
from holystone.engine.planner.assemble import assemble
from holystone.engine.planner.check import check_plan
from holystone.engine.planner.facts import TagFacts
from holystone.engine.planner.refusals import FuseLimits, blow_fuse, refuse_if_disabled
from holystone.engine.planner.repository import plan_closed
from holystone.engine.report.refusal_words import refusal_words
from tests.support.gentle import gentle
from tests.support.manifest_graphs import DELETE, REPOSITORY, d, doom, fallback, image, index, repository

OFF = gentle("toy", forbidden="405: storage.delete.enabled is off")
A_NOTICE, Z = RegistryWarns(REPOSITORY, "a"), RepositoryAbsent(REPOSITORY)
ON = gentle("toy")


def cleanup(tags: int, doomed: int, can: Capabilities = ON) -> RepositoryPlan:
    names = [f"t{number}" for number in range(tags)]
    snapshot = repository([image(number) for number in range(tags)], {name: n for n, name in enumerate(names)})
    return plan_closed(snapshot, close(snapshot, doom(*names[:doomed])), can, TagFacts())


def test_deletion_switched_off_is_refused_and_still_shows_what_would_go() -> None:
    plan = cleanup(3, 2, OFF)
    assert len(plan.doomed_tags) == 2
    refusal = refuse_if_disabled(plan, OFF)
    assert refusal
    assert refusal.promise == "deletion-disabled"
    assert refusal.because == OFF.forbidden


def test_a_registry_with_no_way_to_delete_is_refused() -> None:
    can = gentle("toy", digests=None)
    plan = cleanup(3, 2, can)
    assert len(plan.doomed_tags) == 2
    refusal = refuse_if_disabled(plan, can)
    assert refusal
    assert refusal_words(refusal).why == "the registry deletes neither by tag nor by digest"


def test_one_way_to_delete_is_enough() -> None:
    for can in (ON, gentle("toy", tags=TagDeletion(), digests=None)):
        assert refuse_if_disabled(cleanup(3, 2, can), can) is None


def test_nothing_to_delete_is_not_refused() -> None:
    assert refuse_if_disabled(cleanup(3, 0, OFF), OFF) is None
    assert refuse_if_disabled(cleanup(3, 2), ON) is None


@pytest.mark.parametrize(
    ("tags", "doomed", "limits", "blown"),
    [
        (20, 16, FuseLimits(), False),
        (20, 17, FuseLimits(), True),
        (19, 19, FuseLimits(), False),
        (20, 17, FuseLimits(share=1), False),
        (19, 6, FuseLimits(number=5), True),
        (19, 5, FuseLimits(number=5), False),
        (1, 1, FuseLimits(number=0), True),
        (0, 0, FuseLimits(from_tags=0, number=0), False),
    ],
)
def test_fuse(tags: int, doomed: int, limits: FuseLimits, blown: bool) -> None:
    assert (blow_fuse(cleanup(tags, doomed), limits) is not None) == blown


def test_the_fuse_says_numbers_and_the_way_out() -> None:
    refusal = blow_fuse(cleanup(20, 17), FuseLimits())
    assert refusal
    words = refusal_words(refusal)
    assert words.why == "17 of 20 tags would be deleted, more than 80% of a repository of 20 tags or more"
    assert "--yes-delete-that-many" in words.what_to_do
    assert (refusal.promise, refusal.repository) == ("fuse", REPOSITORY)


def test_the_fuse_says_which_limit_is_exceeded() -> None:
    assert blow_fuse(cleanup(20, 17), FuseLimits()) == ShareExceeded(REPOSITORY, 17, 20, 0.8, 20)
    refusal = blow_fuse(cleanup(19, 6), FuseLimits(number=5))
    assert refusal == NumberExceeded(REPOSITORY, doomed=6, total=19, most=5)
    assert refusal_words(refusal).why == "6 of 19 tags would be deleted, more than the 5 that are allowed"


def test_plans_are_assembled_in_order() -> None:
    first = cleanup(2, 1)
    other = msgspec.structs.replace(REPOSITORY, path=RepositoryPath("team/zoo"))
    second = msgspec.structs.replace(first, repository=other)
    refusals: list[Refusal] = [CannotDelete(other, "b"), Unconfirmed("a"), CannotDelete(other, "b")]
    both = (first, second)
    one = assemble(as_of=1, command="c", repositories=both, notices=[Z, A_NOTICE, Z], refusals=refusals)
    two = assemble(as_of=1, command="c", repositories=both, notices=[A_NOTICE, Z], refusals=refusals[1::-1])
    assert to_json(one) == to_json(two)
    assert one.notices == (A_NOTICE, Z)
    assert [each.repository for each in one.refusals] == [None, other]
    assert from_json(to_json(one.head), PlanHead) == one.head
    with pytest.raises(ValueError, match="in order of their names"):
        assemble(as_of=1, command="c", repositories=[second, first])


def test_refusals_stand_in_the_order_of_repositories_and_first_those_of_none() -> None:
    numbers = msgspec.structs.replace(REPOSITORY, host=RegistryHost("127.0.0.1:5000"))
    zoo = msgspec.structs.replace(REPOSITORY, path=RepositoryPath("team/zoo"))
    refusals: list[Refusal] = [
        CannotDelete(zoo, "a"),
        CannotDelete(REPOSITORY, "b"),
        CannotDelete(numbers, "c"),
        Unconfirmed("d"),
    ]
    made = assemble(as_of=1, command="c", repositories=[], refusals=refusals)
    assert [each.repository for each in made.refusals] == [None, numbers, REPOSITORY, zoo]


BASE = RepositoryPlan(REPOSITORY, "toy", (), (), {})
A, B = Tag("a"), Tag("b")


def check(manifests: list[object], tags: dict[str, int], *steps: Untag | Remove, kept: str = "", of: int = 0) -> str:
    snapshot = repository(manifests, tags)  # type: ignore[arg-type]
    plan = msgspec.structs.replace(
        BASE,
        passes=(Pass("manifests", steps),),
        kept=tuple(Kept(Tag(tag), snapshot.tags.get(Tag(tag)), ()) for tag in kept.split()),
        kept_manifests=dict.fromkeys([d(of)] if of else snapshot.manifests, ReferrersUnknown()),
    )
    return "\n".join(check_plan(snapshot, plan))


def gone(number: int, *tags: Tag) -> Remove:
    return Remove(d(number), "", 0, tags, DELETE.reasons)


def test_the_proof_accepts_a_good_plan() -> None:
    assert check([image(1), image(2)], {"a": 1, "b": 2}, gone(1, A), kept="b") == ""


def test_the_proof_finds_a_kept_sibling() -> None:
    assert "kept tag b would be lost" in check([image(1)], {"a": 1, "b": 1}, gone(1, A), kept="b")


def test_an_untag_before_leaves_the_sibling_to_the_digest_delete() -> None:
    found = check([image(1)], {"a": 1, "b": 1}, Untag(A, d(1), "delete", ()), kept="b")
    assert found == ""


def test_the_proof_finds_a_nested_child() -> None:
    found = check([index(1, 2), index(2, 3), image(3)], {"a": 3, "b": 1}, gone(3, A), kept="b")
    assert found == f"manifest {d(3)} would be deleted, but tag b needs it"


def test_the_proof_finds_a_referrer() -> None:
    found = check([image(1), image(2, subject=1)], {"a": 2, "b": 1}, gone(2, A), kept="b")
    assert f"manifest {d(2)} would be deleted" in found


def test_the_proof_finds_a_lost_signature_tag_even_if_its_manifest_stays() -> None:
    tag = fallback(1, ".sig")
    found = check([image(1), image(2)], {"b": 1, tag: 2}, Untag(tag, d(2), "delete", ()), kept="b")
    assert f"tag {tag} would be lost" in found


def test_the_proof_finds_a_forgotten_tag_and_an_invented_one() -> None:
    assert "tag a is in the plan 0 times" in check([image(1)], {"a": 1})
    assert "tag b is in the plan but not in the repository" in check([image(1)], {"a": 1}, gone(1, A), kept="b")


def test_the_proof_finds_a_tag_planned_twice() -> None:
    found = check([image(1)], {"a": 1}, Untag(A, d(1), "delete", ()), gone(1, A))
    assert "tag a is in the plan 2 times" in found


def test_the_proof_finds_a_step_planned_twice() -> None:
    manifests: list[object] = [image(1), image(2)]
    assert f"{d(2)} is removed by 2 steps" in check(manifests, {"a": 1}, gone(2), gone(2), kept="a")
    assert "removed by" not in check(manifests, {"a": 1}, gone(2), kept="a")
    assert "a is removed by 2 steps" in check(manifests, {"a": 1}, *[Untag(A, d(1), "delete", ())] * 2)


def test_the_proof_finds_steps_about_things_that_were_not_read() -> None:
    assert "without having been read" in check([image(1)], {"a": 1}, gone(9), kept="a")
    assert "was not read as pointing to" in check([image(1), image(2)], {"a": 1}, Untag(A, d(2), "delete", ()))


def test_the_proof_finds_a_need_that_is_not_listed() -> None:
    assert "is not listed as kept" in check([index(1, 2), image(2)], {"a": 1}, kept="a", of=1)


def test_many_that_were_not_read_cost_the_proof_no_more_than_one() -> None:
    snapshot = repository([image(number) for number in range(500)], {})
    unread = {Tag(f"u{number}"): "500" for number in range(500)}
    snapshot = msgspec.structs.replace(snapshot, unread=unread)
    plan = RepositoryPlan(REPOSITORY, "toy", (), (), {})
    tracemalloc.start()
    try:
        found = check_plan(snapshot, plan)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert f"manifest {d(7)} is not listed as kept, but u0, which was not read needs it" in found
    assert peak < 5 << 20
