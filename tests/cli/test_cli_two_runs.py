"""Two runs at the same time on one repository: the second leaves everything alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from holystone.adapters.registries.connections import Connections
from holystone.embedded.faults import Answer, Fault
from holystone.engine.model.lock_tags import LockTag, lock_image, lock_tag
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath
from tests.cli.conftest import Refuse
from tests.support.another_run import another_run
from tests.support.command_line import Bench, now


@contextmanager
def busy_at(shop: Bench, path: str) -> Iterator[str]:
    state = shop.home / "state"
    state.mkdir(exist_ok=True)
    shop.env["HOLYSTONE_STATE_DIR"] = str(state)
    repository = Repository(RegistryHost(shop.registry.host), RepositoryPath(path))
    with another_run(state, "20261123-161200-ab12", repository):
        yield f"{repository}: another run of Holystone is at work there"


def test_a_cleanup_beside_another_stops_before_it_reads(shop: Bench, refused: Refuse) -> None:
    with busy_at(shop, "shop/stages") as busy:
        message = refused(shop, code=3)
        assert busy in message
        assert "run 20261123-161200-ab12" in message
        assert "Wait for that process to end" in message
    assert shop.registry.requests == []
    assert shop.cleanup().code == 0


@pytest.mark.parametrize("path", ["shop/stages", "shop/app/front"])
def test_a_plan_is_not_applied_beside_another_run(shop: Bench, refused: Refuse, tmp_path: Path, path: str) -> None:
    plan = tmp_path / "plan.json"
    assert shop.cleanup("--plan-out", str(plan)).code == 0
    with busy_at(shop, path) as busy:
        assert busy in refused(shop, str(plan), code=3, command="apply")
    assert shop.run("runs").out == "", "what was refused is no run that could be resumed"
    assert shop.run("apply", str(plan)).code == 0


def test_the_lock_in_the_registry_is_there_while_something_is_deleted_and_then_gone(shop: Bench) -> None:
    ran = shop.cleanup("--lock-in-registry", "--output=json")
    assert ran.code == 0
    run = ran.json["run"]
    locked = [each for each in shop.registry.requests if f"-{run}" in each.path]
    assert {each.path.split("/manifests/")[0] for each in locked if each.method == "PUT"} == {
        "/v2/shop/stages",
        "/v2/shop/app/front",
        "/v2/shop/app/backend",
    }
    assert not any("lock" in tag for tags, _ in shop.contents().values() for tag in tags)
    assert shop.run("undo", run, "--lock-in-registry").code == 0
    assert not any("lock" in tag for tags, _ in shop.contents().values() for tag in tags)


@pytest.mark.parametrize("command", ["resume", "undo"])
def test_a_run_that_was_locked_takes_its_locks_away_whoever_goes_on_with_it(shop: Bench, command: str) -> None:
    """Without being told once more that it was."""
    shop.env["HOLYSTONE_STATE_DIR"] = str(shop.home / "state")
    shop.registry.faults.add(Fault("DELETE", "/manifests/sha256:", Answer(503), nth=9, times=None))
    assert shop.cleanup("--lock-in-registry").code == 4
    assert locks(shop), "they could not be deleted either"
    shop.registry.faults.clear()
    run = shop.run("runs").out.splitlines()[1].split()[0]
    assert shop.run(command, run).code == 0
    assert locks(shop) == []


def locks(shop: Bench) -> list[str]:
    return [tag for tags, _ in shop.contents().values() for tag in tags if "lock" in tag]


@pytest.mark.parametrize("left", [900, -1])
def test_the_lock_of_a_run_elsewhere_stops_the_plan_until_it_is_stale(shop: Bench, refused: Refuse, left: int) -> None:
    tag = lock_tag(LockTag(now() + left, "20261123-161200-ab12"))
    manifest, config = lock_image(tag)
    shop.registry.storage.put_blob("shop/stages", config)
    shop.registry.storage.put_manifest("shop/stages", manifest.body, manifest.media_type, tag)
    if left < 0:
        assert shop.cleanup().code == 0
        return
    message = refused(shop, code=3)
    assert "shop/stages: another run of Holystone is at work there (run 20261123-161200-ab12, until 20" in message
    assert f"if there is no such run, remove the tag {tag} by hand" in message


def put_lock(shop: Bench, *repositories: str) -> None:
    tag = lock_tag(LockTag(now() + 900, "20261123-161200-ab12"))
    manifest, config = lock_image(tag)
    for each in repositories:
        shop.registry.storage.put_blob(each, config)
        shop.registry.storage.put_manifest(each, manifest.body, manifest.media_type, tag)


def take_locks(shop: Bench) -> None:
    for state in shop.registry.storage.repositories.values():
        for tag in [tag for tag in state.tags if "lock" in tag]:
            del state.tags[tag]


def test_a_repository_that_is_locked_when_its_turn_comes_is_left_alone_and_the_others_are_done(
    shop: Bench, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.json"
    assert shop.cleanup("--plan-out", str(plan)).code == 0
    before = shop.contents()
    put_lock(shop, "shop/stages")
    ran = shop.run("apply", str(plan), "--lock-in-registry")
    assert ran.code == 4, ran
    assert "shop/stages: another run of Holystone has locked it" in ran.out
    take_locks(shop)
    left = shop.contents()
    assert left["shop/stages"][0] == before["shop/stages"][0]
    assert left["shop/app/front"] != before["shop/app/front"]
    assert shop.run("resume").code == 0
    assert shop.contents()["shop/stages"] != before["shop/stages"]
    assert locks(shop) == []


def test_where_all_are_locked_by_then_nothing_is_done_and_it_is_refused(shop: Bench, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    assert shop.cleanup("--plan-out", str(plan)).code == 0
    put_lock(shop, "shop/stages", "shop/app/front", "shop/app/backend")
    before = shop.contents()
    ran = shop.run("apply", str(plan), "--lock-in-registry")
    assert ran.code == 3, ran
    assert "has locked it" in ran.err
    assert shop.contents() == before
    take_locks(shop)
    assert shop.run("resume").code == 0


def test_locks_are_given_back_where_answers_are_in_doubt(shop: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    there = Connections.settle

    async def settle(connections: Connections, host: RegistryHost | None = None) -> None:
        if host and any(each.method == "DELETE" for each in shop.registry.requests):
            watch = connections._watch(host)
            watch.doubt(watch.generation, "somebody answers twice")
        await there(connections, host)

    monkeypatch.setattr(Connections, "settle", settle)
    ran = shop.cleanup("--lock-in-registry")
    assert ran.code == 4, ran
    assert "somebody answers twice" in ran.err
    assert locks(shop) == []


def test_an_undo_where_all_are_locked_is_refused_and_can_be_done_later(shop: Bench) -> None:
    run = shop.cleanup("--output=json").json["run"]
    after = shop.contents()
    put_lock(shop, "shop/stages", "shop/app/front", "shop/app/backend")
    ran = shop.run("undo", run, "--lock-in-registry")
    assert ran.code == 3, ran
    assert f"Run {run} is not undone completely: it was stopped." in ran.err
    assert "has locked it" in ran.err
    take_locks(shop)
    assert {each: tags for each, (tags, _) in shop.contents().items()} == {each: t for each, (t, _) in after.items()}
    assert shop.run("undo", run).code == 0


def test_a_lock_that_never_ends_stops_nobody(shop: Bench) -> None:
    """Whoever may push could have made it."""
    never, newest = "holystone-lock-999999999999-x", kept_image(shop)
    shop.registry.storage.repositories["shop/app/front"].tags[never] = newest
    ran = shop.cleanup()
    assert ran.code == 0
    assert f"shop/app/front: {never}: named like a lock of Holystone" in ran.out
    tags, manifests = shop.contents()["shop/app/front"]
    assert never in tags
    assert newest in manifests


def test_a_stale_lock_takes_no_image_away(shop: Bench) -> None:
    """distribution 2.8 deletes by digest only, and every tag with it."""
    stale, newest = lock_tag(LockTag(1000, "x")), kept_image(shop)
    front = shop.registry.storage.repositories["shop/app/front"]
    before = front.tags_of(newest)
    front.tags[stale] = newest
    ran = shop.cleanup("--lock-in-registry")
    assert ran.code == 0
    assert front.tags_of(newest) == tuple(sorted((*before, stale)))
    assert f"shop/app/front: {stale}: named like a lock of Holystone" in ran.err


def kept_image(shop: Bench) -> Digest:
    plan = shop.cleanup("--dry-run", "--output", "json").json["plan"]
    (front,) = (each for each in plan["repositories"] if each["repository"]["path"] == "shop/app/front")
    return Digest(front["kept"][0]["digest"])


def test_looking_needs_no_lock(shop: Bench) -> None:
    with busy_at(shop, "shop/stages"):
        assert shop.cleanup("--dry-run").code == 0
