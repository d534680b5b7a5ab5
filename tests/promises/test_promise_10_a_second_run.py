"""A second run plans nothing: whatever a run could do, it did; what it could not do has an outcome that says so."""

from pathlib import Path
from random import Random
from typing import Any

import pytest

from holystone.adapters.http.dates import Dates
from holystone.adapters.state.sqlite import Journal
from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.engine.executor import execute_plan
from holystone.engine.inventory.snapshot import read_repository
from holystone.engine.model.delete_reasons import NotNeeded
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Locked, Needed, Outcome, StillReferenced
from holystone.engine.model.plan import Plan, Step
from holystone.engine.model.reasons import NotAsked
from holystone.engine.model.references import Digest, Repository, Tag
from holystone.engine.model.verdicts import Delete, Keep, Verdict
from holystone.engine.planner.facts import TagFacts
from holystone.engine.ports import RepositorySession
from holystone.engine.report.words import outcome_text
from holystone.workflows.decision import Decision
from holystone.workflows.inventory import RepositoryTarget
from holystone.workflows.planning import PlanningOptions, make_plan
from tests.support.mannered_registry import ManneredRegistry, any_capabilities
from tests.support.memory_registry import repository
from tests.support.spools import FOLDER, results

APP = repository()
ROUNDS, EACH = 6, 25


class Only:
    """Connections to one registry."""

    def __init__(self, registry: ManneredRegistry) -> None:
        self._registry = registry
        self.dates = Dates()

    async def session(self, repository: Repository, *_: object) -> RepositorySession:
        return self._registry.open(repository)


def fill(registry: ManneredRegistry, random: Random) -> set[str]:
    """Whatever can be pushed; the tags that are to go."""
    made: list[Digest] = []
    tagged: list[str] = []
    for number in range(random.randint(2, 8)):
        tags = [f"t{number}"] if random.random() < 0.7 else []
        tags += [f"t{number}b"] if tags and random.random() < 0.3 else []
        kind = random.random()
        if made and kind < 0.3:
            raw = registry.index(APP, random.sample(made, random.randint(1, min(3, len(made)))), *tags)
        else:
            subject = random.choice(made) if made and kind < 0.5 else None
            raw = registry.image(APP, f"i{number}", *tags, subject=subject)
        made.append(raw)
        tagged += tags
    for digest in made:
        if random.random() < 0.2:
            registry.image(APP, f"signature of {digest}", f"sha256-{digest.hex}.sig")
    return {tag for tag in tagged if random.random() < 0.6}


async def planned(registry: ManneredRegistry, doomed: set[str]) -> Plan:
    cache = SqliteDigestCache(None)
    snapshot = await read_repository(registry.open(APP), cache, needs_config=lambda _: False)
    verdicts: dict[Tag, Verdict] = {
        tag: Delete((NotNeeded(),)) if tag in doomed else Keep((NotAsked(),)) for tag in snapshot.tags
    }
    connections: Any = Only(registry)
    return await make_plan(
        connections,
        cache,
        Decision(verdicts={APP: verdicts}, facts={APP: TagFacts()}, notices=(), refusals=()),
        {APP: snapshot},
        {APP: RepositoryTarget(APP, "memory", "images")},
        PlanningOptions("test", 0, None, FOLDER),
    )


def aims(step: Step) -> set[str]:
    return {step.digest, *step.tags}


@pytest.mark.parametrize("round_", range(ROUNDS))
@pytest.mark.parametrize("stubborn", [False, True])
async def test_what_is_planned_again_was_told_not_to_have_gone(tmp_path: Path, round_: int, *, stubborn: bool) -> None:
    """`stubborn`: some deletions are refused, or fail, whatever is asked."""
    for seed in range(round_ * EACH, (round_ + 1) * EACH):
        random = Random(seed)
        registry = ManneredRegistry(any_capabilities(random))
        doomed = fill(registry, random)
        if stubborn:
            answers: tuple[Outcome, ...] = (Locked("a rule"), Failed("500"))
            hard = {
                name: random.choice(answers)
                for name in (*registry.contents[APP].tags, *registry.contents[APP].manifests)
                if random.random() < 0.15
            }
            registry.answer = hard.get
        plan = await planned(registry, doomed)
        kept = {each.tag: each.digest for each in plan.repositories[0].kept}
        with Journal.open(tmp_path / str(seed)) as journal:
            run = await journal.begin(plan, "test")
            result = await execute_plan(run, registry.planned, SqliteDigestCache(None), results(), sleep=_at_once)
        (done,) = result.repositories
        assert result.losses == (), seed
        assert kept.items() <= registry.contents[APP].tags.items(), seed
        assert set(plan.repositories[0].kept_manifests) <= registry.contents[APP].manifests.keys(), seed
        left = {step_id: each for step_id, each in done.outcomes.items() if not isinstance(each, Deleted | AlreadyGone)}
        assert all(map(outcome_text, left.values()))
        # An index that nobody can know of, since it has no tag, may hold something where the registry refuses that.
        unknown = all(isinstance(each, StillReferenced | Needed) for each in left.values())
        assert stubborn or unknown, (seed, done.outcomes)
        told = {name for step in plan.repositories[0].steps if step.id in left for name in aims(step)}
        again = await planned(registry, doomed)
        assert all(aims(step) & told for step in again.repositories[0].steps), (seed, done.outcomes, again)


async def _at_once(seconds: float) -> None:
    pass
