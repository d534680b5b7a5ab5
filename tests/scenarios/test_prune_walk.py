"""What an operator does with many repositories on two registries, from the file of policies to the undo, and what each
command says and leaves."""

import datetime as dt
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from holystone.embedded.faults import Answer, Fault
from holystone.embedded.quirks import OCI
from holystone.embedded.server import EmbeddedRegistry
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.references import RepositoryPath
from tests.support import images
from tests.support.command_line import Bench, Ran, bench, now
from tests.support.tiny_project import Contents, contents

pytestmark = pytest.mark.slow

DAY = 86_400
POLICIES = """\
format: 1
in-use: {kubernetes: none, lists: [in-use.txt]}
policies:
  - name: apps
    repositories: [ONE/shop/**, OTHER/shop/**]
    keep:
      - {tags: v-*, newest: 3}
      - {tags: [latest, multi], optional: true}
"""


class Walk:
    """Two registries, one of which deletes by digest only, with the same repositories; and a person."""

    def __init__(self, bench: Bench, other: EmbeddedRegistry, many: int) -> None:
        """`many`: repositories on each of the two."""
        self.bench = bench
        self.registries = bench.registry, other
        for registry in self.registries:
            for number in range(many):
                self._fill(registry, f"shop/app-{number:03}", number)
        self.bad = f"{other.host}/shop/bad"
        self._fill(other, "shop/bad", 0)
        other.faults.add(Fault("GET", "/v2/shop/bad/tags/list", Answer(404, b"<html>"), times=None))
        (bench.project / "in-use.txt").write_text(f"{other.host}/shop/app-007:v-5\n")
        (bench.project / "holystone.yaml").write_text(
            POLICIES.replace("ONE", bench.registry.host).replace("OTHER", other.host)
        )

    def run(self, *arguments: str) -> Ran:
        return self.bench.run(*arguments)

    def contents(self) -> list[Contents]:
        return [contents(each.storage) for each in self.registries]

    def tags(self, registry: EmbeddedRegistry, path: str) -> set[str]:
        return set(map(str, registry.storage.repositories[RepositoryPath(path)].tags))

    def doomed_left(self) -> int:
        """How many of the tags that are to go are there."""
        return sum(
            len(self.tags(registry, str(path)) - self.staying(registry, str(path)))
            for registry in self.registries
            for path in registry.storage.repositories
        )

    def staying(self, registry: EmbeddedRegistry, path: str) -> set[str]:
        there = {"v-1", "v-2", "v-3", "latest", "multi"}
        if path == "shop/bad":
            there |= {"v-4", "v-5", "nightly"}
        if path == "shop/app-007" and registry is self.registries[1]:
            there |= {"v-5"}
        return there

    def assert_tells_the_bad_one(self, ran: Ran, code: int) -> None:
        assert ran.code == code, ran
        assert "1 repository was left alone" in ran.err
        assert ran.err.count(f"left alone: {self.bad}: The tags of {self.bad} cannot be read: 404 Not Found.") == 1

    def assert_pruned(self) -> None:
        for registry in self.registries:
            for path in registry.storage.repositories:
                there = {each for each in self.tags(registry, str(path)) if not each.startswith("sha256-")}
                assert there == self.staying(registry, str(path)), f"{registry.host}/{path}"

    def _fill(self, registry: EmbeddedRegistry, path: str, number: int) -> None:
        """Five images: the newest is `latest`, the third `nightly` and a part of `multi`; the oldest is signed, and so
        is the newest."""
        made = [self._image(registry, path, f"v-{each + 1}", number + each) for each in range(5)]
        self._put(registry, path, made[0], "latest")
        self._put(registry, path, made[2], "nightly")
        self._put(registry, path, images.index(made[2], made[1]), "multi")
        for signed in (made[0], made[4]):
            config = images.config(f"signature of {signed.digest}")
            registry.storage.put_blob(RepositoryPath(path), config)
            self._put(registry, path, images.signature(config), f"sha256-{signed.digest.hex}.sig")

    def _image(self, registry: EmbeddedRegistry, path: str, tag: str, days: int) -> RawManifest:
        built = dt.datetime.fromtimestamp(now() - (days + 1) * DAY, dt.UTC)
        config = images.config(f"{path}:{tag}", created=built.isoformat())
        registry.storage.put_blob(RepositoryPath(path), config)
        return self._put(registry, path, images.image(config), tag)

    def _put(self, registry: EmbeddedRegistry, path: str, raw: RawManifest, tag: str) -> RawManifest:
        registry.storage.put_manifest(RepositoryPath(path), raw.body, raw.media_type, tag)
        return raw


