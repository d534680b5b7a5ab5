"""A deletion counts when it is seen."""

import re
from typing import Any

from holystone.embedded.faults import Answer, Fault
from holystone.embedded.quirks import Quirks
from tests.promises.conftest import Open
from tests.support.command_line import now
from tests.support.tiny_project import Contents, tiny_project


def nothing_happens(before: Contents) -> Fault:
    """To whatever is there, as behind something that answers in its place; what a registry can do is asked of what is
    not there."""
    names = {re.escape(str(name)) for tags, manifests in before.values() for name in (*tags, *manifests)}
    return Fault("DELETE", rf"/manifests/(?:{'|'.join(sorted(names))})$", Answer(202), times=None)


def going(plan: Any) -> set[str]:
    steps = [step for each in plan["repositories"] for stage in each["passes"] for step in stage["steps"]]
    return {tag for step in steps for tag in (step.get("tags") or [step.get("tag")]) if tag}


def test_202_and_nothing_happens_is_told_each_time(open_bench: Open, quirks: Quirks) -> None:
    shop = open_bench(quirks=quirks)
    tiny_project(shop.project, shop.registry.storage, now=now(), rich=True)
    before = shop.contents()
    doomed = going(shop.cleanup("--dry-run", "--output=json").json["plan"])
    shop.registry.faults.add(nothing_happens(before))
    ran = shop.cleanup("--output=json")
    assert (ran.code, ran.json["ending"]) == (4, "partial")
    assert "still serves it" in ran.err
    steps = [step for each in ran.json["repositories"] for step in each["steps"]]
    told = {step["outcome"]["type"] for step in steps}
    assert "still-served" in told
    assert told <= {"still-served", "failed", "deleted"}  # failed: what had to wait for them; deleted: tombstones
    there = {tag for tags, _ in shop.contents().values() for tag in tags}
    assert doomed & there <= {tag for step in steps for tag in step["tags"] if step["outcome"]["type"] != "deleted"}

    again = shop.run("resume")
    assert (again.code, "is not finished" in again.out) == (4, True), again
    assert "the registry said that it is gone, and still serves it" in again.out
    shop.registry.faults.clear()
    assert shop.run("resume").code == 0
    assert not doomed & {tag for tags, _ in shop.contents().values() for tag in tags}
    undone = shop.run("undo", shop.run("runs").out.splitlines()[1].split()[0])
    assert (undone.code, shop.contents()) == (0, before)
