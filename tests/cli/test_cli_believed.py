"""Tags that carry their content in their names are believed for showing, and looked at before anything goes."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from holystone.demo.published import PublishedTag
from holystone.embedded.faults import Answer, Fault
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.references import Digest, RepositoryPath, Tag
from tests.support import images
from tests.support.command_line import Bench, Ran, bench, now
from tests.support.dated_registry import Registry, aged
from tests.support.tiny_project import kept_tags, tiny_project

STAGES = RepositoryPath("shop/stages")
BACKEND = RepositoryPath("shop/app/backend")
NOT_LOOKED_AT = "not looked at again, since the name carries the content (last looked at on"


def looks(made: Bench, since: int = 0) -> list[str]:
    """The tags that were asked where they point, since so many requests."""
    asked = (each for each in made.registry.requests[since:] if each.method == "HEAD")
    return [name for each in asked if ":" not in (name := each.path.rpartition("/")[2])]


def notices(ran: Ran) -> list[dict[str, object]]:
    return [each for each in ran.json["plan"]["notices"] if each["kind"] == "tags-believed"]


class Shop:
    """A project of werf's, through several nights."""

    def __init__(self, made: Bench) -> None:
        self.bench = made
        self.storage = made.registry.storage
        self.project = tiny_project(made.project, self.storage, now=now())
        kept = {each.tag for each in kept_tags(self.project)}
        self.kept = next(each for each in self.project.tags if each.image == "backend" and each.tag in kept)
        self.doomed = next(each for each in reversed(self.project.tags) if each.image == "backend")
        assert self.doomed.tag not in kept
        assert self.own_stages(self.doomed)

    def own_stages(self, tag: PublishedTag) -> set[Tag]:
        """Its stages that no image that stays is built on."""
        needed = {stage for each in kept_tags(self.project) for stage in each.stages}
        return {*tag.stages} - needed

    def push_over(self, tag: PublishedTag, parent: PublishedTag) -> None:
        """The same image, as it calls itself, built on the stages of another one."""
        state = self.storage.repositories[BACKEND]
        config = json.loads(self.config_of(BACKEND, tag.tag))
        config["config"]["Image"] = json.loads(self.config_of(BACKEND, parent.tag))["config"]["Image"]
        body = json.dumps(config).encode()
        self.storage.put_blob(BACKEND, body)
        raw = images.image(body)
        assert state.tags[Tag(tag.tag)] != raw.digest
        self.storage.put_manifest(BACKEND, raw.body, raw.media_type, tag.tag)

    def config_of(self, path: RepositoryPath, tag: str) -> bytes:
        state = self.storage.repositories[path]
        manifest = json.loads(state.manifests[state.tags[Tag(tag)]].body)
        return self.storage.blobs[Digest(manifest["config"]["digest"])]

    def stages(self) -> set[Tag]:
        return {Tag(each) for each in self.storage.repositories[STAGES].tags}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with bench(tmp_path) as made:
        yield Shop(made)


def test_a_second_dry_run_asks_only_where_people_move_tags(shop: Shop) -> None:
    first = shop.bench.cleanup("--dry-run")
    assert NOT_LOOKED_AT not in first.out
    before = len(shop.bench.registry.requests)
    second = shop.bench.cleanup("--dry-run")
    assert sorted(looks(shop.bench, before)) == ["also-not-ours", "not-ours"]
    believed = sum(len(each.tags) for each in shop.storage.repositories.values()) - 2
    assert f"note: {believed} tags were {NOT_LOOKED_AT}" in second.out
    (said,) = notices(shop.bench.cleanup("--dry-run", "--output", "json"))
    assert said["number"] == believed
    assert now() - 600 < int(str(said["since"])) <= now()


def test_what_has_moved_is_believed_for_showing_and_seen_before_anything_goes(shop: Shop) -> None:
    shop.bench.cleanup("--dry-run")
    shop.push_over(shop.kept, shop.doomed)
    own = shop.own_stages(shop.doomed)
    shown = shop.bench.cleanup("--dry-run", "--output", "json").json["plan"]
    (stages,) = (each for each in shown["repositories"] if each["repository"]["path"] == STAGES)
    assert own.isdisjoint(each["tag"] for each in stages["kept"])
    done = shop.bench.cleanup()
    assert done.code == 0, done
    assert NOT_LOOKED_AT not in done.out
    assert own <= shop.stages()
    assert shop.doomed.tag not in shop.storage.repositories[BACKEND].tags


