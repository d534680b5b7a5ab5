"""What went as planned is told in one line; whatever did not is told by name."""

import pytest

from holystone.engine.executor.results import CheckReport, Coverage, Looked, RepositoryResult, RunResult
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, MovedMeanwhile, Outcome
from holystone.engine.model.plan import Pass, RepositoryPlan, StepId
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.report.document import repository_reports
from holystone.engine.report.result_text import result_lines
from tests.support.small_plans import level, plan, remove, repository_plan, untag

ONE, TWO = Digest.of(b"one"), Digest.of(b"two")
REPOSITORIES = [
    Repository(RegistryHost("registry.example"), RepositoryPath.parse(f"shop/{name}")) for name in ("a", "b", "c")
]
PLAN = plan(
    *(
        repository_plan(each, Pass("untag", (untag("one", ONE),)), level(remove(TWO, "two", "more")), kept={"k": ONE})
        for each in REPOSITORIES
    )
)
ALL_WENT: tuple[Outcome, ...] = (Deleted(), AlreadyGone())


def lines(
    *outcomes: tuple[Outcome, ...], moved: tuple[Tag, ...] = (), renewed: tuple[Tag, ...] = (), not_tried: int = 0
) -> list[str]:
    results = [
        RepositoryResult(planned.repository, _by_id(planned, each), not_tried, None, CheckReport((), moved, renewed))
        for planned, each in zip(PLAN.repositories, outcomes, strict=True)
    ]
    return list(result_lines("r1", PLAN, RunResult(tuple(results))))


@pytest.mark.parametrize(
    ("coverage", "told"),
    [
        (Coverage(Looked(0, 1, 0, 0)), "All 3 tags that were to stay are still there."),
        (Coverage(Looked(5, 9, 500, 500), Looked(0, 1, 20, 20)), "All 3 tags that were to stay are still there."),
        (
            Coverage(Looked(0, 312, 200, 9588)),
            "All 3 tags that were to stay are listed; looked at: 936 that a deletion could have reached, and 600 of "
            "the other 28,764.",
        ),
        (
            Coverage(Looked(0, 0, 1, 1), Looked(0, 12, 200, 1000)),
            "All 3 tags that were to stay are listed; looked at: 3 of 3. Of manifests without a tag: 36 that a "
            "deletion could have reached, and 600 of the other 3,000.",
        ),
    ],
)
def test_what_was_checked_how_is_told_where_not_all_was_looked_at(coverage: Coverage, told: str) -> None:
    results = [
        RepositoryResult(each.repository, _by_id(each, ALL_WENT), 0, None, CheckReport((), (), coverage=coverage))
        for each in PLAN.repositories
    ]
    result = RunResult(tuple(results))
    assert [*result_lines("r1", PLAN, result)][-1] == f"Run r1 is done. {told}"
    assert {report.checked for report in repository_reports(PLAN, result)} == {coverage}


def _by_id(planned: RepositoryPlan, outcomes: tuple[Outcome, ...]) -> dict[StepId, Outcome]:
    return {step.id: outcome for step, outcome in zip(planned.steps, outcomes, strict=True)}


def test_what_went_as_planned_is_one_line() -> None:
    assert lines(ALL_WENT, ALL_WENT, ALL_WENT) == [
        "As planned, in 3 repositories: 9 tags and 3 manifests deleted (at most 3 B)",
        "Run r1 is done. All 3 tags that were to stay are still there.",
    ]


def test_a_repository_where_something_else_happened_has_lines_of_its_own() -> None:
    assert lines(ALL_WENT, (MovedMeanwhile(TWO), Deleted()), ALL_WENT)[:3] == [
        "registry.example/shop/b: 2 tags and 1 manifest deleted (at most 1 B)",
        f"  one: left alone: the tag moved to {TWO.short} after it was planned",
        "As planned, in 2 repositories: 6 tags and 2 manifests deleted (at most 2 B)",
    ]


def test_steps_are_told_in_the_order_of_the_plan_whatever_was_done_first() -> None:
    planned = PLAN.repositories[0]
    outcomes = dict(reversed(_by_id(planned, (Failed("no"), Failed("nor this"))).items()))
    result = RunResult([RepositoryResult(planned.repository, outcomes, 0, None, None)])
    only = plan(planned)
    told = list(result_lines("r1", only, result))
    assert told[1:3] == ["  one: failed: no", "  two, more: failed: nor this"]
    (report,) = repository_reports(only, result)
    assert [each.digest for each in report.steps] == [ONE, TWO]
    assert [each.outcome for each in report.steps] == [Failed("no"), Failed("nor this")]


def test_one_repository_is_told_by_name() -> None:
    told = lines((Failed("no"), Failed("no")), (Deleted(), Failed("no")), ALL_WENT)
    assert not any(line.startswith("As planned") for line in told)
    assert told[0] == "registry.example/shop/a: 0 tags and 0 manifests deleted (at most 0 B)"
    assert "registry.example/shop/c: 3 tags and 1 manifest deleted (at most 1 B)" in told


def test_tags_that_people_moved_are_named() -> None:
    assert lines(ALL_WENT, ALL_WENT, ALL_WENT, moved=(Tag("k"),)).count(
        "  note: k stays, and somebody moved it meanwhile"
    ) == len(REPOSITORIES)


def test_tags_that_came_back_are_named() -> None:
    assert lines(ALL_WENT, ALL_WENT, ALL_WENT, renewed=(Tag("two"),)).count(
        "  note: two was to go, and somebody moved it meanwhile or pushed it anew: it is left alone"
    ) == len(REPOSITORIES)


def test_a_repository_with_deletions_left_is_not_as_planned() -> None:
    told = lines(ALL_WENT, ALL_WENT, ALL_WENT, not_tried=2)
    assert told.count("  2 deletions not tried") == len(REPOSITORIES)
