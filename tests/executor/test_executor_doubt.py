"""Answers that may have been the ones to other questions stop what was decided on them."""

from pathlib import Path

from holystone.adapters.state.sqlite import Journal
from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.engine.errors import Doubtful, PlanDoubtful
from holystone.engine.executor import RunResult, execute_plan
from holystone.engine.model.outcomes import Deleted, Failed
from holystone.engine.model.plan import RepositoryPlan
from holystone.engine.model.references import Repository, Tag
from tests.support.execution import Execute
from tests.support.memory_registry import MemoryRegistry
from tests.support.small_plans import level, plan, remove, repository_plan
from tests.support.small_worlds import APP
from tests.support.spools import results


async def run(folder: Path, registry: MemoryRegistry, doubt: Doubtful, *plans: RepositoryPlan) -> RunResult:
    """The doubt is there once something was deleted."""

    async def settle(_: Repository) -> None:
        if "delete_manifests" in {name for name, _ in registry.calls}:
            raise doubt

    with Journal.open(folder) as journal:
        begun = await journal.begin(plan(*plans), "cleanup")
        return await execute_plan(begun, registry.planned, SqliteDigestCache(None), results(), settle=settle)


def two_levels(registry: MemoryRegistry) -> RepositoryPlan:
    child = registry.image(APP, "child")
    index, moved = registry.index(APP, [child], "index"), registry.image(APP, "moved", "moved")
    return repository_plan(APP, level(remove(index, "index"), remove(moved, "moved")), level(remove(child)))


async def test_a_doubt_stops_the_later_passes_and_resume_looks_again_at_what_was_left_alone(
    tmp_path: Path, execute: Execute
) -> None:
    registry = MemoryRegistry()
    both = two_levels(registry)
    wrong = registry.image(APP, "another")
    right = registry.contents[APP].tags[Tag("moved")]
    registry.contents[APP].tags[Tag("moved")] = wrong  # as an answer to another question says
    result = await run(tmp_path, registry, Doubtful("somebody answers twice"), both)
    index, moved = both.passes[0].steps
    outcomes = result.repositories[0].outcomes
    assert outcomes.keys() == {index.id, moved.id}
    assert outcomes[index.id] == Deleted()
    assert isinstance(outcomes[moved.id], Failed)
    assert (result.doubtful, result.plan_is_doubtful, result.incomplete) == (True, False, True)
    registry.contents[APP].tags[Tag("moved")] = right
    again = await execute(registry)
    assert again.counts == {"deleted": 3}


async def test_a_doubt_about_what_the_plan_was_made_of_ends_the_run(tmp_path: Path) -> None:
    registry = MemoryRegistry()
    result = await run(tmp_path, registry, PlanDoubtful("somebody answers twice"), two_levels(registry))
    assert (result.plan_is_doubtful, result.incomplete, result.not_tried) == (True, True, 1)
    with Journal.open(tmp_path) as journal:
        assert [record.state for record in await journal.runs()] == ["finished"]