@contextmanager
def walking(folder: Path, many: int) -> Iterator[Walk]:
    with bench(folder) as made:
        other = EmbeddedRegistry(quirks=OCI)
        with made.portal.wrap_async_context_manager(other):
            yield Walk(made, other, many)


def killed(moment: Callable[[], bool], walk: Walk) -> int:
    """The exit code of an `apply` that is killed at that moment, if it does not end before."""
    process = subprocess.Popen(
        [sys.executable, "-m", "holystone.cli", "apply", "plan.json", "--config", "holystone.yaml"],
        cwd=walk.bench.project,
        env=walk.bench.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None and not moment():
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    return process.wait()


@pytest.mark.parametrize("many", [12, pytest.param(150, marks=pytest.mark.exhaustive)])
def test_from_the_file_to_the_undo(tmp_path: Path, many: int) -> None:
    with walking(tmp_path, many) as walk:
        go_through_with_it(walk, many)


def go_through_with_it(walk: Walk, many: int) -> None:
    before = walk.contents()
    stay, go, manifests = 12 * many + 2, 8 * many - 2, 6 * many - 2
    doomed = walk.doomed_left()
    whole = f"In all {stay:,} tags stay, {go:,} go. With them go {manifests:,} manifests"

    checked = walk.run("policy", "check", "holystone.yaml")
    assert checked.code == 0, checked
    assert "holystone.yaml is valid: 1 policy." in checked.out

    dry = walk.run("prune", "--config", "holystone.yaml", "--dry-run")
    walk.assert_tells_the_bad_one(dry, 4)
    assert whole in dry.out
    assert f"{walk.registries[0].host}/shop/app-{many - 1:03}: 6 tags stay, 4 go" in dry.out
    assert f"{walk.registries[1].host}/shop/app-007: 8 tags stay, 2 go" in dry.out, "in use, with its signature"
    assert walk.contents() == before

    planned = walk.run("prune", "--config", "holystone.yaml", "--plan-out", "plan.json")
    walk.assert_tells_the_bad_one(planned, 4)
    assert whole in planned.out
    assert "`holystone apply plan.json --config holystone.yaml` executes it" in planned.err
    assert walk.contents() == before

    one = walk.registries[0]
    assert killed(lambda: "nightly" not in walk.tags(one, f"shop/app-{many // 4:03}"), walk) == -signal.SIGKILL
    assert 0 < walk.doomed_left() < doomed

    resumed = walk.run("resume", "--config", "holystone.yaml")
    walk.assert_tells_the_bad_one(resumed, 4)
    assert f"As planned, in {2 * many} repositories: {go:,} tags and {manifests:,} manifests deleted" in resumed.out
    assert f"is done. All {stay:,} tags that were to stay are still there." in resumed.out
    walk.assert_pruned()
    pruned = walk.contents()

    idle = walk.run("resume")
    assert idle.code == 0, idle
    assert "No run is left unfinished" in idle.err

    again = walk.run("prune", "--config", "holystone.yaml")
    walk.assert_tells_the_bad_one(again, 3)
    assert f"In all {stay:,} tags stay, 0 go." in again.out
    assert "Nothing was deleted." in again.err
    assert walk.contents() == pruned

    (run,) = walk.run("runs", "--output=json").json["runs"]
    assert (run["command"], run["state"]) == ("prune", "finished")
    back, left = f"shop/app-{many // 2:03}", walk.doomed_left()
    undone = walk.run("undo", run["id"], f"{one.host}/{back}")
    assert undone.code == 0, undone
    assert f"What was named of run {run['id']} is back." in undone.out
    assert {"v-4", "v-5", "nightly"} <= walk.tags(one, back)
    assert walk.doomed_left() == left + 4, "and nowhere else"

    undone = walk.run("undo", run["id"])
    assert undone.code == 0, undone
    assert f"Run {run['id']} is undone: all that it took away is there." in undone.out
    assert walk.contents() == before
