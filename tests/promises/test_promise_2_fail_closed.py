"""Single reads of a run, cut in turn (--exhaustive: all): whatever depended on it stays, and the exit code says so."""

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

from holystone.embedded.faults import Action, Answer, Fault, Truncate
from holystone.embedded.quirks import Quirks
from holystone.embedded.storage import Storage
from tests.promises.conftest import Open
from tests.support.command_line import Bench, Ran, now
from tests.support.sampling import Sample
from tests.support.tiny_project import contents, copy_of, tiny_project

SHARES = 4
"""Tests that share the reads among them, to be run in parallel."""


class Cuts:
    """One project, cleaned again and again from the same beginning, in a fresh journal and with an empty cache."""

    def __init__(self, shop: Bench) -> None:
        self.shop = shop
        self.begin: Storage = shop.registry.storage
        tiny_project(shop.project, self.begin, now=now(), commits=3, images=["backend"])

    def reads(self) -> list[tuple[str, str, int]]:
        """Method, path and how often it was asked before, of each read of an undisturbed run."""
        ran = self.run()
        assert ran.code == 0, ran
        self.end = self.shop.contents()
        seen: Counter[tuple[str, str]] = Counter()
        found = []
        for request in self.shop.registry.requests:
            if request.method in ("GET", "HEAD"):
                path = re.sub(r"holystone-probe-[0-9a-f]{16}", "holystone-probe-[0-9a-f]{16}", request.path)
                seen[request.method, path] += 1
                found.append((request.method, path, seen[request.method, path]))
        return found

    def run(self, *faults: Fault) -> Ran:
        registry = self.shop.registry
        registry.storage = copy_of(self.begin)
        registry.recording.clear()
        registry.faults.clear()
        for fault in faults:
            registry.faults.add(fault)
        for folder in ("state", "cache"):
            shutil.rmtree(self.shop.home / folder, ignore_errors=True)
        return self.clean()

    def clean(self) -> Ran:
        return self.shop.cleanup("--parallel-tasks-limit=1", *self.folders())

    @staticmethod
    def entry(fault: Fault) -> str:
        """At which it is: a tag, or the beginning of a digest."""
        return fault.path.rpartition("/")[2].rstrip("$").removeprefix("sha256:")[:12]

    def was_hit(self, fault: Fault) -> bool:
        asked = [each for each in self.shop.registry.requests if re.search(fault.path, each.path)]
        return len(asked) >= fault.nth

    def resume(self) -> Ran:
        self.shop.registry.faults.clear()
        return self.shop.run("resume", *self.folders())

    def folders(self) -> list[str]:
        return [f"--{kind}-dir={self.shop.home / kind}" for kind in ("state", "cache")]

    def check(self, fault: Fault) -> None:
        before = contents(self.begin)
        ran = self.run(fault)
        after = self.shop.contents()
        if fault.path == "^/v2/$":
            # What the registry is. Never told, it is `default`; told for the plan and not again, the run ends
            # in words, and the next one does what was left.
            if ran.code == 4:
                for name, (tags, manifests) in self.end.items():
                    assert after[name][0].items() >= tags.items()
                    assert after[name][1] >= manifests
                self.shop.registry.faults.clear()
                ran = self.clean()
            assert (ran.code, self.shop.contents()) == (0, self.end), (fault, ran)
            return
        if "/referrers/" in fault.path and not self.was_hit(fault):
            # Whose referrers are asked for before it is known that the API is missing depends on who comes first.
            assert (ran.code, after) == (0, self.end)
            return
        for repository, (tags, manifests) in self.end.items():
            kept, there = after[repository]
            assert tags.items() <= kept.items(), (fault, ran)
            assert manifests <= there, (fault, ran)
        if ran.code == 0:  # one entry that is not given out: it and what could hang on it stays, and that is told
            told = "what refers to their manifests cannot be read" if "/referrers/" in fault.path else self.entry(fault)
            assert told in ran.out, (fault, ran)
            self.shop.registry.faults.clear()
            again = self.clean()
            assert (again.code, self.shop.contents()) == (0, self.end), (fault, ran, again)
            return
        if "holystone: run " not in ran.err:
            assert ran.code == 3, (fault, ran)
            assert ran.message
            assert after == before, (fault, ran)
            return
        assert ran.code in (1, 4), (fault, ran)
        assert "is not finished" in ran.err
        again = self.resume()
        assert again.code == 0, (fault, ran, again)
        assert self.shop.contents() == self.end, (fault, ran, again)


@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES))
def test_every_read_that_fails_for_good(open_bench: Open, quirks: Quirks, sample: Sample, share: int) -> None:
    cuts = Cuts(open_bench(quirks=quirks))
    reads = cuts.reads()
    assert len(reads) > 60
    for method, path, nth in sample(reads[share::SHARES]):
        cuts.check(Fault(method, f"^{path.replace('?', '[?]')}$", Answer(500), nth, times=None))


@pytest.mark.slow
@pytest.mark.parametrize("share", range(2))
def test_every_reply_that_is_cut_short(open_bench: Open, quirks: Quirks, sample: Sample, share: int) -> None:
    cuts = Cuts(open_bench(quirks=quirks))
    bodies = [read for read in cuts.reads() if read[0] == "GET" and "/referrers/" not in read[1]]
    assert len(bodies) > 20
    for method, path, nth in sample(bodies[share::2]):
        cuts.check(Fault(method, f"^{path.replace('?', '[?]')}$", Truncate(keep=7), nth, times=None))


PASSING: list[Action] = [Answer(500), Truncate(keep=1), Answer(503)]


@pytest.mark.parametrize("action", PASSING, ids=repr)
def test_a_fault_that_passes_changes_nothing(open_bench: Open, action: Action) -> None:
    cuts = Cuts(open_bench())
    cuts.reads()
    ran = cuts.run(Fault("GET", "/manifests/", action, nth=3), Fault("GET", "/blobs/", action, nth=2))
    assert ran.code == 0, ran
    assert cuts.shop.contents() == cuts.end


def test_an_empty_list_is_not_read_for_a_list_that_fails(open_bench: Open, tmp_path: Path) -> None:
    """What a careless client makes of `{"errors": …}` with status 200."""
    cuts = Cuts(open_bench())
    cuts.reads()
    for path in ("/shop/stages/tags/list", "/shop/app/backend/tags/list"):
        cuts.check(Fault("GET", path, Answer(200, b'{"errors": [{"code": "UNKNOWN"}]}'), times=None))
