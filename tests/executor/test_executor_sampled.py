"""Of a large repository the check after a run looks at a sample: what it must find all the same, and when it looks at
everything. That the looks before a deletion are shared is here, too."""

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import msgspec
import pytest

from holystone.adapters.state.sqlite import Journal
from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.engine.errors import PlanDoubtful, RegistryFailure
from holystone.engine.events import listening
from holystone.engine.executor import CheckReport, Loss, RunResult, check_after, execute_plan
from holystone.engine.executor.budget import Budget
from holystone.engine.executor.check import Deletions
from holystone.engine.executor.looks import FEW, SAMPLE, Sampling
from holystone.engine.executor.results import Looked
from holystone.engine.model.capabilities import Capabilities, Cascade, DigestDeletion, LastTag, TagDeletion
from holystone.engine.model.events import Checked
from holystone.engine.model.outcomes import Deleted, MovedMeanwhile, Needed, Outcome
from holystone.engine.model.plan import Pass, RepositoryPlan
from holystone.engine.model.references import Digest, Repository, Tag
from tests.support.execution import before, came_of, once
from tests.support.mannered_registry import ManneredRegistry
from tests.support.memory_registry import CAPABILITIES, Content, MemoryRegistry, Point
from tests.support.small_plans import level, plan, remove, repository_plan, tombstone, untag
from tests.support.small_worlds import APP, WAYS, Way, world
from tests.support.spools import results

MANY = 2 * FEW


class Dangling(MemoryRegistry):
    """What `take` says goes along with a manifest that is deleted; its tags stay in the list, and serve nothing."""

    def __init__(self, capabilities: Capabilities = CAPABILITIES) -> None:
        super().__init__(capabilities)
        self.take: tuple[Digest, ...] = ()

    async def resolve(self, repository: Repository, reference: Tag | Digest, *, alone: bool = False) -> Digest | None:
        found = await super().resolve(repository, reference, alone=alone)
        return found if found in self.contents[repository].manifests else None

    def _delete_tag(self, content: Content, tag: Tag) -> Outcome:
        self._take(content)
        return super()._delete_tag(content, tag)

    def _delete_manifest(self, content: Content, digest: Digest) -> Outcome:
        self._take(content)
        return super()._delete_manifest(content, digest)

    def _take(self, content: Content) -> None:
        for digest in self.take:
            content.manifests.pop(digest, None)


class Bench:
    """One run, attempt after attempt. What is read by digest is known, as after a plan."""

    def __init__(self, folder: Path, registry: MemoryRegistry) -> None:
        self.folder, self.registry = folder, registry
        self.cache = SqliteDigestCache(None)
        self.told: list[Checked] = []

    async def run(self, *repositories: RepositoryPlan, budget: Budget | None = None) -> RunResult:
        if repositories:
            for content in self.registry.contents.values():
                await self.cache.learn_manifests(content.manifests.values())

        def hear(event: object) -> None:
            if isinstance(event, Checked):
                self.told.append(event)

        with Journal.open(self.folder) as journal, listening(hear):
            run = await journal.begin(plan(*repositories), "cleanup") if repositories else await journal.load()
            return await execute_plan(run, self.registry.planned, self.cache, results(), budget=budget)

    async def check(self, *repositories: RepositoryPlan) -> CheckReport:
        (only,) = (await self.run(*repositories)).repositories
        assert only.check
        return only.check


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, Dangling())


@pytest.fixture
def reach_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even of few, nothing but what a deletion could have reached is looked at."""
    monkeypatch.setattr("holystone.engine.executor.looks.FEW", 0)
    monkeypatch.setattr("holystone.engine.executor.looks.SAMPLE", 0)


@pytest.fixture
def looks_are_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even those at few tags."""
    monkeypatch.setattr("holystone.engine.executor.tag_resolver.FEW", 0)


def filled(registry: MemoryRegistry, count: int = MANY) -> dict[str, Digest]:
    return {f"v{number:04}": registry.image(APP, f"{number}", f"v{number:04}") for number in range(count)}


