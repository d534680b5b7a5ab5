"""What fails stops what depends on it, and nothing else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from holystone.adapters.state.sqlite import Journal
from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.engine.errors import Refused, RegistryFailure, TooDeep, Unauthorized, Unreachable
from holystone.engine.events import listening
from holystone.engine.executor import execute_plan
from holystone.engine.model.capabilities import SPARES_ALL, Cascade, TagDeletion
from holystone.engine.model.events import Step
from holystone.engine.model.manifests import NESTED_AT_MOST, RawManifest
from holystone.engine.model.outcomes import (
    Deleted,
    Failed,
    Forbidden,
    Locked,
    Needed,
    Outcome,
    Referenced,
    StillReferenced,
)
from holystone.engine.model.plan import Pass, Plan, RepositoryPlan
from holystone.engine.model.references import Digest, Repository, Tag
from holystone.engine.model.refusals import NumberExceeded
from holystone.engine.ports import RepositorySession
from tests.support.execution import Execute, Killed, before, came_of, once
from tests.support.gentle import gentle
from tests.support.journals import manifests
from tests.support.memory_registry import CAPABILITIES, MemoryRegistry, Point, repository
from tests.support.small_plans import level, plan, remove, repository_plan, tombstone, untag
from tests.support.small_worlds import APP, WAYS, Way, world
from tests.support.spools import results


async def test_one_failed_deletion_stops_what_depends_on_it_and_resume_does_both(execute: Execute) -> None:
    registry = MemoryRegistry()
    child, other = registry.image(APP, "child"), registry.image(APP, "other", "other")
    index = registry.index(APP, [child], "index")
    registry.answer = lambda name: Failed("503") if name == index else None
    result = await execute(
        registry, repository_plan(APP, level(remove(index, "index"), remove(other, "other")), level(remove(child)))
    )
    assert came_of(result) == {
        index: Failed("503"),
        other: Deleted(),
        child: Failed("index, which needs it, could not be removed"),
    }
    assert (result.incomplete, result.not_tried) == (True, 0)
    registry.answer = lambda _: None
    again = await execute(registry)
    assert again.counts == {"deleted": 3}
    assert registry.contents[APP].state() == ({}, set())


async def test_a_lock_protects_what_the_locked_needs_for_good(execute: Execute) -> None:
    registry = MemoryRegistry()
    child = registry.image(APP, "child")
    index = registry.index(APP, [child], "v1")
    signature = registry.image(APP, "signature", f"sha256-{index.hex}.sig")
    registry.answer = lambda name: Locked("v*") if name in (index, "v1") else None
    result = await execute(
        registry,
        repository_plan(
            APP,
            Pass("untag", (untag("v1", index),)),
            level(remove(index)),
            level(remove(child), remove(signature, f"sha256-{index.hex}.sig")),
        ),
    )
    needed = Needed("v1")
    assert came_of(result) == {"v1": Locked("v*"), index: needed, child: needed, signature: needed}
    assert not result.incomplete


@pytest.mark.parametrize(
    ("answer", "child_stays"),
    [(Locked("retention"), True), (Failed("503"), False)],
)
async def test_an_index_without_tags_that_survives_keeps_its_children(
    execute: Execute, answer: Outcome, child_stays: bool
) -> None:
    registry = MemoryRegistry()
    child = registry.image(APP, "child")
    index = registry.index(APP, [child], "v1")
    registry.answer = lambda name: answer if name == index else None
    steps = Pass("untag", (untag("v1", index),)), level(remove(index)), level(remove(child))
    result = await execute(registry, repository_plan(APP, *steps))
    held = Needed(index) if child_stays else Failed(f"{index}, which needs it, could not be removed")
    assert came_of(result) == {"v1": Deleted(), index: answer, child: held}
    assert child in registry.contents[APP].manifests
    assert result.incomplete is not child_stays


async def test_a_deletion_that_is_refused_because_of_another_is_tried_again_after_it(execute: Execute) -> None:
    registry = MemoryRegistry(refuse_children=True)
    child = registry.image(APP, "child", "child")
    inner = registry.index(APP, [child])
    outer = registry.index(APP, [inner])
    # The wrong way round, as for a registry with rules that the planner does not know.
    result = await execute(
        registry, repository_plan(APP, level(remove(child, "child")), level(remove(inner)), level(remove(outer)))
    )
    assert result.counts == {"deleted": 3}
    assert not result.incomplete


@pytest.mark.parametrize("takes_children", [True, False])
async def test_a_new_tag_on_a_referrer_holds_an_index_that_would_take_its_subject_along(
    execute: Execute, *, takes_children: bool
) -> None:
    can = msgspec.structs.replace(CAPABILITIES, cascade=Cascade(children=takes_children))
    registry = MemoryRegistry(can)
    child = registry.image(APP, "child")
    sbom = registry.image(APP, "sbom", subject=child)
    index = registry.index(APP, [child], "old")
    plan = repository_plan(APP, level(remove(index, "old")), level(remove(child)), level(remove(sbom)))
    registry.contents[APP].tags[Tag("new")] = sbom
    result = await execute(registry, plan)
    assert (index in registry.contents[APP].manifests) is takes_children
    assert {child, sbom} <= registry.contents[APP].manifests.keys()
    assert came_of(result)[index] == (Needed("new") if takes_children else Deleted())


async def test_a_kept_referrer_that_loses_another_tag_does_not_hold_its_doomed_subject(execute: Execute) -> None:
    registry = MemoryRegistry()
    subject = registry.image(APP, "subject", "old")
    sbom = registry.image(APP, "sbom", "sbom", "sbom-too", subject=subject)
    signature = f"sha256-{subject.hex}.sig"
    signed = registry.image(APP, "signature", signature)
    steps = Pass("untag", (untag("old", subject), untag("sbom-too", sbom), untag(signature, signed)))
    levels = level(remove(subject)), level(remove(signed))
    result = await execute(registry, repository_plan(APP, steps, *levels, kept={"sbom": sbom}))
    assert result.counts == {"deleted": 5}
    assert registry.contents[APP].state() == ({"sbom": sbom}, {sbom})


async def test_what_something_unknown_refers_to_is_left_alone_for_good(execute: Execute) -> None:
    registry = MemoryRegistry(refuse_children=True)
    leaf, other = registry.image(APP, "leaf"), registry.image(APP, "other", "other")
    child = registry.index(APP, [leaf], "child")
    index = registry.index(APP, [child])  # nobody knows of it: it has no tag
    steps = level(remove(child, "child"), remove(other, "other")), level(remove(leaf))
    result = await execute(registry, repository_plan(APP, *steps))
    assert came_of(result) == {child: StillReferenced(index), other: Deleted(), leaf: Needed("child")}
    assert not result.incomplete
    assert registry.count("delete_manifests") == 3


async def test_what_is_refused_while_something_else_failed_is_left_to_resume(execute: Execute) -> None:
    registry = MemoryRegistry(refuse_children=True)
    child, other = registry.image(APP, "child", "child"), registry.image(APP, "other", "other")
    index = registry.index(APP, [child])
    registry.answer = lambda name: Failed("500 on a bad day") if name == other else None
    plan = repository_plan(APP, level(remove(child, "child"), remove(other, "other")))
    result = await execute(registry, plan)
    assert came_of(result) == {child: Referenced(index), other: Failed("500 on a bad day")}
    assert result.incomplete
    registry.answer = lambda _: None
    assert not (await execute(registry)).incomplete


async def test_a_registry_that_does_not_know_yet_that_an_index_went_is_asked_again_by_resume(execute: Execute) -> None:
    registry = MemoryRegistry()
    child = registry.image(APP, "child")
    index = registry.index(APP, [child], "v1")
    registry.answer = lambda name: Referenced(index) if name == child else None
    result = await execute(registry, repository_plan(APP, level(remove(index, "v1")), level(remove(child))))
    assert came_of(result) == {index: Deleted(), child: Referenced(index)}
    assert result.incomplete
    registry.answer = lambda _: None
    assert not (await execute(registry)).incomplete
    assert registry.contents[APP].manifests == {}


@pytest.mark.parametrize("way", WAYS)
async def test_a_missing_right_is_met_once_and_told_once(execute: Execute, way: Way) -> None:
    there = world(way)
    there.registry.answer = lambda _: Forbidden("needs the role Maintainer")
    result = await execute(there.registry, there.plan)
    (each,) = result.repositories
    assert each.is_stopped_by(RegistryFailure)
    assert "needs the role Maintainer" in str(each.stopped)
    assert each.not_tried + len(each.outcomes) == len(there.plan.steps)
    assert set(each.outcomes.values()) == {Forbidden("needs the role Maintainer")}
    assert there.registry.count("delete_tags") + there.registry.count("delete_manifests") <= 7
    there.registry.answer = lambda _: None
    assert not (await execute(there.registry)).incomplete
    assert there.is_clean()


@pytest.mark.parametrize("way", WAYS)
async def test_a_deletion_that_is_forbidden_for_a_moment_is_done_in_the_end(execute: Execute, way: Way) -> None:
    there = world(way)
    answers = iter([Forbidden("401 Bad credentials")])
    there.registry.answer = lambda _: next(answers, None)
    result = await execute(there.registry, there.plan)
    assert result.repositories[0].stopped is None
    assert not result.incomplete
    assert there.is_clean()


@pytest.mark.parametrize("first", [True, False])
async def test_what_is_forbidden_alone_is_its_own_and_does_not_stop_the_others(execute: Execute, first: bool) -> None:
    registry = MemoryRegistry()
    images = [registry.image(APP, str(number), f"t{number}") for number in range(30)]
    alone = images[0 if first else -1]
    registry.answer = lambda name: Forbidden("405 Method Not Allowed") if name == alone else None
    result = await execute(
        registry, repository_plan(APP, level(*(remove(image, f"t{number}") for number, image in enumerate(images))))
    )
    (each,) = result.repositories
    assert (each.stopped, each.not_tried, result.incomplete) == (None, 0, True)
    assert [outcome for outcome in each.outcomes.values() if outcome != Deleted()] == [
        Forbidden("405 Method Not Allowed")
    ]
    assert set(registry.contents[APP].manifests) == {alone}


@pytest.mark.parametrize("own", [1, 2])
async def test_what_is_forbidden_alone_in_its_pass_does_not_stop_the_passes_after_it(
    execute: Execute, own: int
) -> None:
    """As a tag that a server protects by itself, among what goes in several passes. `own`: passes that are so."""
    registry = MemoryRegistry()
    images = [registry.image(APP, str(number), f"t{number}") for number in range(8)]
    alone = images[:own]
    registry.answer = lambda name: Forbidden("a policy says so") if name in alone else None
    levels = [level(remove(image, f"t{number}")) for number, image in enumerate(images[:4])]
    rest = level(*(remove(image, f"t{number}") for number, image in enumerate(images[4:], 4)))
    (each,) = (await execute(registry, repository_plan(APP, *levels, rest))).repositories
    assert (each.stopped, each.not_tried) == (None, 0)
    assert set(registry.contents[APP].manifests) == set(alone)
    again = await execute(registry)
    assert again.incomplete, "it is told each time"


async def test_where_nothing_else_is_to_go_the_right_is_named_that_is_missing(execute: Execute) -> None:
    registry = MemoryRegistry()
    image = registry.image(APP, "one", "v1")
    registry.answer = lambda _: Forbidden("needs the role Maintainer")
    plan = repository_plan(APP, Pass("untag", (untag("v1", image),)), level(remove(image)))
    (each,) = (await execute(registry, plan)).repositories
    assert "needs the role Maintainer" in str(each.stopped)
    assert image in registry.contents[APP].manifests


async def test_those_that_were_forbidden_are_tried_last_by_the_next_attempt(execute: Execute) -> None:
    registry = MemoryRegistry()
    images = [registry.image(APP, str(number), f"t{number}") for number in range(400)]
    own = set(images[:15])
    registry.answer = lambda name: Forbidden("a policy says so") if name in own else None
    plan = repository_plan(APP, level(*(remove(image, f"t{number}") for number, image in enumerate(images))))
    await execute(registry, plan)
    await execute(registry)
    assert set(registry.contents[APP].manifests) == own


async def test_a_right_that_is_missing_stops_a_large_repository_early(execute: Execute) -> None:
    registry = MemoryRegistry()
    images = [registry.image(APP, str(number), f"t{number}") for number in range(1000)]
    registry.answer = lambda _: Forbidden("needs the role Maintainer")
    result = await execute(
        registry, repository_plan(APP, level(*(remove(image, f"t{number}") for number, image in enumerate(images))))
    )
    (each,) = result.repositories
    assert "needs the role Maintainer" in str(each.stopped)
    assert each.not_tried > 800


async def test_a_server_that_stops_to_delete_says_so_itself(execute: Execute) -> None:
    registry = MemoryRegistry()
    images = [registry.image(APP, str(number), f"t{number}") for number in range(1000)]

    def answer(name: Tag | Digest) -> Outcome | None:
        if len(registry.contents[APP].manifests) > 900:
            return None
        registry.capabilities = gentle("memory", forbidden="it is read-only by now")
        return Forbidden("405")

    registry.answer = answer
    result = await execute(
        registry, repository_plan(APP, level(*(remove(image, f"t{number}") for number, image in enumerate(images))))
    )
    (each,) = result.repositories
    assert "it is read-only by now" in str(each.stopped)
    assert each.not_tried > 700


async def test_a_look_that_is_refused_is_one_steps_own(execute: Execute) -> None:
    registry = MemoryRegistry()
    images = [registry.image(APP, str(number), f"t{number}") for number in range(30)]
    refusals = iter([True])

    async def hook(point: Point) -> None:
        if point.verb == "resolve" and Tag("t7") in point.arguments and next(refusals, False):
            raise Unauthorized("registry.test refuses user bob: 401")

    registry.hook = hook
    steps = (untag(f"t{number}", image) for number, image in enumerate(images))
    result = await execute(registry, repository_plan(APP, Pass("untag", tuple(steps)), needed=images))
    assert (result.repositories[0].stopped, result.incomplete) == (None, False)
    assert registry.contents[APP].tags == {}


async def test_a_host_that_is_gone_stops_its_repository_and_no_other(execute: Execute) -> None:
    near, far = repository("near"), repository("far")
    registry = MemoryRegistry()
    plans = []
    for where in (near, far):
        images = [registry.image(where, str(number), f"t{number}") for number in range(100)]
        plans.append(
            repository_plan(where, level(*(remove(image, f"t{number}") for number, image in enumerate(images))))
        )
    deleted = 0

    async def hook(point: Point) -> None:
        nonlocal deleted
        if point.arguments[0] == far and point.verb == "delete_manifests":
            deleted += point.moment == "after"
            if deleted >= 3:
                raise Unreachable("far does not answer")

    registry.hook = hook
    result = await execute(registry, *plans)
    second, first = result.repositories
    ids = [step.id for step in plans[0].steps]
    assert (first.incomplete, first.outcomes) == (False, dict.fromkeys(ids, Deleted()))
    assert first.check
    assert second.is_stopped_by(Unreachable)
    assert second.not_tried == 100 - len(second.outcomes) >= 97
    assert result.not_tried == second.not_tried
    registry.hook = None
    assert (await execute(registry)).counts == {"deleted": 199, "already-gone": 1}


async def test_a_server_that_does_not_delete_is_asked_nothing_else(execute: Execute) -> None:
    there = world("plain")
    there.registry.capabilities = gentle("memory", forbidden="REGISTRY_STORAGE_DELETE_ENABLED is off")
    result = await execute(there.registry, there.plan)
    assert "REGISTRY_STORAGE_DELETE_ENABLED" in str(result.repositories[0].stopped)
    assert result.not_tried == len(there.plan.steps)
    assert [verb for verb, _ in there.registry.calls] == ["probe"]


async def test_nothing_is_deleted_whose_bytes_are_not_in_the_journal(execute: Execute) -> None:
    registry = MemoryRegistry()
    lost, gone = registry.image(APP, "lost", "lost"), registry.image(APP, "gone", "gone")
    registry.contents[APP].delete_manifest(gone)

    async def hook(point: Point) -> None:
        if point.verb == "read_manifests" and lost in point.arguments:
            raise RegistryFailure("500 internal error")

    registry.hook = hook
    result = await execute(
        registry, repository_plan(APP, Pass("untag", (untag("lost", lost),)), level(remove(lost), remove(gone)))
    )
    (each,) = result.repositories
    first = came_of(result)["lost"]
    assert isinstance(first, Failed)
    assert "500 internal error" in first.error
    assert (each.not_tried, str(each.stopped)) == (2, "500 internal error")  # nobody knows what `lost` needs
    assert registry.contents[APP].tags == {Tag("lost"): lost}
    registry.hook = None
    assert not (await execute(registry)).incomplete


@pytest.mark.parametrize("way", WAYS)
async def test_everything_is_in_the_journal_before_the_first_request_that_changes_anything(
    execute: Execute, tmp_path: Path, way: Way
) -> None:
    there = world(way)
    expected = {step.digest: there.registry.contents[APP].manifests[step.digest] for step in there.plan.steps}
    looked = 0

    async def hook(point: Point) -> None:
        nonlocal looked
        if point.verb.startswith(("delete", "push")) and not looked:
            looked += 1
            with Journal.open(tmp_path) as journal:
                (record,) = await journal.runs()
                known = await journal.recorded(record.id, there.plan)
                assert known
                assert await manifests(journal, record.id, APP) == expected
                assert (known.tombstone is not None) == (way == "tombstone")

    there.registry.hook = hook
    assert not (await execute(there.registry, there.plan)).incomplete
    assert looked == 1


@pytest.mark.parametrize("way", WAYS)
async def test_every_outcome_is_in_the_journal(execute: Execute, tmp_path: Path, way: Way) -> None:
    there = world(way)
    there.registry.image(APP, "new", "b")
    result = await execute(there.registry, there.plan)
    with Journal.open(tmp_path) as journal:
        (record,) = await journal.runs()
        known = await journal.recorded(record.id, there.plan)
        assert known
        assert known.outcomes == result.repositories[0].outcomes
        assert len(known.outcomes) == len(there.plan.steps)
        assert record.state == "finished"


async def test_deletions_are_sent_in_batches(execute: Execute) -> None:
    registry = MemoryRegistry(gentle("memory", tags=TagDeletion(SPARES_ALL), bulk=100))
    images = [registry.image(APP, str(number), f"t{number}") for number in range(250)]
    result = await execute(registry, _many(images))
    assert result.counts == {"deleted": 500}
    assert (registry.count("delete_tags"), registry.count("delete_manifests")) == (3, 3)


async def test_too_few_answers_stop_the_repository(execute: Execute, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = MemoryRegistry()

    async def silent(_: Repository, tags: object) -> list[Outcome]:
        return []

    monkeypatch.setattr(registry, "delete_tags", silent)
    result = await execute(registry, _many([registry.image(APP, "0", "t0")]))
    assert "0 answers to 1 deletions" in str(result.repositories[0].stopped)
    assert result.incomplete


async def test_progress_only_grows(tmp_path: Path) -> None:
    there = world("tombstone")
    seen: list[tuple[int, int]] = []
    with Journal.open(tmp_path) as journal:
        run = await journal.begin(plan(there.plan), "cleanup")
        with listening(lambda event: seen.append((event.done, event.of)) if isinstance(event, Step) else None):
            await execute_plan(run, there.registry.planned, SqliteDigestCache(None), results())
    assert seen == sorted(seen)
    assert seen[-1] == (len(there.plan.steps), len(there.plan.steps))


async def test_a_session_is_left_before_the_run_counts_as_finished(tmp_path: Path) -> None:
    """A run that dies while its locks are given back is one that `resume` goes on with."""
    there = world("plain")
    with Journal.open(tmp_path) as journal:
        run = await journal.begin(plan(there.plan), "cleanup")

        @asynccontextmanager
        async def turn(planned: RepositoryPlan) -> AsyncIterator[RepositorySession]:
            async with there.registry.planned(planned) as session:
                yield session
            raise Killed

        with pytest.raises(BaseExceptionGroup):
            await execute_plan(run, turn, SqliteDigestCache(None), results())
        assert [record.state for record in await journal.runs()] == ["open"]
    with Journal.open(tmp_path) as journal:
        await execute_plan(await journal.load(), there.registry.planned, SqliteDigestCache(None), results())
        assert [record.state for record in await journal.runs()] == ["finished"]


async def test_a_refused_plan_is_not_carried_out(tmp_path: Path) -> None:
    there = world("plain")
    refusal = NumberExceeded(APP, doomed=9, total=9, most=3)
    with Journal.open(tmp_path) as journal:
        run = await journal.begin(Plan(1, "cleanup", repositories=(there.plan,), refusals=(refusal,)), "cleanup")
        with pytest.raises(Refused, match="fuse"):
            await execute_plan(run, there.registry.planned, SqliteDigestCache(None), results())
    assert there.registry.calls == []


async def test_a_repository_without_steps_is_not_asked_for(execute: Execute) -> None:
    registry = MemoryRegistry()
    result = await execute(registry, repository_plan(APP, kept={"keep": registry.image(APP, "keep", "keep")}))
    assert (result.incomplete, registry.calls) == (False, [])


async def test_a_journal_that_cannot_be_written_stops_the_deletions(tmp_path: Path) -> None:
    there = world("plain")
    with Journal.open(tmp_path) as journal:
        run = await journal.begin(plan(there.plan), "cleanup")
        await journal._writer.do(lambda db: db.execute("PRAGMA query_only = ON").fetchall())
        result = await execute_plan(run, there.registry.planned, SqliteDigestCache(None), results())
    assert "journal" in str(result.repositories[0].stopped)
    assert there.registry.count("delete_manifests") == 0


async def test_the_tombstone_of_an_earlier_attempt_is_used_again(execute: Execute, tmp_path: Path) -> None:
    there = world("tombstone")

    def die() -> None:
        raise Killed

    there.registry.hook = once(before("delete_manifests"), die)
    with pytest.raises(BaseException):  # noqa: B017
        await execute(there.registry, there.plan)
    (digest,) = {there.tags()[step.tag] for step in there.plan.passes[0].steps if hasattr(step, "tag")}
    pushed: list[RawManifest] = []

    async def hook(point: Point) -> None:
        if point.verb == "push_manifest":
            pushed.append(point.arguments[2])  # type: ignore[arg-type]

    there.registry.hook = hook
    assert not (await execute(there.registry)).incomplete
    assert pushed == []
    assert digest not in there.registry.contents[APP].manifests
    assert there.is_clean()


def _many(images: list[Digest]) -> RepositoryPlan:
    untags = tuple(untag(f"t{number}", image) for number, image in enumerate(images))
    return repository_plan(APP, Pass("untag", untags), level(*map(remove, images)))


@pytest.mark.parametrize(("levels", "too_deep"), [(NESTED_AT_MOST + 1, False), (NESTED_AT_MOST + 2, True)])
async def test_the_look_before_a_deletion_goes_as_deep_as_the_reading_and_refuses_where_that_does(
    execute: Execute, levels: int, *, too_deep: bool
) -> None:
    registry = MemoryRegistry()
    needed, other = registry.image(APP, "needed", "old"), registry.image(APP, "other", "other")
    chain = [needed]
    while len(chain) < levels:
        tags = ["new"] if len(chain) == levels - 1 else []
        chain.append(registry.index(APP, [chain[-1]], *tags))
    result = await execute(registry, repository_plan(APP, level(remove(needed, "old"), remove(other, "other"))))
    assert needed in registry.contents[APP].manifests
    assert (other in registry.contents[APP].manifests) is too_deep
    assert result.repositories[0].is_stopped_by(TooDeep) is too_deep


async def test_what_the_plan_has_read_is_followed_however_deep_it_is(execute: Execute) -> None:
    """Each with a tag of its own, so that none was read for what lists it."""
    registry = MemoryRegistry()
    chain, other = [registry.image(APP, "v0", "v0")], registry.image(APP, "other", "other")
    while len(chain) < 2 * NESTED_AT_MOST:
        chain.append(registry.index(APP, [chain[-1]], f"v{len(chain)}"))
    levels = [level(remove(digest, f"v{number}")) for number, digest in reversed([*enumerate(chain)])]
    registry.contents[APP].tags[Tag("new")] = chain[-1]
    result = await execute(registry, repository_plan(APP, *levels, level(remove(other, "other"))))
    assert registry.contents[APP].manifests.keys() == {*chain}
    assert result.counts == {"needed": len(chain), "deleted": 1}


async def test_a_kept_referrer_that_loses_a_tag_by_a_tombstone_does_not_hold_its_subject_either(
    execute: Execute,
) -> None:
    can = msgspec.structs.replace(CAPABILITIES, tags=TagDeletion())
    registry = MemoryRegistry(can)
    subject = registry.image(APP, "subject", "old")
    sbom = registry.image(APP, "sbom", "sbom", "sbom-too", subject=subject)
    steps = Pass("untag", (untag("old", subject),)), Pass("tombstone", (tombstone("sbom-too", sbom),))
    result = await execute(registry, repository_plan(APP, *steps, level(remove(subject)), kept={"sbom": sbom}))
    assert result.counts == {"deleted": 3}
    assert registry.contents[APP].state() == ({"sbom": sbom}, {sbom})


async def test_what_is_refused_again_long_after_its_index_went_is_left_alone_for_good(tmp_path: Path) -> None:
    registry = MemoryRegistry(refuse_children=True)
    leaf = registry.image(APP, "leaf", "leaf")
    index = registry.index(APP, [leaf], "index")
    unknown = registry.index(APP, [leaf, registry.image(APP, "other")])
    made = plan(repository_plan(APP, level(remove(index, "index")), level(remove(leaf, "leaf"))))
    with Journal.open(tmp_path) as journal:
        run = await journal.begin(made, "cleanup")
        first = await execute_plan(run, registry.planned, SqliteDigestCache(None), results())
    assert came_of(first) == {index: Deleted(), leaf: Referenced(unknown)}
    assert first.incomplete
    with Journal.open(tmp_path) as journal:
        second = await execute_plan(await journal.load(run.id), registry.planned, SqliteDigestCache(None), results())
    assert came_of(second)[leaf] == StillReferenced(unknown)
    assert not second.incomplete


async def test_a_deletion_that_always_breaks_its_connection_fails_alone(execute: Execute) -> None:
    registry = MemoryRegistry()
    child, other, last = (registry.image(APP, name, *tags) for name, *tags in (("child",), ("b", "b"), ("c", "c")))
    index = registry.index(APP, [child], "index")

    async def hook(point: Point) -> None:
        if point.verb == "delete_manifests" and index in point.arguments:
            raise Unreachable("the connection broke")

    registry.hook = hook
    passes = (level(remove(index, "index"), remove(other, "b")), level(remove(child), remove(last, "c")))
    result = await execute(registry, repository_plan(APP, *passes))
    assert result.repositories[0].stopped is None
    assert came_of(result) == {
        index: Failed("the connection broke"),
        other: Deleted(),
        child: Failed("index, which needs it, could not be removed"),
        last: Deleted(),
    }
    registry.hook = None
    assert (await execute(registry)).counts == {"deleted": 4}


async def test_a_host_that_is_down_stops_the_repository(execute: Execute) -> None:
    registry = MemoryRegistry()
    digests = [registry.image(APP, name, name) for name in "abcdef"]

    async def hook(point: Point) -> None:
        if point.verb in ("delete_manifests", "resolve alone"):
            raise Unreachable("down")

    registry.hook = hook
    steps = [remove(digest, name) for digest, name in zip(digests, "abcdef", strict=True)]
    result = await execute(registry, repository_plan(APP, level(*steps)))
    assert result.repositories[0].is_stopped_by(Unreachable)
    assert registry.contents[APP].tags.keys() == set("abcdef")


async def test_where_every_deletion_breaks_its_connection_few_are_tried(execute: Execute) -> None:
    registry = MemoryRegistry()
    names = [f"t{number}" for number in range(300)]
    steps = [remove(registry.image(APP, name, name), name) for name in names]

    async def hook(point: Point) -> None:
        if point.verb == "delete_manifests":
            raise Unreachable("the connection broke")

    registry.hook = hook
    result = await execute(registry, repository_plan(APP, level(*steps)))
    assert result.repositories[0].is_stopped_by(Unreachable)
    assert registry.count("delete_manifests") < 150
