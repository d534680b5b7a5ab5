"""A whole cleanup of a werf project, on every registry, by the command line alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from holystone.adapters.registries.implementations import VENDORS
from holystone.demo.published import PublishedProject
from holystone.engine.model.addresses import Address, ImagesRepoMode
from holystone.engine.model.references import RegistryHost, RepositoryPath
from tests.contract.stands import EMULATORS, emulator
from tests.emulators.vendor import Login, NotHere, VendorEmulator
from tests.support.command_line import Bench, Ran, bench, now
from tests.support.tiny_project import kept_tags, tiny_project


@pytest.fixture(params=EMULATORS)
def vendor(request: pytest.FixtureRequest) -> VendorEmulator:
    return emulator(str(request.param))


def mode_of(vendor: VendorEmulator) -> ImagesRepoMode:
    """Where nothing can be nested, the images repo names a repository."""
    rules = VENDORS[vendor.implementation].modes(Address(RegistryHost("registry.example.com")))
    return "multirepo" if rules.nests else "monorepo"


@contextmanager
def project(
    vendor: VendorEmulator, folder: Path, login: str = "login", *, rich: bool = False
) -> Iterator[tuple[Bench, PublishedProject]]:
    with bench(folder, registry=vendor) as made:
        mode = mode_of(vendor)
        published = tiny_project(made.project, vendor.storage, now=now(), mode=mode, rich=rich)
        log_in: Login = getattr(vendor, login)()
        made.env.update({**vendor.environ, **log_in.environ})
        if log_in.docker_config:
            made.docker_config(**log_in.docker_config)
        yield made, published


def tags(bench: Bench) -> dict[str, set[str]]:
    return {path: set(map(str, there)) for path, (there, _) in bench.contents().items()}


def everything(bench: Bench, ran: Ran, *more: str) -> str:
    """All that was printed or stored: output, journal, cache, plan."""
    stored = [file.read_bytes() for file in bench.home.rglob("*") if file.is_file() and file.name != "config.json"]
    return "\n".join((ran.out, ran.err, *more, *(each.decode("latin-1") for each in stored)))


def names_the_credential(message: str) -> bool:
    """Which one, by where it came from."""
    return any(
        origin in message
        for origin in ("config.json", "$WERF_", "$HOLYSTONE_REPO_", "AWS_ACCESS_KEY_ID in the environment")
    )


def test_a_project_is_cleaned(vendor: VendorEmulator, tmp_path: Path) -> None:
    with project(vendor, tmp_path, rich=True) as (shop, published):
        dry = shop.cleanup("--without-kube", "--yes-delete-that-many", "--dry-run")
        assert dry.code == 0, dry.err
        before = tags(shop)
        ran = shop.cleanup("--without-kube", "--yes-delete-that-many", "--output=json")
        assert ran.code == 0, ran.err
        assert ran.json["ending"] == "done"
        after = tags(shop)
        keep = {(str(tag.repository), str(tag.tag)) for tag in kept_tags(published)}
        for tag in published.tags:
            there = str(tag.tag) in after[str(tag.repository)]
            assert there == ((str(tag.repository), str(tag.tag)) in keep), tag
        foreign = str(published.tags[0].repository)
        assert {"not-ours", "also-not-ours"} <= after[foreign]
        assert sum(map(len, after.values())) < sum(map(len, before.values()))
        again = shop.cleanup("--without-kube", "--yes-delete-that-many", "--output=json")
        assert (again.code, again.json["ending"]) == (0, "nothing-to-do"), again.err
        secrets = [secret for secret in vendor.login().secrets if secret in everything(shop, ran, dry.out, dry.err)]
        assert secrets == []


def test_a_wrong_credential_is_one_message(vendor: VendorEmulator, tmp_path: Path) -> None:
    with project(vendor, tmp_path, "bad_login") as (shop, _):
        before = shop.contents()
        ran = shop.cleanup("--without-kube")
        assert ran.code in (2, 3), ran.err
        assert shop.contents() == before
        assert names_the_credential(ran.message)
        assert "Nothing was deleted" in ran.err
        assert not [secret for secret in vendor.bad_login().secrets if secret in everything(shop, ran)]


def test_a_credential_that_may_not_delete_is_one_message(vendor: VendorEmulator, tmp_path: Path) -> None:
    try:
        with project(vendor, tmp_path, "weak_login") as (shop, _):
            before = shop.contents()
            ran = shop.cleanup("--without-kube", "--yes-delete-that-many")
            assert ran.code in (1, 2, 3), ran.err
            assert shop.contents() == before
            assert names_the_credential(ran.message)
            assert "Nothing was deleted" in ran.err
            assert not [secret for secret in vendor.weak_login().secrets if secret in everything(shop, ran)]
    except NotHere as reason:
        pytest.skip(str(reason))


def test_a_project_is_purged_and_put_back(vendor: VendorEmulator, tmp_path: Path) -> None:
    with project(vendor, tmp_path) as (shop, published):
        before = tags(shop)
        unconfirmed = shop.run("purge", *shop.addresses())
        assert (unconfirmed.code, tags(shop)) == (3, before), unconfirmed.err
        ran = shop.run("purge", *shop.addresses(), "--yes", "--output=json")
        assert ran.code == 0, ran.err
        foreign = str(published.tags[0].repository)
        left = {path: there - {"not-ours", "also-not-ours"} for path, there in tags(shop).items()}
        digests = VENDORS[vendor.implementation].profile.can.digests
        last = int(digests is not None and digests.keeps_last_tagged)
        assert {path: len(there) for path, there in left.items()} == {path: last * (path != foreign) for path in left}
        assert {"not-ours", "also-not-ours"} <= tags(shop)[foreign]
        undone = shop.run("undo", ran.json["run"], *shop.addresses())
        assert undone.code == 0, undone.err
        assert tags(shop) == before


def test_managed_images_come_and_go(vendor: VendorEmulator, tmp_path: Path) -> None:
    with project(vendor, tmp_path) as (shop, _):
        before = tags(shop)

        def managed(verb: str, *names: str) -> Ran:
            return shop.run("managed-images", verb, *names, *shop.addresses()[2:])

        for name in ("~", "team/new"):
            added = managed("add", name)
            assert added.code == 0, added.err
        assert managed("ls").out.splitlines() == ["~", "backend", "front", "team/new"]
        removed = managed("rm", "~", "team/new")
        assert removed.code == 0, removed.err
        assert tags(shop) == before


def test_a_locked_record_cannot_be_removed_and_keeps_the_others_company(vendor: VendorEmulator, tmp_path: Path) -> None:
    with project(vendor, tmp_path) as (shop, _):
        before = tags(shop)
        vendor.lock(RepositoryPath("shop/stages"), "managed-image-front")
        ran = shop.run("managed-images", "rm", "front", "backend", *shop.addresses()[2:])
        assert ran.code == 1, ran
        assert "the record of image front cannot be removed: the registry does not delete it" in ran.message
        assert "Nothing was deleted." in ran.message
        assert tags(shop) == before


def test_a_rejected_stage_that_the_registry_locks_keeps_its_mark(vendor: VendorEmulator, tmp_path: Path) -> None:
    with project(vendor, tmp_path, rich=True) as (shop, published):
        (mark,) = map(str, published.rejected)
        stage = mark.removesuffix("-rejected")
        vendor.lock(RepositoryPath("shop/stages"), stage)
        ran = shop.cleanup("--without-kube", "--yes-delete-that-many", "--output=json")
        assert ran.code == 0, ran.err
        assert {stage, mark} <= tags(shop)["shop/stages"]
        (kept,) = (each for at in ran.json["plan"]["repositories"] for each in at["kept"] if each["tag"] == mark)
        assert kept["reasons"] == [{"type": "mark-of", "marked": stage}]


def test_what_was_deleted_comes_back_where_the_registry_still_has_it(vendor: VendorEmulator, tmp_path: Path) -> None:
    with project(vendor, tmp_path, rich=True) as (shop, _):
        before = tags(shop)
        ran = shop.cleanup("--without-kube", "--yes-delete-that-many", "--output=json")
        assert ran.code == 0, ran.err
        undone = shop.run("undo", ran.json["run"], *shop.addresses(), "--output=json")
        assert undone.code == 0, undone.err
        assert tags(shop) == before