def looks(registry: MemoryRegistry) -> int:
    return registry.count("resolve") + registry.count("resolve alone")


# What a deletion could have reached


def sibling(registry: MemoryRegistry) -> tuple[RepositoryPlan, Digest]:
    shared = registry.image(APP, "shared", "keep", "old")
    return repository_plan(APP, Pass("untag", (untag("old", shared),)), kept={"keep": shared}), shared


def part(registry: MemoryRegistry) -> tuple[RepositoryPlan, Digest]:
    child = registry.image(APP, "child", "keep")
    old = registry.index(APP, [child], "old")
    return repository_plan(APP, level(remove(old, "old")), kept={"keep": child}), child


def part_without_a_tag(registry: MemoryRegistry) -> tuple[RepositoryPlan, Digest]:
    child, other = registry.image(APP, "child"), registry.image(APP, "other")
    old, kept = registry.index(APP, [child], "old"), registry.index(APP, [child, other], "keep")
    return repository_plan(APP, level(remove(old, "old")), kept={"keep": kept}, needed=[child, other]), child


def index_above(registry: MemoryRegistry) -> tuple[RepositoryPlan, Digest]:
    child, other = registry.image(APP, "child"), registry.image(APP, "other")
    old, kept = registry.index(APP, [child], "old"), registry.index(APP, [child, other], "keep")
    return repository_plan(APP, level(remove(old, "old")), kept={"keep": kept}, needed=[child, other]), kept


def referrer(registry: MemoryRegistry) -> tuple[RepositoryPlan, Digest]:
    old = registry.image(APP, "old", "old")
    about = registry.image(APP, "about", "keep", subject=old)
    return repository_plan(APP, level(remove(old, "old")), kept={"keep": about}), about


def referrer_of_a_referrer(registry: MemoryRegistry) -> tuple[RepositoryPlan, Digest]:
    old = registry.image(APP, "old", "old")
    between = registry.image(APP, "between", subject=old)
    about = registry.image(APP, "about", "keep", subject=between)
    return repository_plan(APP, level(remove(old, "old")), kept={"keep": about}, needed=[between]), about


def subject(registry: MemoryRegistry) -> tuple[RepositoryPlan, Digest]:
    kept = registry.image(APP, "kept", "keep")
    old = registry.image(APP, "old", "old", subject=kept)
    return repository_plan(APP, level(remove(old, "old")), kept={"keep": kept}), kept


def signature(registry: MemoryRegistry) -> tuple[RepositoryPlan, Digest]:
    old = registry.image(APP, "old", "old")
    name = f"sha256-{old.hex}.sig"
    signed = registry.image(APP, "signature", name)
    return repository_plan(APP, level(remove(old, "old")), kept={name: signed}), signed


KINDS = (
    sibling,
    part,
    part_without_a_tag,
    index_above,
    referrer,
    referrer_of_a_referrer,
    subject,
    signature,
)


@pytest.mark.usefixtures("reach_alone")
@pytest.mark.parametrize("kind", KINDS)
async def test_what_a_deletion_took_along_is_found_though_only_what_is_in_reach_is_looked_at(
    bench: Bench, kind: Callable[[MemoryRegistry], tuple[RepositoryPlan, Digest]]
) -> None:
    registry = bench.registry
    assert isinstance(registry, Dangling)
    filled(registry, 5)
    made, victim = kind(registry)
    registry.take = (victim,)
    check = await bench.check(made)
    assert victim in {loss.digest for loss in check.losses}


@pytest.mark.usefixtures("reach_alone")
async def test_what_is_tied_to_nothing_that_went_is_not_looked_at(bench: Bench) -> None:
    kept = filled(bench.registry, 5)
    made, _ = part_without_a_tag(bench.registry)
    old = bench.registry.image(APP, "another", "another")
    steps = (*made.passes, level(remove(old, "another")))
    kept["keep"] = next(each.digest for each in made.kept if each.digest)
    made = repository_plan(APP, *steps, kept=kept, needed=made.kept_manifests)
    check = await bench.check(made)
    assert check.coverage
    assert (check.losses, check.coverage.tags, check.coverage.manifests) == ((), Looked(0, 1, 0, 5), Looked(0, 2, 0, 0))
    assert [(each.looked_at, each.left_out) for each in bench.told] == [(3, 5)]