@pytest.mark.parametrize("more", [(), ("--dry-run",)], ids=["", "and a dry run"])
def test_a_plan_file_rests_on_no_belief(shop: Shop, more: tuple[str, ...]) -> None:
    shop.bench.cleanup("--dry-run")
    shop.push_over(shop.kept, shop.doomed)
    assert shop.bench.cleanup("--plan-out", "plan", *more).code == 0
    assert NOT_LOOKED_AT not in shop.bench.run("apply", "plan").out
    assert shop.own_stages(shop.doomed) <= shop.stages()


def test_a_tag_that_lost_its_manifest_is_no_reason_to_stop(shop: Shop) -> None:
    shop.bench.cleanup("--dry-run")
    state = shop.storage.repositories[BACKEND]
    state.manifests.pop(state.tags[Tag(shop.kept.tag)])
    nothing = "the registry has no manifest for it"
    assert nothing not in shop.bench.cleanup("--dry-run").out
    done = shop.bench.cleanup()
    assert done.code == 0, done
    assert nothing in done.out
    assert shop.kept.tag in shop.storage.repositories[BACKEND].tags


def test_of_what_goes_by_what_is_as_believed_each_tag_was_looked_at_first(shop: Shop) -> None:
    shop.bench.cleanup("--dry-run")
    before = len(shop.bench.registry.requests)
    there = {tag for each in shop.storage.repositories.values() for tag in each.tags}
    done = shop.bench.cleanup()
    assert done.code == 0, done
    asked = [each for each in shop.bench.registry.requests[before:] if not each.path.endswith("list?n=1000")]
    first = next(number for number, each in enumerate(asked) if each.method == "PUT" or "probe" not in each.path)
    last = next(number for number, each in enumerate(asked) if each.method in ("PUT", "DELETE"))
    assert first < last
    assert there <= {each.path.rpartition("/")[2] for each in asked[:last]}


def test_a_night_in_which_nothing_goes_costs_a_list(shop: Shop) -> None:
    assert shop.bench.cleanup().code == 0
    assert shop.bench.cleanup().code == 0
    before = len(shop.bench.registry.requests)
    done = shop.bench.cleanup()
    assert "There is nothing to delete." in done.out
    assert sorted(looks(shop.bench, before)) == ["also-not-ours", "not-ours"]


def test_a_purge_believes_nothing(shop: Shop) -> None:
    shop.bench.cleanup("--dry-run")
    there = {tag for each in shop.storage.repositories.values() for tag in each.tags}
    before = len(shop.bench.registry.requests)
    ran = shop.bench.run("purge", *shop.bench.addresses(), "--dry-run")
    assert ran.code == 0, ran
    assert there <= {*looks(shop.bench, before)}


def test_answers_that_were_mixed_up_are_not_remembered(shop: Shop) -> None:
    other = shop.storage.repositories[BACKEND].tags[Tag(shop.doomed.tag)]
    wrong = Answer(200, headers={"Docker-Content-Digest": other, "Content-Type": images.image(b"").media_type})
    shop.bench.registry.faults.add(Fault("HEAD", f"/v2/{BACKEND}/manifests/{shop.kept.tag}", wrong))
    ran = shop.bench.cleanup("--dry-run")
    assert ran.code == 3, ran
    assert "is another one's" in ran.message or "labels name another tag" in ran.message
    before = len(shop.bench.registry.requests)
    assert shop.bench.cleanup("--dry-run").code == 0
    assert shop.kept.tag in looks(shop.bench, before)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with bench(tmp_path) as made:
        yield Registry(made)


POLICY = '  - {name: shop, repositories: ["HOST/shop/**"], immutable: "b-*", times: created, keep: [{newest: 2}]}\n'


def prune(registry: Registry, *more: str) -> Ran:
    return registry.bench.run("prune", "--config", str(registry.file(POLICY)), *more)


