"""A part of what a run took away comes back, with what belongs to it, and nothing else."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.references import RepositoryPath
from tests.support import images
from tests.support.command_line import bench, now
from tests.support.dated_registry import DAY, Registry, aged
from tests.support.tiny_project import contents

APP, OTHER = "shop/app", "shop/other"


class Pruned(Registry):
    """Two repositories of which a run has left the two newest images."""

    run = ""

    def prune(self, *options: str) -> None:
        ran = self.bench.run("prune", f"{self.host}/shop/*", "--keep", "newest=2", "--without-kube", *options)
        assert ran.code in (0, 4), ran
        (record,) = self.bench.run("runs", "--output=json").json["runs"]
        self.run = record["id"]

    @property
    def host(self) -> str:
        return self.bench.registry.host

    def image(self, days: float, tag: str | None = None) -> RawManifest:
        built = dt.datetime.fromtimestamp(now() - days * DAY, dt.UTC).isoformat()
        config = images.config(f"part of {days} days", created=built)
        self.bench.registry.storage.put_blob(RepositoryPath(APP), config)
        return self.put(images.image(config), tag)

    def put(self, raw: RawManifest, tag: str | None = None) -> RawManifest:
        self.bench.registry.storage.put_manifest(RepositoryPath(APP), raw.body, raw.media_type, tag)
        return raw

    def has(self, raw: RawManifest) -> bool:
        return raw.digest in self.bench.registry.storage.repositories[RepositoryPath(APP)].manifests


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Pruned]:
    with bench(tmp_path) as made:
        registry = Pruned(made)
        registry.push(APP, aged("v", 4))
        registry.push(OTHER, aged("w", 4))
        yield registry


def test_a_tag_comes_back_with_its_signature_and_no_other(shop: Pruned) -> None:
    signed = shop.image(40, "signed")
    config = images.config("signature")
    shop.bench.registry.storage.put_blob(RepositoryPath(APP), config)
    shop.put(images.signature(config), signature := f"sha256-{signed.digest.hex}.sig")
    shop.prune()
    assert shop.tags(APP) == ["v-1", "v-2"]
    undone = shop.bench.run("undo", shop.run, f"{shop.host}/{APP}:signed")
    assert undone.code == 0, undone
    assert shop.tags(APP) == [signature, "signed", "v-1", "v-2"]
    assert shop.tags(OTHER) == ["w-1", "w-2"]
    assert f"What was named of run {shop.run} is back." in undone.out
    assert "2 tags and 2 manifests put back" in undone.out
    assert shop.bench.run("runs", "--output=json").json["runs"][0]["state"] == "finished"


def test_an_index_comes_back_with_what_it_lists(shop: Pruned) -> None:
    parts = shop.image(50), shop.image(51)
    multi = shop.put(images.index(*parts), "multi")
    shop.prune()
    assert not any(map(shop.has, (*parts, multi)))
    assert shop.bench.run("undo", shop.run, f"{shop.host}/{APP}:multi").code == 0
    assert all(map(shop.has, (*parts, multi)))
    assert shop.tags(APP) == ["multi", "v-1", "v-2"]


def test_a_manifest_by_its_digest_comes_back_without_its_tag(shop: Pruned) -> None:
    old = shop.image(40, "old")
    shop.prune()
    undone = shop.bench.run("undo", shop.run, f"{shop.host}/{APP}@{old.digest}")
    assert undone.code == 0, undone
    assert shop.has(old)
    assert shop.tags(APP) == ["v-1", "v-2"]


def test_a_repository_comes_back_and_then_the_rest(shop: Pruned) -> None:
    before = contents(shop.bench.registry.storage)
    shop.prune()
    undone = shop.bench.run("undo", shop.run, f"{shop.host}/{OTHER}")
    assert undone.code == 0, undone
    assert shop.tags(OTHER) == ["w-1", "w-2", "w-3", "w-4"]
    assert shop.tags(APP) == ["v-1", "v-2"]
    whole = shop.bench.run("undo", shop.run)
    assert whole.code == 0, whole
    assert contents(shop.bench.registry.storage) == before


def test_a_dry_run_shows_the_part_and_puts_nothing_back(shop: Pruned) -> None:
    shop.prune()
    pruned = contents(shop.bench.registry.storage)
    looked = shop.bench.run("undo", shop.run, f"{shop.host}/{APP}:v-3", "--dry-run")
    assert looked.code == 0, looked
    assert "1 tag and 1 manifest would be put back" in looked.out
    assert "v-4" not in looked.out
    assert contents(shop.bench.registry.storage) == pruned


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ("HOST/shop/app:v-1", "did not take HOST/shop/app:v-1 away"),
        ("HOST/shop/app@sha256:" + 64 * "0", "did not take HOST/shop/app@sha256:" + 64 * "0" + " away"),
        ("HOST/shop/else", "did not take anything from HOST/shop/else away"),
        ("HOST/shop/app:", "REFERENCE: "),
    ],
)
def test_what_the_run_did_not_take_is_wrong_usage(shop: Pruned, named: str, says: str) -> None:
    shop.prune()
    pruned = contents(shop.bench.registry.storage)
    undone = shop.bench.run("undo", shop.run, f"{shop.host}/{OTHER}", named.replace("HOST", shop.host))
    assert undone.code == 2, undone
    assert says.replace("HOST", shop.host) in undone.err
    assert contents(shop.bench.registry.storage) == pruned


def test_of_a_run_that_is_not_finished_no_part_comes_back(shop: Pruned) -> None:
    """What resumes it would delete that again."""
    shop.prune("--request-budget=1")
    undone = shop.bench.run("undo", shop.run, f"{shop.host}/{APP}")
    assert undone.code == 3, undone
    assert f"Run {shop.run} is not finished" in undone.err
    assert f"holystone runs give-up {shop.run}" in undone.err