class Harsh(ManneredRegistry):
    """Says that it is gentle, and takes along whatever belongs to what it deletes."""

    async def probe(self, repository: Repository) -> Capabilities:
        return CAPABILITIES


@pytest.mark.usefixtures("reach_alone")
@pytest.mark.parametrize("way", WAYS)
async def test_all_that_a_registry_takes_along_unasked_is_found(tmp_path: Path, way: Way) -> None:
    there = world(way)
    harsh = Capabilities(
        "memory",
        tags=TagDeletion(),
        digests=DigestDeletion(tombstones=LastTag()),
        cascade=Cascade(referrers=True, children=True),
        bulk=3,
    )
    registry = Harsh(harsh)
    registry.contents = there.registry.contents
    content = registry.contents[APP]
    about = registry.image(APP, "about", "about", subject=there.digests["a"])
    kept: dict[str, Digest] = {each.tag: each.digest for each in there.plan.kept if each.digest}
    made = repository_plan(
        APP, *there.plan.passes, kept={**kept, "about": about}, needed=[*there.plan.kept_manifests, about]
    )
    check = await Bench(tmp_path, registry).check(made)
    lost_tags = {each.tag for each in made.kept} - content.tags.keys()
    lost = made.kept_manifests.keys() - content.manifests.keys()
    assert "about" in lost_tags
    assert {loss.tag for loss in check.losses if loss.tag} == lost_tags
    assert {loss.digest for loss in check.losses} == lost


# The sample


async def test_of_many_a_sample_is_looked_at_and_all_names_are_compared(bench: Bench) -> None:
    registry = bench.registry
    kept, old = filled(registry), registry.image(APP, "old", "old")
    looked_before: list[int] = []
    registry.hook = once(
        lambda point: registry.count("delete_manifests") == 1 and point.verb == "list_tags",
        lambda: looked_before.append(looks(registry)),
    )
    check = await bench.check(repository_plan(APP, level(remove(old, "old")), kept=kept))
    assert came_to_nothing(check)
    assert check.coverage
    assert check.coverage.tags == Looked(0, 0, SAMPLE, MANY)
    assert looks(registry) - looked_before[0] == SAMPLE


async def test_a_name_that_the_list_lacks_is_looked_at_and_then_all_is(bench: Bench) -> None:
    registry = bench.registry
    kept, old = filled(registry), registry.image(APP, "old", "old")
    registry.hook = once(before("delete_manifests"), lambda: registry.contents[APP].tags.pop(Tag("v0007")))
    check = await bench.check(repository_plan(APP, level(remove(old, "old")), kept=kept))
    assert check.losses == (Loss(kept["v0007"], Tag("v0007")),)
    assert check.coverage
    assert check.coverage.tags == Looked(0, 1, MANY - 1, MANY - 1)


async def test_when_one_of_a_sample_is_gone_all_are_looked_at(bench: Bench) -> None:
    """One unrelated tag in 70 is lost."""
    registry = bench.registry
    assert isinstance(registry, Dangling)
    kept, old = filled(registry, 1400), registry.image(APP, "old", "old")
    made = repository_plan(APP, level(remove(old, "old")), kept=kept)
    lost = {Tag(tag): digest for tag, digest in list(kept.items())[35::70]}
    await bench.cache.learn_manifests(registry.contents[APP].manifests.values())
    for digest in lost.values():
        del registry.contents[APP].manifests[digest]
    found = [
        await check_after(
            registry.open(APP), bench.cache, made, Deletions({}), sampling=Sampling((), Random(f"run {number}"))
        )
        for number in range(10)
    ]
    whole = [report for report in found if report.losses]
    assert len(lost) == 20
    assert len(whole) >= 8, "95 of 100"
    for report in whole:
        assert {loss.tag: loss.digest for loss in report.losses} == lost
        assert report.coverage
        assert report.coverage.left_out == 0


