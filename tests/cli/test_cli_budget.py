"""A night at a time: `prune` with a budget, and `resume` that goes on."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from holystone.engine.model.references import RepositoryPath
from holystone.engine.scheduler import moment
from holystone.workflows import budget
from tests.support import images
from tests.support.command_line import Ran, bench, now
from tests.support.dated_registry import DAY, Registry, aged


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """Of three repositories the second has the largest images, and the first the smallest."""
    with bench(tmp_path) as made:
        found = Registry(made)
        for path, size in (("shop/a", 1), ("shop/b", 5000), ("shop/c", 500)):
            push(found, path, size, 6)
        yield found


def push(registry: Registry, path: str, size: int, number: int) -> None:
    """Images with a layer of so many bytes, or a few more."""
    storage, at = registry.bench.registry.storage, RepositoryPath(path)
    for tag, days in aged("v", number).items():
        built = dt.datetime.fromtimestamp(now() - days * DAY, dt.UTC).isoformat()
        config = images.config(f"{path}:{tag}", created=built, labels={"weight": "x" * size})
        storage.put_blob(at, config)
        raw = images.image(config, layer_type="application/vnd.oci.image.layer.v1.tar", oci=True)
        storage.put_manifest(at, raw.body, raw.media_type, tag)


def prune(registry: Registry, *more: str) -> Ran:
    pattern = f"{registry.bench.registry.host}/shop/*"
    return registry.bench.run("prune", pattern, "--keep", "newest=2", "--yes-delete-that-many", *more)


def an_hour_ago() -> float:
    return moment() - 3600


def left(registry: Registry) -> list[int]:
    return [len(registry.tags(path)) for path in ("shop/a", "shop/b", "shop/c")]


def states(registry: Registry) -> list[str]:
    return [line.split()[1] for line in registry.bench.run("runs").out.splitlines()[1:]]


def whole(registry: Registry) -> bool:
    """Whether each tag is on what was pushed for it, and no tombstone."""
    repositories = registry.bench.registry.storage.repositories
    return all(
        b"holystone" not in repositories[RepositoryPath(path)].manifests[digest].body
        for path in ("shop/a", "shop/b", "shop/c")
        for digest in repositories[RepositoryPath(path)].tags.values()
    )


def test_a_small_budget_stops_the_run_cleanly_and_resume_finishes_it(registry: Registry) -> None:
    before = registry.bench.contents()
    ran = prune(registry, "--request-budget=30", "--parallel-tasks-limit=1")
    assert ran.code == 4, ran
    assert "was stopped by its budget" in ran.err
    assert "The requests that it was given are sent." in ran.err
    assert "At this pace that takes" in ran.err
    assert all(2 <= each <= 6 for each in left(registry))
    assert 6 < sum(left(registry)) < 18
    assert whole(registry)
    (run,) = [line.split()[0] for line in registry.bench.run("runs").out.splitlines()[1:]]
    again = registry.bench.run("resume", "--request-budget=1")
    assert again.code == 4, again
    assert whole(registry)
    assert registry.bench.run("resume").code == 0
    assert left(registry) == [2, 2, 2]
    assert registry.bench.run("undo", run).code == 0
    assert registry.bench.contents() == before


def test_json_says_what_stopped_it_and_what_is_left(registry: Registry) -> None:
    document = prune(registry, "--request-budget=25", "--output=json").json
    assert (document["ending"], document["exit_code"]) == ("partial", 4)
    halt = document["halt"]
    assert halt["budget"] == "requests"
    assert halt["settled"] > 0
    assert halt["not_tried"] == sum(each["not_tried"] for each in document["repositories"])
    assert halt["nights"] == -(-halt["not_tried"] // halt["settled"])
    assert registry.bench.run("resume", "--output=json").json["halt"] is None


def test_time_that_is_over_before_it_begins_leaves_the_plan_in_the_journal(registry: Registry) -> None:
    with mock.patch.object(budget, "moment", an_hour_ago):
        ran = prune(registry, "--time-budget=1h")
    assert ran.code == 4, ran
    assert "The time that it was given is over." in ran.err
    assert "At this pace" not in ran.err
    assert "Not begun, in 3 repositories: 12 deletions" in ran.out
    assert left(registry) == [6, 6, 6]
    assert states(registry) == ["open"]
    assert registry.bench.run("resume", "--time-budget=1h").code == 0
    assert left(registry) == [2, 2, 2]


def test_what_frees_most_goes_first(tmp_path: Path) -> None:
    with bench(tmp_path) as made:
        registry = Registry(made)
        weights = {f"shop/r{number}": number * 7 % 12 for number in range(12)}
        for path, weight in weights.items():
            push(registry, path, 500 * weight, 6)
        assert prune(registry, "--request-budget=30").code == 4
        begun = {path for path in weights if len(registry.tags(path)) < 6}
        assert 0 < len(begun) < 12
        assert begun == set(sorted(weights, key=lambda path: -weights[path])[: len(begun)])


def test_prune_beside_a_run_that_was_stopped_makes_a_plan_of_its_own(registry: Registry) -> None:
    """As docs/retention.md says."""
    assert prune(registry, "--request-budget=25").code == 4
    assert prune(registry).code == 0
    assert left(registry) == [2, 2, 2]
    assert sorted(states(registry)) == ["finished", "open"]
    assert registry.bench.run("resume").code == 0
    assert left(registry) == [2, 2, 2]
    assert states(registry) == ["finished", "finished"]
