"""What was deleted is put back wherever the registry still has the blobs, and what is not is named."""

import fcntl
import itertools
import json
from pathlib import Path

import pytest

from holystone.embedded.faults import Answer, Drop, Fault
from holystone.embedded.quirks import Quirks
from holystone.engine.model.references import Digest
from tests.emulators.default import GiteaEmulator
from tests.promises.conftest import Open
from tests.support.command_line import Bench, Ran, always, now
from tests.support.tiny_project import Contents, tiny_project


def cleaned(shop: Bench, *faults: Fault, code: int = 0) -> tuple[str, Contents]:
    """The run's id, and what was there before it."""
    tiny_project(shop.project, shop.registry.storage, now=now(), rich=True)
    before = shop.contents()
    for fault in faults:
        shop.registry.faults.add(fault)
    ran = shop.cleanup()
    shop.registry.faults.clear()
    assert ran.code == code, ran
    assert shop.contents() != before
    return latest(shop), before


def latest(shop: Bench) -> str:
    return shop.run("runs").out.splitlines()[1].split()[0]


def state(shop: Bench) -> str:
    return shop.run("runs").out.splitlines()[1].split()[1]


def lost(ran: Ran) -> set[tuple[str, str | None, str]]:
    """Repository, tag and what came of it."""
    undone = [(each["repository"]["path"], each) for each in ran.json["undone"]]
    not_back = {(path, item["tag"], item["outcome"]["type"]) for path, each in undone for item in each["not_back"]}
    return not_back | {(path, item["tag"], "taken-meanwhile") for path, each in undone for item in each["moved"]}


def test_everything_comes_back(open_bench: Open, quirks: Quirks) -> None:
    shop = open_bench(quirks=quirks)
    run, before = cleaned(shop)
    ran = shop.run("undo", run)
    assert ran.code == 0, ran
    assert shop.contents() == before
    assert f"Run {run} is undone: all that it took away is there." in ran.out
    assert state(shop) == "undone"

    shop.registry.recording.clear()
    again = shop.run("undo", run, "--output=json")
    assert (again.code, again.json["ending"], lost(again)) == (0, "done", set())
    assert not [each for each in shop.registry.requests if each.method not in ("GET", "HEAD")]

    resumed = shop.run("resume", run)
    assert (resumed.code, resumed.out) == (0, "")
    assert f"Run {run} is undone: there is nothing left to do." in resumed.err
    assert shop.contents() == before

    assert shop.cleanup().code == 0  # and it can be cleaned again
    assert shop.contents() != before


def test_a_dry_run_says_what_would_come_back(open_bench: Open) -> None:
    shop = open_bench()
    run, before = cleaned(shop)
    after = shop.contents()
    ran = shop.run("undo", run, "--dry-run")
    assert ran.code == 0, ran
    for repository, (tags, _) in before.items():
        for tag in tags.keys() - after[repository][0].keys():
            assert f"  {tag} ({tags[tag]}): would be put back" in ran.out
    assert "Nothing was changed." in ran.out
    assert (shop.contents(), state(shop)) == (after, "finished")


def test_a_tag_that_somebody_has_pushed_since_stays_theirs(open_bench: Open, quirks: Quirks) -> None:
    shop = open_bench(quirks=quirks)
    run, before = cleaned(shop)
    repository = "shop/app/backend"
    there = shop.registry.storage.repositories[repository]
    tag = min(before[repository][0].keys() - there.tags.keys())
    there.tags[tag] = theirs = min(there.tags.values())
    ran = shop.run("undo", run, "--output=json")
    assert (ran.code, ran.json["ending"]) == (4, "partial")
    assert lost(ran) == {(repository, tag, "taken-meanwhile")}
    assert there.tags[tag] == theirs
    del there.tags[tag]
    assert shop.run("undo", run).code == 0
    assert shop.contents() == before


def test_what_others_moved_meanwhile_is_a_list_of_its_own(open_bench: Open, quirks: Quirks) -> None:
    """Also what the run had kept: that is none of undo's business, and said."""
    shop = open_bench(quirks=quirks)
    run, before = cleaned(shop)
    there = shop.registry.storage.repositories["shop/app/backend"]
    kept, gone = sorted(there.tags)[0], sorted(there.tags)[1]
    elsewhere = next(digest for digest in there.manifests if digest != there.tags[kept])
    there.tags[kept] = Digest(elsewhere)
    del there.tags[gone]
    ran = shop.run("undo", run)
    assert ran.code == 0, ran
    tags = before["shop/app/backend"][0]
    assert "  moved by others meanwhile:" in ran.out
    assert f"    {kept} ({tags[kept]}): is on {elsewhere} now" in ran.out
    assert f"    {gone} ({tags[gone]}): is not there any more" in ran.out
    document = shop.run("undo", run, "--output=json")
    (told,) = (each for each in document.json["undone"] if each["repository"]["path"] == "shop/app/backend")
    assert {(each["tag"], each["was"], each["now"]) for each in told["moved"]} == {
        (kept, tags[kept], elsewhere),
        (gone, tags[gone], None),
    }
    assert told["not_back"] == []
    doomed = tags.keys() - there.tags.keys() - {gone}
    assert doomed <= {each["tag"] for each in told["back"]} | {kept, gone}