async def test_many_manifests_without_a_tag_are_sampled_too(bench: Bench) -> None:
    registry = bench.registry
    parts = [registry.image(APP, f"{number}") for number in range(FEW + 100)]
    kept, old = registry.index(APP, parts, "keep"), registry.image(APP, "old", "old")
    made = repository_plan(APP, level(remove(old, "old")), kept={"keep": kept}, needed=parts)
    check = await bench.check(made)
    assert check.coverage
    assert check.coverage.manifests == Looked(0, 0, SAMPLE, FEW + 100)
    assert isinstance(registry, Dangling)
    registry.contents[APP].manifests = {kept: registry.contents[APP].manifests[kept]}
    report = await check_after(
        registry.open(APP), bench.cache, made, Deletions({}), sampling=Sampling((), Random("a run"))
    )
    assert {loss.digest for loss in report.losses} == {*parts}


# When all is looked at


def a_moved_doomed_tag(registry: MemoryRegistry, kept: dict[str, Digest]) -> None:
    registry.contents[APP].tags[Tag("old")] = registry.image(APP, "new")


def a_kept_tag_moved(registry: MemoryRegistry, kept: dict[str, Digest]) -> None:
    registry.contents[APP].tags[Tag("v0003")] = kept["v0004"]


@pytest.mark.parametrize(("act", "left_out"), [(a_moved_doomed_tag, 0), (a_kept_tag_moved, MANY - SAMPLE - 1)])
async def test_what_contradicts_the_plan_has_all_looked_at_and_what_people_may_do_not(
    bench: Bench, act: Callable[[MemoryRegistry, dict[str, Digest]], None], left_out: int
) -> None:
    registry = bench.registry
    kept, old = filled(registry), registry.image(APP, "old", "old")
    other = registry.image(APP, "other", "other")
    steps = level(remove(old, "old"), remove(other, "other"))
    act(registry, kept)
    check = await bench.check(repository_plan(APP, steps, kept=kept))
    assert check.coverage
    assert check.coverage.left_out == left_out
    assert check.moved == ((Tag("v0003"),) if left_out else ())


async def test_a_tag_that_nobody_moves_and_is_elsewhere_has_all_looked_at(bench: Bench) -> None:
    registry = bench.registry
    kept, old = filled(registry), registry.image(APP, "old", "old")
    made = repository_plan(APP, level(remove(old, "old")), kept=kept)
    made = msgspec.structs.replace(
        made, kept=tuple(msgspec.structs.replace(each, written_once=True) for each in made.kept)
    )
    taken = registry.image(APP, "taken")
    for tag in list(kept)[::3]:
        registry.contents[APP].tags[Tag(tag)] = taken
    result = await bench.run(made)
    assert result.repositories[0].is_stopped_by(PlanDoubtful)
    assert result.repositories[0].check
    assert len(result.repositories[0].check.moved) == len(list(kept)[::3])


async def test_after_an_attempt_that_did_not_live_to_check_all_is_looked_at(bench: Bench) -> None:
    registry = bench.registry
    kept = filled(registry)
    doomed = [registry.image(APP, name) for name in ("one", "two")]

    async def fail(point: Point) -> None:
        if point.verb == "list_tags" and registry.count("delete_manifests"):
            raise RegistryFailure("500 on a bad day")

    registry.hook = fail
    made = repository_plan(APP, level(*(remove(each) for each in doomed)), kept=kept)
    assert (await bench.run(made)).incomplete
    registry.hook = None
    check = await bench.check()
    assert check.coverage
    assert check.coverage.tags == Looked(0, MANY, 0, 0)


async def test_each_night_of_a_run_with_a_budget_looks_at_a_sample(bench: Bench) -> None:
    registry = bench.registry
    kept = filled(registry)
    doomed = [registry.image(APP, name) for name in ("one", "two")]
    spent = Budget(ends=0, clock=lambda: 1 if registry.count("delete_manifests") else -1)
    made = repository_plan(APP, level(remove(doomed[0])), level(remove(doomed[1])), kept=kept)
    first = await bench.run(made, budget=spent)
    second = await bench.run()
    for result in (first, second):
        (only,) = result.repositories
        assert only.check
        assert only.check.coverage
        assert only.check.coverage.tags == Looked(0, 0, SAMPLE, MANY)
    assert (first.incomplete, second.incomplete) == (True, False)


