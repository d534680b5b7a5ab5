"""Sources that shrank: a git server that was emptied, another hand in the registry, clusters that say nothing."""

import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from holystone.embedded.faults import Answer, Fault, Faults
from tests.support.command_line import Bench, bench, now
from tests.support.tiny_project import tiny_project

Refuse = Callable[..., str]
FETCHED = "--git-history-synchronization"
NOTHING = "no baseline: nothing is remembered of an earlier run"


def git(folder: Path, *arguments: str) -> str:
    author = {f"GIT_{who}_{what}": "x@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    home = {"HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"], **author}
    done = subprocess.run(["git", *arguments], cwd=folder, env=home, check=True, capture_output=True, text=True)
    return done.stdout


@pytest.fixture
def origin(tmp_path: Path, shop: Bench) -> Path:
    """Of the project's clone, on this machine."""
    bare = tmp_path / "origin.git"
    git(tmp_path, "init", "-q", "--bare", "-b", "master", str(bare))
    git(shop.project, "push", "-q", str(bare), "refs/remotes/origin/master:refs/heads/master", "v1")
    git(shop.project, "remote", "add", "origin", bare.as_uri())
    return bare


def emptied(origin: Path) -> None:
    shutil.rmtree(origin)
    git(origin.parent, "init", "-q", "--bare", "-b", "master", str(origin))


def made_anew(origin: Path) -> None:
    """Another project's history, under the same names."""
    emptied(origin)
    tree = git(origin, "hash-object", "-t", "tree", "-w", "/dev/null").strip()
    commit = git(origin, "commit-tree", tree, "-m", "another one").strip()
    git(origin, "update-ref", "refs/heads/master", commit)
    git(origin, "update-ref", "refs/tags/v1", commit)


def branches(shop: Bench, number: int) -> None:
    """So many further branches of origin in the clone."""
    folder = shop.project / ".git" / "refs" / "remotes" / "origin" / "feature"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for each in range(number):
        shutil.copy(folder.parent / "master", folder / str(each))


def lose(shop: Bench, repository: str, left: int) -> None:
    """Somebody else deletes tags."""
    tags = shop.registry.storage.repositories[repository].tags
    for tag in sorted(tags)[: len(tags) - left]:
        del tags[tag]


def baselines(shop: Bench) -> Path:
    return shop.home / ".local" / "state" / "holystone" / "baselines.sqlite"


@pytest.mark.parametrize("by", ["history", "strategies"])
def test_an_origin_that_was_emptied(shop: Bench, origin: Path, refused: Refuse, by: str) -> None:
    """Without any memory: the clone still has every commit, and no reference to one."""
    emptied(origin)
    options = [
        FETCHED,
        "--accept-new-baseline",
        f"--git-history-based-cleanup={'true' if by == 'history' else 'false'}",
    ]
    message = refused(shop, *options, code=3)
    assert f"rigin ({origin.as_uri()}) has no branch at all" in message
    assert "git ls-remote origin" in message


def test_an_origin_that_was_made_anew(shop: Bench, origin: Path, refused: Refuse) -> None:
    made_anew(origin)
    message = refused(shop, FETCHED, code=3)
    assert f"o branch or tag of origin ({origin.as_uri()}) reaches any commit that images were built from" in message
    ran = shop.cleanup(FETCHED, "--accept-new-baseline", "--yes-delete-that-many")
    assert ran.code == 0
    assert "--accept-new-baseline says that it is meant: no branch or tag" in ran.out


def test_an_allowed_shallow_clone_does_not_know_what_it_lacks(shop: Bench, origin: Path) -> None:
    shutil.rmtree(shop.project / ".git")
    git(origin.parent, "clone", "-q", "--depth=1", "--bare", origin.as_uri(), str(shop.project / ".git"))
    git(shop.project, "fetch", "-q", "--depth=1", "origin", "master:refs/remotes/origin/master")
    assert shop.cleanup("--allow-git-shallow-clone").code == 0


def test_the_first_run_says_that_it_has_nothing_to_compare_with(shop: Bench, tmp_path: Path) -> None:
    for option in ("--dry-run", f"--plan-out={tmp_path}/plan.json"):
        assert NOTHING in shop.cleanup(option).out
        assert not baselines(shop).exists(), "what deletes nothing must not shift what protects the next run"
    assert shop.run("apply", f"{tmp_path}/plan.json").code == 0
    ran = shop.cleanup()
    assert ran.code == 0
    assert NOTHING not in ran.out


def test_references_that_are_gone(shop: Bench, refused: Refuse) -> None:
    branches(shop, 10)
    assert shop.cleanup().code == 0
    branches(shop, 3)
    message = refused(shop, code=3)
    assert "ranches and tags of origin of shop: 5, where the run of " in message
    assert "left 12" in message
    assert shop.cleanup("--dry-run", "--accept-new-baseline").code == 0
    assert shop.cleanup("--dry-run").code == 3, "a dry run accepts nothing for others"
    assert shop.cleanup("--accept-new-baseline").code == 0
    assert shop.cleanup().code == 0


def test_tags_that_somebody_else_deleted(shop: Bench, refused: Refuse) -> None:
    state = shop.registry.storage.repositories["shop/app/front"]
    other = shop.registry.storage.repositories["shop/app/backend"]
    stranger = other.tags["not-ours"]
    state.tags |= {f"other-{number:02}": stranger for number in range(17)}
    state.manifests[stranger] = other.manifests[stranger]
    state.blobs |= other.blobs
    assert shop.cleanup().code == 0
    assert len(state.tags) == 20
    time.sleep(1 - time.time() % 1)  # what a run of the very second of the reading took, counts as taken since
    lose(shop, "shop/app/front", 10)
    assert shop.cleanup().code == 0
    lose(shop, "shop/app/front", 4)
    message = refused(shop, code=3)
    assert f"{shop.registry.host}/shop/app/front: tags: 4, where the run of " in message
    ran = shop.run("stages", "cleanup", *shop.addresses())
    assert ran.code == 3, "it reads what the stages are built for"


def test_what_the_journal_says_of_a_repository_without_a_plan_excuses_nothing(shop: Bench, refused: Refuse) -> None:
    assert shop.cleanup().code == 0
    assert shop.cleanup("--accept-new-baseline").code == 0
    journal = baselines(shop).with_name("journal.sqlite")
    with closing(sqlite3.connect(journal)) as database, database:
        database.execute("UPDATE runs SET started = started + 1000, ended = ended + 1000")
        assert database.execute("UPDATE slices SET repository = repository || '-2'").rowcount
    lose(shop, "shop/app/front", 0)
    refused(shop, code=3)


def test_a_repository_that_somebody_emptied(shop: Bench) -> None:
    stages = ("stages", "cleanup", *shop.addresses())
    assert shop.run(*stages).code == 0
    lose(shop, "shop/app/front", 0)
    ran = shop.run(*stages)
    assert ran.code == 3
    assert "shop/app/front: tags: 0, where the run of " in ran.message


@pytest.mark.slow
def test_what_our_own_runs_deleted_is_not_missed(tmp_path: Path) -> None:
    """More than half goes, by a cleanup, by a run that comes to no end, by hand, by a purge."""
    with bench(tmp_path) as shop:
        tiny_project(shop.project, shop.registry.storage, now=now(), commits=12)
        images = ("images", "cleanup", *shop.addresses())
        assert shop.run("stages", "cleanup", *shop.addresses()).code == 0
        after_the_probe = Fault("DELETE", "/v2/shop/app/backend/", Answer(500), nth=3, times=None)
        shop.registry.faults = Faults((after_the_probe,))
        assert shop.run(*images).code == 4
        shop.registry.faults = Faults()
        assert 2 * len(shop.contents()["shop/app/front"][0]) < 14
        ran = shop.run(*images)
        assert ran.code == 0, ran
        storage = ("--stages-storage", f"{shop.registry.host}/shop/stages")
        assert shop.run("managed-images", "rm", "front", "backend", *storage).code == 0
        assert shop.cleanup().code == 0
        assert shop.run("purge", *shop.addresses(), "--yes").code == 0
        ran = shop.cleanup()
        assert ran.code == 0, ran


def test_what_our_own_runs_could_not_delete_is_not_excused_again_each_night(tmp_path: Path) -> None:
    with bench(tmp_path) as shop:
        tiny_project(shop.project, shop.registry.storage, now=now(), commits=12)
        assert shop.run("stages", "cleanup", *shop.addresses()).code == 0
        remembered = baselines(shop).read_bytes()
        after_the_probes = Fault("DELETE", "/v2/shop/app/front/manifests/sha256:", Answer(500), nth=6, times=None)
        for _ in range(2):
            shop.registry.faults = Faults((after_the_probes,))
            assert shop.run("images", "cleanup", *shop.addresses()).code == 4
        shop.registry.faults = Faults()
        baselines(shop).write_bytes(remembered)  # as if neither had been checked to its end
        lose(shop, "shop/app/front", 0)
        ran = shop.run("images", "cleanup", *shop.addresses())
        assert ran.code == 3, ran
        assert "shop/app/front: tags: 0, where the run of " in ran.message


def front_of(shop: Bench) -> Any:
    """What the plan says of an image's repository."""
    plan = shop.cleanup("--dry-run", "--output=json").json["plan"]
    return next(each for each in plan["repositories"] if each["repository"]["path"] == "shop/app/front")


def test_a_registry_that_never_lets_one_manifest_go_leaves_the_rest_protected(shop: Bench, refused: Refuse) -> None:
    """No night ends with exit code 0, and each is what the next one is held against all the same."""
    never = front_of(shop)["passes"][-1]["steps"][0]["digest"]
    shop.registry.faults.add(Fault("DELETE", f"front/manifests/{never}", Answer(500), times=None))
    first = shop.cleanup()
    assert first.code == 4
    assert NOTHING in first.out
    second = shop.cleanup()
    assert second.code == 1, "nothing else was to go"
    assert NOTHING not in second.out
    lose(shop, "shop/app/backend", 0)
    assert "shop/app/backend: tags: 0, where the run of " in refused(shop, code=3)


@pytest.mark.parametrize(("how", "code"), [("stopped", 4), ("lost", 1), ("doubtful", 4)])
def test_a_run_that_cannot_say_what_it_has_left_is_nothing_to_be_held_against(shop: Bench, how: str, code: int) -> None:
    front = front_of(shop)
    if how == "stopped":
        fault = Fault("DELETE", "/v2/shop/app/front/", Answer(405), nth=3, times=None)
    elif how == "lost":
        kept = next(each["tag"] for each in front["kept"] if each["digest"])
        fault = Fault("HEAD", f"front/manifests/{kept}$", Answer(404), nth=2, times=None)
    else:
        moved = front["doomed_written_once"][0]
        there = shop.contents()["shop/app/front"][0]
        elsewhere = {"Docker-Content-Digest": next(digest for digest in there.values() if digest != there[moved])}
        fault = Fault("HEAD", f"front/manifests/{moved}$", Answer(200, headers=elsewhere), nth=2, times=None)
    shop.registry.faults.add(fault)
    ran = shop.cleanup()
    assert ran.code == code, ran
    assert "holystone: Run " in ran.err, "it had begun"
    shop.registry.faults.clear()
    assert NOTHING in shop.cleanup("--dry-run").out


def test_what_a_clock_that_was_ahead_has_counted_does_not_last_until_then(shop: Bench, refused: Refuse) -> None:
    branches(shop, 10)
    assert shop.cleanup().code == 0
    with closing(sqlite3.connect(baselines(shop))) as database, database:
        year = "as_of + 31536000, value = json_set(value, '$.as_of', as_of + 31536000)"
        assert database.execute(f"UPDATE baselines SET as_of = {year}").rowcount
    branches(shop, 3)
    refused(shop, code=3)
    assert shop.cleanup("--accept-new-baseline").code == 0
    ran = shop.cleanup()
    assert ran.code == 0, ran


def test_images_in_use_may_become_fewer_and_not_none(shop: Bench, tmp_path: Path, refused: Refuse) -> None:
    tags = sorted(tag for tag in shop.contents()["shop/app/backend"][0] if len(tag) == 56)
    file = tmp_path / "in-use.txt"
    options = [*shop.addresses(), "--in-use", str(file)]
    lines = [f"{shop.registry.host}/shop/app/backend:{tag}\n" for tag in tags]
    file.write_text("".join(lines[:3]))
    assert shop.run("cleanup", *options).code == 0
    file.write_text(lines[0])
    ran = shop.run("cleanup", *options)
    assert ran.code == 0
    assert "note: fewer than before: tags in use of shop: 1, where" in ran.out
    file.write_text("redis:7\n")
    assert "ags in use of shop: 0, where" in refused(shop, "--in-use", str(file), code=3)
    assert shop.run("stages", "cleanup", *options).code == 0, "it asks nobody"


def test_that_nothing_can_be_remembered_is_no_failure(shop: Bench) -> None:
    assert shop.cleanup().code == 0
    with closing(sqlite3.connect(baselines(shop))) as database:
        full = "SELECT raise(FAIL, 'database or disk is full')"
        database.execute(f"CREATE TRIGGER no_more BEFORE INSERT ON baselines BEGIN {full}; END")
    ran = shop.cleanup()
    assert ran.code == 0
    assert "database or disk is full" in ran.err
    assert "So the next run has nothing newer to compare with." in ran.err