def test_what_garbage_collection_took_is_named(open_bench: Open, quirks: Quirks) -> None:
    shop = open_bench(quirks=quirks)
    run, before = cleaned(shop)
    storage = shop.registry.storage
    collect_garbage(shop)
    ran = shop.run("undo", run)
    assert ran.code in (1, 4), ran
    document = shop.run("undo", run, "--output=json")
    assert document.code == ran.code
    missing = {
        (name, tag, "blobs-gone") for name, (tags, _) in before.items() for tag in tags.keys() - contents_of(shop, name)
    }
    assert missing
    assert {each for each in lost(document) if each[1]} == missing
    for name, tag, _ in missing:
        assert f"  {tag} ({before[name][0][tag]}): cannot come back, the registry has not kept what it needs" in ran.out
    for name, (tags, manifests) in before.items():  # what is back is what it was
        assert storage.repositories[name].tags.items() <= tags.items()
        assert storage.repositories[name].manifests.keys() <= manifests
    assert state(shop) == "undone"


def contents_of(shop: Bench, repository: str) -> set[str]:
    return set(shop.registry.storage.repositories[repository].tags)


def collect_garbage(shop: Bench) -> None:
    """Blobs that no manifest is left to name."""
    storage = shop.registry.storage
    used: set[str] = set()
    for each in storage.repositories.values():
        for manifest in each.manifests.values():
            body = json.loads(manifest.body)
            used |= {layer["digest"] for layer in body.get("layers", ())}
            used |= {body["config"]["digest"]} if "config" in body else set()
    for each in storage.repositories.values():
        each.blobs.intersection_update(used)
    for digest in storage.blobs.keys() - used:
        del storage.blobs[digest]


@pytest.mark.slow
def test_a_run_that_broke_off_anywhere_is_undone(open_bench: Open, quirks: Quirks) -> None:
    for nth in itertools.count(1):
        shop = open_bench(quirks=quirks)
        broken = Fault("DELETE", "/manifests/", Answer(500), nth * 4, times=None)
        tiny_project(shop.project, shop.registry.storage, now=now(), rich=True)
        before = shop.contents()
        shop.registry.faults.add(broken)
        ran = shop.cleanup("--parallel-tasks-limit=1")
        shop.registry.faults.clear()
        if not shop.run("runs").out:
            continue  # it was only asked yet what can be deleted
        undone = shop.run("undo", latest(shop))
        assert undone.code == 0, (ran, undone)
        assert (shop.contents(), state(shop)) == (before, "undone")
        if ran.code == 0:
            assert nth > 3
            return


def test_an_undo_that_broke_off_is_repeated_and_not_resumed(open_bench: Open) -> None:
    shop = open_bench()
    run, before = cleaned(shop)
    shop.registry.faults.add(Fault("PUT", "/manifests/", Answer(500), 3, times=None))
    ran = shop.run("undo", run)
    shop.registry.faults.clear()
    assert ran.code == 4, ran
    assert f"`holystone undo {run}` tries again." in ran.err
    assert state(shop) == "undoing"
    assert "No run is left unfinished" in shop.run("resume").err
    refused = shop.run("resume", run)
    assert refused.code == 3
    assert f"`holystone undo {run}` goes on with it." in refused.message
    assert shop.run("undo", run).code == 0
    assert (shop.contents(), state(shop)) == (before, "undone")


def test_when_nothing_can_be_pushed(open_bench: Open) -> None:
    shop = open_bench()
    run, _ = cleaned(shop)
    after = shop.contents()
    shop.registry.faults.add(always("/manifests/", 403, method="PUT"))
    ran = shop.run("undo", run, "--output=json")
    assert (ran.code, ran.json["ending"]) == (1, "failed")
    assert {each[2] for each in lost(ran)} == {"failed"}
    assert shop.contents() == after


def test_a_registry_that_does_not_answer(open_bench: Open) -> None:
    shop = open_bench()
    run, before = cleaned(shop)
    shop.registry.faults.add(Fault("HEAD", "/shop/app/front/", Drop(), times=None))
    ran = shop.run("undo", run, "--output=json")
    shop.registry.faults.clear()
    assert ran.code in (1, 4)
    assert ran.json["error"]["message"]
    assert shop.run("undo", run).code == 0
    assert shop.contents() == before


def test_an_unknown_run(open_bench: Open) -> None:
    shop = open_bench()
    ran = shop.run("undo", "20200101-000000-dead")
    assert ran.code == 2
    assert "no run 20200101-000000-dead" in ran.message
    assert shop.run("undo").code == 2


def test_a_run_that_is_alive(open_bench: Open, tmp_path: Path) -> None:
    shop = open_bench()
    run, _ = cleaned(shop)
    after = shop.contents()
    (state_dir,) = {each.parent for each in shop.home.rglob("journal.sqlite")}
    with (state_dir / f"{run}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ran = shop.run("undo", run)
    assert ran.code == 3
    assert "still going on" in ran.message
    assert shop.contents() == after


def test_where_nothing_can_come_back_it_is_said_before(open_bench: Open) -> None:
    """Gitea: what an image consists of goes with its last tag, with nothing left for a garbage collection."""
    shop = open_bench(registry=GiteaEmulator())
    tiny_project(shop.project, shop.registry.storage, now=now())
    assert any(line.startswith("undo: none: ") for line in shop.cleanup("--dry-run").out.splitlines())
    ran = shop.cleanup()
    assert ran.code == 0, ran
    assert [line.startswith("undo: none: ") for line in (ran.out + ran.err).splitlines()].count(True) == 1
    assert ran.out.index("undo: none: ") < ran.out.index(" is done.")
    undone = shop.run("undo", latest(shop))
    assert undone.code in (1, 4), undone
    assert "the registry has not kept what it needs" in undone.out
    assert "garbage" not in undone.out + undone.err