async def test_after_a_loss_the_next_attempt_looks_at_all(bench: Bench) -> None:
    registry = bench.registry
    kept, old = filled(registry), registry.image(APP, "old", "old")
    registry.hook = once(before("delete_manifests"), lambda: registry.contents[APP].tags.pop(Tag("v0007")))
    registry.answer = lambda _: Deleted()  # which is not so
    assert (await bench.run(repository_plan(APP, level(remove(old, "old")), kept=kept))).losses
    registry.contents[APP].tags[Tag("v0007")] = kept["v0007"]
    registry.answer = lambda _: None
    check = await bench.check()
    assert check.coverage
    assert check.coverage.tags == Looked(0, MANY, 0, 0)


async def test_what_is_tied_to_what_is_not_known_without_the_bytes_so_that_all_is_looked_at(bench: Bench) -> None:
    registry = bench.registry
    kept, old = filled(registry), registry.image(APP, "old", "old")
    made = repository_plan(APP, level(remove(old, "old")), kept=kept)
    bench.cache = SqliteDigestCache(None)
    contents = registry.contents[APP].manifests
    await bench.cache.learn_manifests(contents[digest] for tag, digest in kept.items() if tag != "v0005")
    report = await check_after(registry.open(APP), bench.cache, made, Deletions({}), sampling=Sampling((), Random(0)))
    assert report.coverage
    assert report.coverage.left_out == 0


def came_to_nothing(check: CheckReport) -> bool:
    return not (check.losses or check.moved or check.renewed or check.served)


# Looks before a deletion


def tag_looks(registry: MemoryRegistry) -> Iterator[Tag]:
    for verb, arguments in registry.calls:
        if verb.startswith("resolve") and isinstance(tag := arguments[1], Tag) and ":" not in tag:
            yield tag


async def test_by_digest_a_tag_is_looked_at_once_before_and_a_sample_after(bench: Bench) -> None:
    """However many passes there are: an index, its part and what is about that."""
    registry = bench.registry
    kept = filled(registry)
    child = registry.image(APP, "child")
    about = registry.image(APP, "about", subject=child)
    index = registry.index(APP, [child], "index")
    doomed = [registry.image(APP, f"old {number}", f"old-{number}") for number in range(20)]
    first = level(remove(index, "index"), *(remove(each, f"old-{at}") for at, each in enumerate(doomed)))
    made = repository_plan(APP, first, level(remove(child)), level(remove(about)), kept=kept)
    result = await bench.run(made)
    assert result.counts == {"deleted": 23}
    assert len([*tag_looks(registry)]) == MANY + 21 + SAMPLE
    assert registry.count("list_tags") == 4, "one for each pass, and the check"


async def test_before_tombstones_go_tags_are_looked_at_and_their_manifests_go_by_the_same_look(bench: Bench) -> None:
    registry = bench.registry
    kept = filled(registry)
    doomed = {f"old-{number}": registry.image(APP, f"old {number}", f"old-{number}") for number in range(20)}
    steps = Pass("tombstone", tuple(tombstone(tag, digest) for tag, digest in doomed.items()))
    made = repository_plan(APP, steps, level(*map(remove, doomed.values())), kept=kept)
    result = await bench.run(made)
    assert result.counts == {"deleted": 40}
    left_behind = 1
    assert len([*tag_looks(registry)]) == 20 + MANY + left_behind + SAMPLE


async def test_by_name_a_tag_is_looked_at_right_before_it_goes(bench: Bench) -> None:
    registry = bench.registry
    kept = filled(registry)
    made = repository_plan(
        APP,
        Pass("untag", tuple(untag(f"old-{at}", registry.image(APP, f"old {at}", f"old-{at}")) for at in range(20))),
        kept=kept,
    )
    result = await bench.run(made)
    assert result.counts == {"deleted": 20}
    assert len([*tag_looks(registry)]) == 20 + SAMPLE


