"""A message stays readable however many repositories it is about."""

from holystone.cleanup.message import refusal
from holystone.engine.model.plan import Plan, Refusal
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath


def plan_of(*refusals: Refusal) -> Plan:
    return Plan(as_of=1, command="cleanup", repositories=(), refusals=refusals)


def repository(number: int) -> Repository:
    return Repository(RegistryHost("r.example"), RepositoryPath(f"app/{number}"))


def test_one_cause_in_many_repositories_is_told_once() -> None:
    error = refusal(
        plan_of(*(Refusal("deletion-disabled", repository(n), "it is off", "switch it on") for n in range(9)))
    )
    assert error is not None
    assert (error.exit_code, error.message) == (
        1,
        "r.example/app/0, r.example/app/1, r.example/app/2, r.example/app/3, r.example/app/4 and 4 more: it is off.",
    )
    assert error.what_to_do == "Switch it on."


def test_many_causes_are_cut_to_a_few() -> None:
    error = refusal(plan_of(*(Refusal("fuse", repository(n), f"{n} of 20 go", "read the plan") for n in range(50))))
    assert error is not None
    assert error.exit_code == 3
    assert error.message.splitlines()[-1] == "… and 45 more like these."
    assert error.what_to_do == "Read the plan."


def test_no_refusal() -> None:
    assert refusal(plan_of()) is None
