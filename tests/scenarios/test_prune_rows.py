"""Every row that a file of policies may have, in one file: beside what a row keeps, and nothing else does, stands what
looks much like it and goes. On a Harbor, and but for the row about pulls on a real docker-registry."""

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from holystone.engine.model.references import Digest
from tests.cli.test_cli_in_use import TOKEN, write_config
from tests.emulators.harbor import PASSWORD, HarborEmulator
from tests.emulators.kubernetes import KubeApi
from tests.support.command_line import Bench, Ran, bench
from tests.support.row_shop import FILE, LONG_AGO, PULLS, OnDistribution, OnHarbor, RowShop

pytestmark = pytest.mark.slow

WEB: Final = "shop/web"
ROWS: Final = (
    # what the entry keeps and nothing else does, and what stands beside it and goes
    ("latest stable", "prod later"),
    ("v1.0.2 v1.0.3 v1.0.4 v1.0.5 v1.0.6 1.1.0", "v1.0.0 v1.0.1 1.2.0-rc.1"),
    (
        "master-0000002 master-0000003 master-0000004 master-0000005 master-0000006 feature-login-1a2b3c4",
        "master-0000000 master-0000001 gone-1a2b3c4",
    ),
    ("build.3 build.4 build.5", "build.1 build.2 of-an-old-branch"),
    ("release.2 release.3 release.4 by-digest", "release.1"),
    ("customer.7", "customer.8"),
    ("golden", "tin"),
    ("young", "monthly.4.before"),
    ("popular", "forgotten"),
    ("monthly.4 monthly.9", "monthly.4.before monthly.13"),
)
PUSHED, PULLED = 8, 9
"""Entries. What was never pulled counts from its push, so that the longer time of the two keeps the young, too."""


@contextmanager
def cluster(bench: Bench, host: str) -> Iterator[None]:
    """One that runs shop/web:runs."""
    with bench.portal.wrap_async_context_manager(KubeApi(tokens={TOKEN: "rob"})) as api:
        write_config(bench.home / ".kube" / "config", {"prod": api})
        api.run("deployments", "web", f"{host}/{WEB}:runs")
        yield


@pytest.fixture
def harbor(tmp_path: Path) -> Iterator[OnHarbor]:
    emulator = HarborEmulator()
    with bench(tmp_path, registry=emulator) as made, cluster(made, emulator.host):
        yield OnHarbor(made, emulator, tmp_path)


@pytest.fixture
def distribution(tmp_path: Path) -> Iterator[OnDistribution]:
    with (
        bench(tmp_path) as made,
        made.portal.wrap_async_context_manager(OnDistribution.begun(tmp_path)) as real,
        cluster(made, real.host),
    ):
        yield OnDistribution(made, real, tmp_path)


def seed_web(shop: RowShop) -> None:
    gitops = shop.gitops
    for tag in ("latest", "stable", "prod", "later"):
        shop.push(WEB, tag)
    for version in (*(f"v1.0.{patch}" for patch in range(7)), "1.1.0", "1.2.0-rc.1"):
        shop.push(WEB, version)
    seed_branches(shop)
    by_digest = shop.push(WEB, "by-digest").digest
    for number, (days, more) in enumerate(((90, ""), (60, ""), (10, ""), (1, f"@{by_digest}")), start=1):
        shop.push(WEB, f"release.{number}")
        gitops.write("web.yaml", f"image: {shop.host}/{WEB}:release.{number}\nother: {more}\n")
        gitops.commit(hours_ago=days * 24)
    gitops.push("master")
    for tag in ("customer.7", "customer.8"):
        shop.push(WEB, tag)
    for tag, keep in (("golden", "true"), ("tin", "false")):
        shop.push(WEB, tag, labels={"keep": keep})
    for tag, age in (("young", 27.1), ("the.last.of.its.day", 27)):
        shop.push(WEB, tag, age)
    for tag in ("popular", "forgotten"):
        shop.push(WEB, tag)
    shop.push(WEB, "monthly.4.before", 4 * 31 + 0.1)
    for month in range(1, 14):
        shop.push(WEB, f"monthly.{month}", month * 31)
    for tag in ("runs", "listed", "runs.not"):
        shop.push(WEB, tag)