@pytest.mark.usefixtures("looks_are_shared")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("of", ["new", "keep", "b"])
async def test_what_was_moved_before_the_first_look_saves_what_it_is_on(tmp_path: Path, way: Way, of: str) -> None:
    """A new tag, a kept one and one that was to go."""
    there = world(way)
    there.tags()[Tag(of)] = there.digests["a"]
    outcomes = came_of(await Bench(tmp_path, there.registry).run(there.plan))
    assert outcomes[there.digests["a"]] == Needed(of)
    assert there.has("a")
    if of == "b":
        assert MovedMeanwhile(there.digests["a"]) in outcomes.values()


@pytest.mark.usefixtures("looks_are_shared")
@pytest.mark.parametrize("way", WAYS)
async def test_a_new_tag_is_seen_whatever_was_looked_at_before(tmp_path: Path, way: Way) -> None:
    """Since names are listed for each pass."""
    there = world(way)
    listings = {"plain": 1, "tombstone": 3}.get(way, 2)
    there.registry.hook = once(
        lambda _: there.registry.count("list_tags") == listings,
        lambda: there.tags().update({Tag("new"): there.digests["a"]}),
    )
    assert came_of(await Bench(tmp_path, there.registry).run(there.plan))[there.digests["a"]] == Needed("new")


@pytest.mark.usefixtures("looks_are_shared")
async def test_a_tag_that_went_and_is_listed_again_is_looked_at(tmp_path: Path) -> None:
    """It went with its manifest in the first pass; somebody pushed it anew, onto an index of what goes in the
    second."""
    registry = MemoryRegistry()
    first, second = registry.image(APP, "first", "v1"), registry.image(APP, "second")
    made = repository_plan(APP, level(remove(first, "v1")), level(remove(second)))
    registry.hook = once(lambda _: "v1" not in registry.contents[APP].tags, lambda: registry.index(APP, [second], "v1"))
    assert came_of(await Bench(tmp_path, registry).run(made)) == {first: Deleted(), second: Needed("v1")}


class LeavingTags(Dangling):
    """Tags stay in the list, on nothing, when their manifest is deleted."""

    def _delete_manifest(self, content: Content, digest: Digest) -> Outcome:
        left = {tag: on for tag, on in content.tags.items() if on == digest}
        outcome = super()._delete_manifest(content, digest)
        content.tags.update(left)
        return outcome


@pytest.mark.usefixtures("looks_are_shared", "reach_alone")
async def test_a_kept_tag_that_was_moved_within_the_minute_is_found_where_tags_outlive_their_manifest(
    tmp_path: Path,
) -> None:
    """Onto what goes in the second pass, as somebody does who takes a release back. All names are listed then."""
    registry = LeavingTags()
    kept = registry.image(APP, "kept", "keep")
    first, second = registry.image(APP, "first", "old"), registry.image(APP, "second")
    made = repository_plan(APP, level(remove(first, "old")), level(remove(second)), kept={"keep": kept})
    content = registry.contents[APP]
    registry.hook = once(lambda _: first not in content.manifests, lambda: content.tags.update({Tag("keep"): second}))
    report = await Bench(tmp_path, registry).check(made)
    assert report.losses == (Loss(kept, Tag("keep")),)


@pytest.mark.usefixtures("looks_are_shared")
async def test_a_copy_of_a_tombstone_is_seen_by_a_look_of_its_own(tmp_path: Path) -> None:
    """A kept tag is looked at before, because of a signature; then somebody copies the tombstone onto it."""
    there = world("tombstone")
    assert any(tag.startswith("sha256-") for tag in there.tags())
    there.registry.hook = once(
        lambda point: there.registry.count("push_manifest") == 7 and point.verb == "list_tags",
        lambda: there.tags().update({Tag("keep"): there.tags()[Tag("b")]}),
    )
    outcomes = came_of(await Bench(tmp_path, there.registry).run(there.plan))
    assert there.at("keep")
    assert outcomes["b"] == Needed("keep")
