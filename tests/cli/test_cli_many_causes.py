"""A message stays readable however many repositories it is about."""

from holystone.engine.errors import HolystoneError, RegistryFailure, Unreachable
from holystone.engine.executor.results import RepositoryResult, RunResult, Stopped
from holystone.engine.model.plan import Plan
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath
from holystone.engine.model.refusals import CannotDelete, NumberExceeded, Refusal
from holystone.engine.report.causes import failure, refusal


def plan_of(*refusals: Refusal) -> Plan:
    return Plan(as_of=1, command="cleanup", repositories=(), refusals=refusals)


def repository(number: int, host: str = "r.example") -> Repository:
    return Repository(RegistryHost(host), RepositoryPath(f"app/{number}"))


def stopped(*causes: tuple[Repository, HolystoneError]) -> list[str]:
    """The message of a run whose repositories were stopped by these, line by line."""
    results = [RepositoryResult(at, {}, not_tried=1, stopped=Stopped.by(error), check=None) for at, error in causes]
    error = failure("r1", RunResult(tuple(results)))
    assert error is not None
    return error.message.splitlines()


def test_one_cause_in_many_repositories_is_told_once() -> None:
    error = refusal(plan_of(*(CannotDelete(repository(n), "it is off") for n in range(9))))
    assert error is not None
    assert (error.exit_code, error.message) == (
        1,
        "r.example/app/0, r.example/app/1, r.example/app/2, r.example/app/3, r.example/app/4 and 4 more: it is off.",
    )
    assert error.what_to_do.startswith("Switch deletion on at the registry")


def test_many_causes_are_cut_to_a_few() -> None:
    error = refusal(plan_of(*(NumberExceeded(repository(n), n, total=60, most=3) for n in range(50))))
    assert error is not None
    assert error.exit_code == 3
    assert error.message.splitlines()[-1] == "… and 45 more like these."
    assert error.what_to_do == (
        "Read the plan (all of it: --dry-run --yes-delete-that-many); if it is what you want, run again with "
        "--yes-delete-that-many."
    )


def test_no_refusal() -> None:
    assert refusal(plan_of()) is None


def test_a_host_that_does_not_answer_is_told_once() -> None:
    def unreachable(number: int, host: str) -> tuple[Repository, HolystoneError]:
        failed = (
            f"HEAD /v2/app/{number}/manifests/v{number} at {host} failed: no answer (gave up after {number} attempts)."
        )
        return repository(number, host), Unreachable(failed, what_to_do="Check the network.")

    lines = stopped(*(unreachable(n, "r.example") for n in range(50)), *(unreachable(n, "s.example") for n in range(2)))
    assert lines == [
        "Run r1 is not finished: 52 deletions not tried.",
        "HEAD /v2/app/0/manifests/v0 at r.example failed: no answer (gave up after 0 attempts).",
        "Check the network.",
        "So it was with 49 more of its repositories.",
        "HEAD /v2/app/0/manifests/v0 at s.example failed: no answer (gave up after 0 attempts).",
        "So it was with 1 more of its repositories.",
    ]


def test_what_stopped_many_repositories_is_cut_to_a_few() -> None:
    lines = stopped(
        *((repository(n), RegistryFailure(f"{n} is ill.", what_to_do="Run again when it is well.")) for n in range(50))
    )
    assert lines[1:3] == ["0 is ill.", "Run again when it is well."]
    assert lines[-1] == "… and 45 more like these."
    assert len(lines) == 8