def seed_branches(shop: RowShop) -> None:
    clone = shop.clone
    clone.begin("feature/login")
    clone.push("feature/login")
    for tag in (*(f"master-000000{number}" for number in range(7)), "feature-login-1a2b3c4", "gone-1a2b3c4"):
        shop.push(WEB, tag)
    clone.begin("old", start="master")
    shop.push(WEB, "of-an-old-branch", revision=clone.commit(hours_ago=900))
    clone.begin("work", start="master")
    for number in range(1, 6):
        shop.push(WEB, f"build.{number}", revision=clone.commit(hours_ago=600 - 100 * number))
    clone.push("old", "work:master")


def kept_by(ran: Ran) -> dict[str, Sequence[int]]:
    """Which entries keep each tag, by their numbers."""
    (plan,) = (each for each in ran.json["plan"]["repositories"] if each["repository"]["path"] == WEB)
    return {
        each["tag"]: [reason["entry"] for reason in each["reasons"] if reason["type"] == "kept-by-entry"]
        for each in plan["kept"]
    }


def test_each_entry_keeps_what_no_other_does_and_lets_go_what_stands_beside_it(harbor: OnHarbor) -> None:
    seed_web(harbor)
    harbor.serve()
    harbor.pull(WEB, "popular", 80)
    harbor.pull(WEB, "forgotten", 100)
    ran = harbor.run("--output=json")
    assert ran.code == 0, ran
    kept = kept_by(ran)
    assert kept["young"] == [PUSHED, PULLED]
    for number, (keeps, _) in enumerate(ROWS, start=1):
        if number != PUSHED:
            assert {tag: kept.get(tag) for tag in keeps.split()} == {tag: [number] for tag in keeps.split()}
    assert_left(harbor, ROWS)


def test_and_on_docker_registry_where_nothing_tells_pulls(distribution: OnDistribution) -> None:
    seed_web(distribution)
    distribution.serve()
    ran = distribution.run("--output=json")
    assert ran.code == 0, ran
    kept = kept_by(ran)
    rows = [*ROWS[: PULLED - 1], *ROWS[PULLED:]]
    for number, (keeps, _) in enumerate(rows, start=1):
        assert {tag: kept.get(tag) for tag in keeps.split()} == {tag: [number] for tag in keeps.split()}
    assert_left(distribution, rows)
    assert "There is nothing to delete." in distribution.run().out


def assert_left(shop: RowShop, rows: Sequence[tuple[str, str]]) -> None:
    there = shop.tags(WEB)
    for keeps, goes in rows:
        assert set(keeps.split()) <= there
        assert not set(goes.split()) & there
    assert {"runs", "listed"} <= there
    assert "runs.not" not in there


def test_what_goes_without_a_tag_and_what_belongs_to_something(
    harbor: OnHarbor, monkeypatch: pytest.MonkeyPatch
) -> None:
    harbor.write_files(FILE.replace(PULLS, ""))  # the look is a pull to Harbor
    seed_web(harbor)
    part = harbor.push(WEB, None)
    harbor.push_index(WEB, "customer.7", LONG_AGO, part)
    pushed_again = harbor.push(WEB, None, 5)
    stays = [part, pushed_again, harbor.push(WEB, None, subject=part)]
    goes = [harbor.push(WEB, None), harbor.push(WEB, None, 6.6)]
    kept, doomed = (harbor.sign(WEB, harbor.push(WEB, name).digest) for name in ("latest", "prod"))
    orphan = harbor.sign(WEB, Digest.of(b"never pushed"))
    harbor.serve()
    harbor.had_a_look(monkeypatch, 31)
    young = harbor.sign(WEB, Digest.of(b"never pushed, too"), 28)
    harbor.serve()
    ran = harbor.run("--output=json")
    assert ran.code == 0, ran
    assert_left(harbor, [*ROWS[: PULLED - 1], *ROWS[PULLED:]])
    signed = {each for each in harbor.tags(WEB) if each.startswith("sha256-")}
    assert signed == {kept, young}, (kept, doomed, orphan, young)
    assert {each.digest for each in stays} <= harbor.manifests(WEB)
    assert not {each.digest for each in goes} & harbor.manifests(WEB)


