"""Events as Prometheus metrics: what the listener makes of them."""

from collections.abc import Iterable

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from holystone.engine.model.events import (
    Begun,
    Checked,
    Done,
    Ended,
    Event,
    Halted,
    Paused,
    Planned,
    Refused,
    Retried,
    Sent,
    Throttled,
)
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath
from holystone.ui.metrics import MOST_REPOSITORIES, RunMetrics

HOST, OTHER = RegistryHost("registry.example"), RegistryHost("other.example")


def repository(name: str, host: RegistryHost = HOST) -> Repository:
    return Repository(host, RepositoryPath.parse(name))


ONE, TWO = repository("team/one"), repository("two", OTHER)
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(events: Iterable[Event], *, looks: bool = False, before: float | None = None, took: float = 5.0) -> Samples:
    now = 1_000.0
    metrics = RunMetrics(looks=looks, clock=lambda: now)
    now += took
    for event in events:
        metrics.heard(event)
    text = generate_latest(metrics.registry(before)).decode()
    assert len(text.splitlines()) == len(set(text.splitlines()))
    return {
        (sample.name.removeprefix("holystone_run_last_"), tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def labelled(found: Samples, name: str) -> dict[tuple[str, ...], float]:
    return {tuple(value for _, value in labels): number for (each, labels), number in found.items() if each == name}


RUN: tuple[Event, ...] = (
    Sent(HOST, "read"),
    Sent(HOST, "read"),
    Throttled(HOST, "read", "429", None),
    Paused(HOST, "429", 3.0),
    Retried(HOST, "read", 2, "429"),
    Sent(OTHER, "delete"),
    Planned(ONE, 7, 3, 4),
    Planned(TWO, 1, 0, 0),
    Begun("r1", 4),
    Checked(ONE, 1, 0, 20, 5),
    Done(ONE, 1, "it broke", 2, {"deleted": 2, "failed": 1}),
    Ended("cleanup", 1),
)


def test_a_run_is_counted() -> None:
    found = samples(RUN)
    assert labelled(found, "requests") == {("read", HOST): 2, ("delete", OTHER): 1}
    assert labelled(found, "requests_throttled") == {("read", HOST): 1}
    assert labelled(found, "requests_retried") == {("read", HOST): 1}
    assert labelled(found, "pauses") == {(HOST,): 1}
    assert labelled(found, "tags_kept") == {(HOST, "team/one"): 7, (OTHER, "two"): 1}
    assert labelled(found, "tags_doomed") == {(HOST, "team/one"): 3, (OTHER, "two"): 0}
    assert labelled(found, "tags_deleted") == {(HOST, "team/one"): 2, (OTHER, "two"): 0}
    assert labelled(found, "losses") == {(HOST,): 1}
    assert labelled(found, "repositories") == labelled(found, "repositories_stopped") == {(HOST,): 1}
    assert labelled(found, "steps") == {("deleted",): 2, ("failed",): 1, ("not-tried",): 1}
    assert found["exit_code", ()] == 1
    assert found["start_timestamp_seconds", ()] == 1_000
    assert found["end_timestamp_seconds", ()] == 1_005
    assert found["duration_seconds", ()] == 5


def test_steps_of_repositories_whose_turn_never_came_were_not_tried() -> None:
    found = samples([Begun("r1", 10), Done(ONE, 1, "interrupted", 2, {"deleted": 2})])
    assert labelled(found, "steps") == {("deleted",): 2, ("not-tried",): 8}


def test_an_undo_says_its_steps_only_as_it_goes() -> None:
    found = samples([Begun("r1", 0), Done(ONE, 2, "", 0, {"restored": 3})])
    assert labelled(found, "steps") == {("restored",): 3, ("not-tried",): 2}


def test_a_clock_that_is_set_back_is_no_negative_time() -> None:
    assert samples([Ended("cleanup", 0)], took=-60.0)["duration_seconds", ()] == 0


def test_refusals_are_counted_by_promise() -> None:
    found = samples(
        [Refused("fuse", "share-exceeded"), Refused("fuse", "number-exceeded"), Refused("locked", "locked")]
    )
    assert labelled(found, "refusals") == {("fuse",): 2, ("locked",): 1}


def test_of_what_there_is_nothing_there_is_a_zero() -> None:
    """A Pushgateway keeps what a later run says nothing about."""
    found = samples([Ended("cleanup", 0)])
    assert labelled(found, "losses") == labelled(found, "refusals") == {("",): 0}
    assert labelled(found, "requests") == {("", ""): 0}


@pytest.mark.parametrize(
    ("code", "looks", "before", "success"),
    [(0, False, 7.0, 1_005), (3, False, 7.0, 7), (0, True, 7.0, 7), (3, False, None, None)],
)
def test_the_last_success_outlives_what_is_none(
    code: int, looks: bool, before: float | None, success: float | None
) -> None:
    found = samples([Ended("cleanup", code)], looks=looks, before=before)
    assert found.get(("success_timestamp_seconds", ())) == success


def test_many_repositories_are_counted_by_registry_alone() -> None:
    few = samples(Planned(repository(f"r{number}"), 2, 1, 1) for number in range(MOST_REPOSITORIES))
    assert len(labelled(few, "tags_kept")) == MOST_REPOSITORIES
    many = samples(
        [
            *(Planned(repository(f"r{number}"), 2, 1, 1) for number in range(MOST_REPOSITORIES + 300)),
            Planned(TWO, 5, 5, 5),
            Done(repository("r1"), 0, "", 1, {}),
        ]
    )
    assert labelled(many, "tags_kept") == {(HOST, ""): 2 * (MOST_REPOSITORIES + 300), (OTHER, ""): 5}
    assert labelled(many, "tags_doomed") == {(HOST, ""): MOST_REPOSITORIES + 300, (OTHER, ""): 5}
    assert labelled(many, "tags_deleted") == {(HOST, ""): 1, (OTHER, ""): 0}


def test_what_ended_a_run_before_all_was_done_is_told() -> None:
    assert labelled(samples([Halted("time", 3, 4)]), "halted") == {("time",): 1}
    assert labelled(samples([]), "halted") == {("",): 0}