AT = RepositoryPath("shop/app")


def raw(registry: Registry, tag: str) -> RawManifest:
    state = registry.bench.registry.storage.repositories[AT]
    stored = state.manifests[state.tags[Tag(tag)]]
    return RawManifest(Digest.of(stored.body), stored.media_type, stored.body)


def put(registry: Registry, manifest: RawManifest, tag: str) -> None:
    registry.bench.registry.storage.put_manifest(AT, manifest.body, manifest.media_type, tag)


def sign(registry: Registry, tag: str, what: str) -> Tag:
    """As cosign does: each more signature makes another manifest of the same name."""
    name = Tag(f"{raw(registry, tag).digest.replace(':', '-')}.sig")
    config = images.config(what)
    registry.bench.registry.storage.put_blob(AT, config)
    put(registry, images.image(config), name)
    return name


def test_a_second_prune_looks_only_at_what_is_new_or_may_move(registry: Registry) -> None:
    registry.push(str(AT), {**aged("b", 5), **aged("v", 1, first=5)})
    signature = sign(registry, "b-1", "a signature")
    assert prune(registry, "--dry-run").code == 0
    assert prune(registry, "--dry-run").code == 0
    registry.push(str(AT), {"b-new": 0.5})
    before = len(registry.bench.registry.requests)
    ran = prune(registry, "--dry-run", "--output", "json")
    assert sorted(looks(registry.bench, before)) == ["b-new", "v-1"]
    assert [each["number"] for each in notices(ran)] == [6]
    done = prune(registry)
    assert done.code == 0, done
    assert NOT_LOOKED_AT not in done.out
    assert registry.tags(str(AT)) == ["b-1", "b-new", signature]


def test_a_new_child_of_what_stays_is_seen_before_it_goes(registry: Registry) -> None:
    registry.push(str(AT), aged("b", 2))
    registry.push(str(AT), aged("v", 3, first=10))
    assert prune(registry, "--dry-run").code == 0
    child = raw(registry, "v-3")
    put(registry, images.index(raw(registry, "b-1"), child), "b-1")
    assert " v-3 " in prune(registry, "--dry-run").out
    done = prune(registry)
    assert done.code == 0, done
    assert child.digest in registry.bench.registry.storage.repositories[AT].manifests
    assert "v-2" not in registry.tags(str(AT))


def test_one_more_signature_goes_with_its_image(registry: Registry) -> None:
    registry.push(str(AT), aged("b", 3))
    signature = sign(registry, "b-3", "one")
    assert prune(registry, "--dry-run").code == 0
    sign(registry, "b-3", "two")
    done = prune(registry)
    assert done.code == 0, done
    assert registry.tags(str(AT)) == ["b-1", "b-2"]
    assert signature not in registry.tags(str(AT))


def test_only_the_repository_in_which_something_goes_is_looked_at(registry: Registry) -> None:
    registry.push(str(AT), aged("b", 3))
    registry.push("shop/other", aged("b", 2))
    assert prune(registry, "--dry-run").code == 0
    before = len(registry.bench.registry.requests)
    done = prune(registry)
    assert done.code == 0, done
    assert f"2 tags were {NOT_LOOKED_AT}" in done.out
    asked = {each.path for each in registry.bench.registry.requests[before:] if each.method == "HEAD"}
    assert {f"/v2/{AT}/manifests/b-{number}" for number in (1, 2, 3)} <= asked
    assert not any(each.startswith("/v2/shop/other/manifests/b-") for each in asked)
    assert registry.tags("shop/other") == ["b-1", "b-2"]


def test_a_look_by_policy_check_believes_as_a_dry_run_does(registry: Registry) -> None:
    registry.push(str(AT), aged("b", 3))
    check = ("policy", "check", str(registry.file(POLICY)), "--registries")
    assert registry.bench.run(*check).code == 0
    before = len(registry.bench.registry.requests)
    again = registry.bench.run(*check)
    assert again.code == 0, again
    assert looks(registry.bench, before) == []
    assert f"3 tags were {NOT_LOOKED_AT}" in again.out