def test_the_first_policy_that_names_a_repository_decides_and_what_none_names_is_left_alone(
    distribution: OnDistribution,
) -> None:
    pushed: dict[str, tuple[str, tuple[float, ...]]] = {
        "shop/web/cache": ("latest", (12, 15)),
        "shop/api/cache": ("old", (15, 16)),
        "team-a/app": ("v1.0.0", (1, 2, 3)),
        "other/app": ("v1.0.0", (40, 50)),
        "blog": ("v1.0.0", (40,)),
        "blog/cache": ("v1.0.0", (40,)),
        "blog/stages": ("v1.0.0", (40,)),
    }
    for path, (name, ages) in pushed.items():
        for number, days in enumerate(ages):
            distribution.push(path, f"{name}-{number}", days)
    distribution.serve()
    ran = distribution.run("--yes-delete-that-many")
    assert ran.code == 0, ran
    assert {path: sorted(distribution.tags(path)) for path in pushed} == {
        "shop/web/cache": ["latest-0"],
        "shop/api/cache": [],
        "team-a/app": ["v1.0.0-0", "v1.0.0-1"],
        "other/app": ["v1.0.0-0", "v1.0.0-1"],
        "blog": ["v1.0.0-0"],
        "blog/cache": ["v1.0.0-0"],
        "blog/stages": ["v1.0.0-0"],
    }
    assert f"no policy is about 1 repository, e.g. {distribution.host}/other/app: left alone" in ran.out


def test_what_the_registry_does_not_let_go_stays_whatever_a_policy_says(harbor: OnHarbor) -> None:
    seed_web(harbor)
    harbor.serve()
    harbor.pull(WEB, "popular", 80)
    harbor.lock(WEB, "later")
    ran = harbor.run("--log-verbose")
    assert ran.code == 0, ran
    (line,) = (each for each in ran.out.splitlines() if each.startswith("  stay  later "))
    assert "an immutability rule of the project shop" in line
    assert "later" in harbor.tags(WEB)
    assert "prod" not in harbor.tags(WEB)


def test_what_a_dry_run_reads_is_pulled_to_the_next_run_and_it_says_so(harbor: OnHarbor) -> None:
    entries = "keep: [{tags: latest}, {label: {name: keep}}, {pulled-within: 90d}]"
    harbor.write_files(
        f"format: 1\nin-use: {{kubernetes: none}}\nregistries: {{HOST: {{implementation: harbor, credentials: "
        f"{{username: env:HARBOR_USER, password: file:harbor-password}}}}}}\n"
        f"policies: [{{name: shop, repositories: HOST/shop/*, {entries}}}]\n"
    )
    for tag in ("latest", "popular", "forgotten"):
        harbor.push(WEB, tag)
    harbor.serve()
    harbor.pull(WEB, "popular", 80)
    dry = harbor.run("--plan-out", "plan.json")
    assert dry.code == 0, dry
    assert f"note: {harbor.host} takes 3 manifests for pulled now" in dry.out
    again = harbor.run("--dry-run")
    assert "for pulled now" not in again.out
    assert "3 tags stay, 0 go" in again.out
    login = base64.b64encode(f"sweeper:{PASSWORD}".encode()).decode()
    harbor.bench.docker_config(auths={harbor.host: {"auth": login}})
    applied = harbor.bench.run("apply", "plan.json")
    assert applied.code == 0, applied
    assert harbor.tags(WEB) == {"latest", "popular"}
