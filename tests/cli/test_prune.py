"""Whole runs of `prune`: policies over repositories that nobody has described otherwise."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from holystone.adapters.http import dates
from holystone.api import client
from holystone.embedded.faults import Answer, Fault
from holystone.engine.model.references import RepositoryPath, Tag
from holystone.workflows import reading
from tests.cli.test_cli_in_use import TOKEN, write_config
from tests.emulators.kubernetes import KubeApi
from tests.support import images
from tests.support.command_line import Bench, bench, now
from tests.support.dated_registry import DAY, Registry, aged


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with bench(tmp_path) as made:
        yield Registry(made)


def test_without_a_file_the_command_line_says_what_stays(registry: Registry) -> None:
    registry.push("team-a/app", aged("v", 5))
    registry.push("team-b/app", aged("v", 2))
    registry.push("other/app", aged("v", 5))
    pattern = f"{registry.bench.registry.host}/team-*/**"
    ran = registry.bench.run("prune", pattern, "--keep", "newest=3", "--keep", "tags=v-5", "--dry-run")
    assert ran.code == 0, ran
    assert "v-4" in ran.out
    assert registry.tags("team-a/app") == ["v-1", "v-2", "v-3", "v-4", "v-5"]
    ran = registry.bench.run("prune", pattern, "--keep", "newest=3", "--keep", "tags=v-5")
    assert ran.code == 0, ran
    assert registry.tags("team-a/app") == ["v-1", "v-2", "v-3", "v-5"]
    assert registry.tags("team-b/app") == ["v-1", "v-2"]
    assert registry.tags("other/app") == ["v-1", "v-2", "v-3", "v-4", "v-5"]


def test_a_second_run_plans_nothing(registry: Registry) -> None:
    registry.push("shop/app", aged("v", 5))
    options = ("prune", f"{registry.bench.registry.host}/shop/*", "--keep", "newest=3")
    assert registry.bench.run(*options).code == 0
    again = registry.bench.run(*options)
    assert again.code == 0
    assert "There is nothing to delete." in again.out


def test_the_first_policy_that_matches_decides_and_what_none_matches_is_left_alone(registry: Registry) -> None:
    registry.push("shop/app", aged("v", 4))
    registry.push("shop/cache", aged("c", 4))
    registry.push("blog/app", aged("v", 4))
    file = registry.file(
        """
  - {name: caches, repositories: ["HOST/**/cache"], keep: [{newest: 1}], may-empty: true}
  - {name: shop, repositories: ["HOST/shop/**"], keep: [{newest: 2}]}
"""
    )
    ran = registry.bench.run("prune", "--config", str(file))
    assert ran.code == 0, ran
    assert registry.tags("shop/app") == ["v-1", "v-2"]
    assert registry.tags("shop/cache") == ["c-1"]
    assert registry.tags("blog/app") == ["v-1", "v-2", "v-3", "v-4"]
    assert f"no policy is about 1 repository, e.g. {registry.bench.registry.host}/blog/app: left alone" in ran.out
    assert "the policies caches and shop are both about 1 repository" in ran.out


def test_one_bad_repository_does_not_stop_the_others(registry: Registry) -> None:
    registry.push("shop/app", aged("v", 4))
    registry.push("shop/bad", aged("v", 4))
    registry.bench.registry.faults.add(Fault("GET", "/v2/shop/bad/tags/list", Answer(404, b"<html>"), times=None))
    pattern = f"{registry.bench.registry.host}/shop/*"
    ran = registry.bench.run("prune", pattern, "--keep", "newest=2")
    assert ran.code == 4, ran
    assert registry.tags("shop/app") == ["v-1", "v-2"]
    assert registry.tags("shop/bad") == ["v-1", "v-2", "v-3", "v-4"]
    assert "1 repository was left alone" in ran.err
    assert f"{registry.bench.registry.host}/shop/bad" in ran.err
    document = registry.bench.run("prune", pattern, "--keep", "newest=1", "--output=json").json
    (aside,) = document["plan"]["set_aside"]
    assert aside["repository"]["path"] == "shop/bad"
    assert document["exit_code"] == 4


def test_that_an_entry_matches_nothing_is_only_told_where_not_all_could_be_read(registry: Registry) -> None:
    for path in ("shop/app", "shop/bad"):
        registry.push(path, aged("v", 4))
    registry.bench.registry.faults.add(Fault("GET", "/v2/shop/bad/tags/list", Answer(404, b"<html>"), times=None))
    pattern = f"{registry.bench.registry.host}/shop/*"
    ran = registry.bench.run("prune", pattern, "--keep", "newest=2", "--keep", "tags=stable")
    assert ran.code == 4, ran
    assert "note: no tag that could be read matches stable, entry 2 of the policy command line" in ran.out
    assert registry.tags("shop/app") == ["v-1", "v-2"]


def test_nothing_stays_where_a_policy_says_so(registry: Registry) -> None:
    registry.push("shop/app", aged("v", 4))
    policy = '  - {name: shop, repositories: ["HOST/shop/*"], keep: nothing}\n'
    ran = registry.bench.run("prune", "--config", str(registry.file(policy)))
    assert ran.code == 0, ran
    assert registry.tags("shop/app") == []


def test_where_nothing_else_is_done_it_is_refused(registry: Registry) -> None:
    registry.push("shop/bad", aged("v", 4))
    registry.bench.registry.faults.add(Fault("GET", "/v2/shop/bad/tags/list", Answer(404, b"<html>"), times=None))
    ran = registry.bench.run("prune", f"{registry.bench.registry.host}/shop/*", "--keep", "newest=2")
    assert ran.code == 3, ran
    assert "Nothing was deleted." in ran.err


def test_a_catalog_that_cannot_be_read_is_no_empty_one(registry: Registry) -> None:
    registry.push("shop/app", aged("v", 4))
    registry.bench.registry.faults.add(Fault("GET", "/v2/_catalog", Answer(403, b"{}"), times=None))
    ran = registry.bench.run("prune", f"{registry.bench.registry.host}/shop/*", "--keep", "newest=2")
    assert ran.code == 3, ran
    assert "all of 1 registry was left alone" in ran.err.lower()
    assert registry.tags("shop/app") == ["v-1", "v-2", "v-3", "v-4"]


def _challenge(host: str, service: str) -> Answer:
    said = f'Bearer realm="http://{host}/service/token",service="{service}"'
    return Answer(401, b"{}", {"WWW-Authenticate": said})


def _token_of_two_lines(other: Bench) -> None:
    other.registry.faults.add(Fault("GET", "/service/token", Answer(200, b'{"token":"two\\nlines"}'), times=None))
    other.registry.faults.add(Fault("GET|HEAD", "/v2/", _challenge(other.registry.host, "x"), times=None))


def _harbor(other: Bench) -> None:
    other.registry.faults.add(Fault("GET", "/v2/$", _challenge(other.registry.host, "harbor-registry"), times=None))


@pytest.mark.parametrize(
    ("strange", "says"),
    [
        (_token_of_two_lines, "gives a token that goes into no header"),
        (_harbor, "Nobody but {host} itself, a plan or the journal says that it is harbor"),
    ],
)
def test_what_one_registry_says_of_itself_stops_no_other(
    registry: Registry, tmp_path: Path, strange: Callable[[Bench], None], says: str
) -> None:
    """It was told as wrong usage, by which all of the command ends."""
    login = {"WERF_REPO_HARBOR_USERNAME": "sweeper", "WERF_REPO_HARBOR_PASSWORD": "Belongs-Elsewhere-1"}
    registry.push("shop/app", aged("v", 4))
    with bench(tmp_path / "other") as other:
        strange(other)
        host = other.registry.host
        both = (f"{registry.bench.registry.host}/shop/*", f"{host}/shop/*")
        ran = registry.bench.run("prune", *both, "--keep", "newest=2", env=login)
        assert ran.code == 4, ran
        assert says.format(host=host) in ran.err
        assert registry.tags("shop/app") == ["v-1", "v-2"]
        alone = registry.bench.run("prune", both[1], "--keep", "newest=2", env=login)
        assert alone.code in (2, 3), alone
        assert says.format(host=host) in alone.err


def test_a_part_of_a_registry_in_which_nothing_is_shown_does_not_stop_the_others(registry: Registry) -> None:
    """A team that has pushed nothing yet, or whose repositories may not be read: the registry does not say which."""
    registry.push("shop/app", aged("v", 4))
    host = registry.bench.registry.host
    options = ("--keep", "newest=2", "--output=json")
    ran = registry.bench.run("prune", f"{host}/shop/*", f"{host}/team-b/**", *options)
    assert ran.code == 4, ran
    assert registry.tags("shop/app") == ["v-1", "v-2"]
    (aside,) = ran.json["plan"]["set_aside"]
    assert aside["repository"]["path"] == "team-b"
    assert "either there is none, or they may not be read" in aside["why"][0]["message"]
    ran = registry.bench.run("prune", f"{host}/team-a/**", f"{host}/team-b/**", *options)
    assert ran.code == 3, ran
    assert ran.json["plan"]["set_aside"][0]["repository"] is None


def test_a_policy_that_would_empty_a_repository_is_refused_for_it(registry: Registry) -> None:
    registry.push("shop/old", aged("v", 3, first=100))
    registry.push("shop/app", aged("v", 4, step=20))
    ran = registry.bench.run("prune", f"{registry.bench.registry.host}/shop/*", "--keep", "pushed-within=30d")
    assert ran.code == 4, ran
    assert registry.tags("shop/old") == ["v-1", "v-2", "v-3"]
    assert registry.tags("shop/app") == ["v-1", "v-2"]


def test_what_is_left_alone_loses_no_tag_that_people_deploy_by(registry: Registry) -> None:
    registry.push("shop/app", {**aged("v", 4), "prod": 50})
    command = ("prune", f"{registry.bench.registry.host}/shop/*", "--keep", "newest=3", "--dry-run")
    assert "prod would go, a name that people deploy by" in registry.bench.run(*command).out
    ran = registry.bench.run(*command, "--keep", "tags=lates")
    assert ran.code == 3, ran
    assert "shop/app: no tag in any of the repositories matches entry 2 of policy command line (lates)" in ran.err
    assert "would go" not in ran.out


def test_what_is_in_use_stays(registry: Registry) -> None:
    registry.push("shop/app", aged("v", 5))
    in_use = registry.bench.project / "in-use.txt"
    in_use.write_text(f"{registry.bench.registry.host}/shop/app:v-4\n")
    file = registry.file(
        '  - {name: shop, repositories: ["HOST/shop/**"], keep: [{newest: 2}]}\n',
        **{"in-use": "{kubernetes: none, lists: [in-use.txt]}"},
    )
    ran = registry.bench.run("prune", "--config", str(file))
    assert ran.code == 0, ran
    assert registry.tags("shop/app") == ["v-1", "v-2", "v-4"]


def test_clusters_in_which_nothing_runs_any_more_are_no_answer(registry: Registry) -> None:
    """Of one repository it is: somebody has taken that down."""
    registry.push("shop/app", aged("v", 5))
    registry.push("shop/web", aged("v", 5))
    bench = registry.bench
    host = bench.registry.host
    config = bench.home / ".kube" / "config"
    command = ("prune", f"{host}/shop/*", "--keep", "newest=2", "--without-kube=false")
    running = [f"{host}/shop/app:v-4", f"{host}/shop/web:v-5"]
    for used, code in ((running, 0), (running[:1], 0), ([], 3)):
        with bench.portal.wrap_async_context_manager(KubeApi(tokens={TOKEN: "rob"})) as api:
            write_config(config, {"prod": api})
            for number, image in enumerate((*used, "busybox:1")):
                api.run("deployments", f"app-{number}", image)
            ran = bench.run(*command)
        assert ran.code == code, ran
        assert registry.tags("shop/app") == ["v-1", "v-2", "v-4"]
    assert f"tags in use of {host}: 0" in ran.message
    assert registry.tags("shop/web") == ["v-1", "v-2"]


PULLS = "  - {name: shop, repositories: HOST/**, keep: [{newest: 1}, {pulled-within: 90d}]}\n"


def test_a_registry_that_is_known_to_tell_no_pulls_is_refused_before_anything_is_read(registry: Registry) -> None:
    registry.push("shop/app", aged("v", 4))
    file = registry.file(PULLS, registries="{HOST: {implementation: default}}")
    for words in (("prune", "--config", str(file)), ("policy", "check", str(file))):
        ran = registry.bench.run(*words)
        assert ran.code == 2, ran
        assert "holystone.yaml:5:" in ran.message
        assert "policies[0].keep[1].pulled-within: 127.0.0.1:" in ran.message
        assert "(default) does not tell when images are pulled; those that do are dockerhub, ecr, harbor" in ran.message
    entry = ("--keep", "newest=1", "--keep", "pulled-within=90d", "--repo-implementation", "default")
    ran = registry.bench.run("prune", f"{registry.bench.registry.host}/**", *entry)
    assert ran.code == 2, ran
    assert "--keep pulled-within=90d: pulled-within: 127.0.0.1:" in ran.message
    assert registry.bench.registry.requests == []


def test_one_that_has_to_be_asked_what_it_is_is_left_alone(registry: Registry) -> None:
    registry.push("shop/app", aged("v", 4))
    ran = registry.bench.run("prune", "--config", str(registry.file(PULLS)))
    assert ran.code == 3, ran
    assert "shop/app" in ran.err
    assert registry.tags("shop/app") == ["v-1", "v-2", "v-3", "v-4"]


def test_undo_brings_back_what_a_prune_took(registry: Registry) -> None:
    registry.push("shop/app", aged("v", 5))
    before = registry.bench.contents()
    ran = registry.bench.run("prune", f"{registry.bench.registry.host}/shop/*", "--keep", "newest=2", "--output=json")
    assert registry.tags("shop/app") == ["v-1", "v-2"]
    assert registry.bench.run("undo", ran.json["run"]).code == 0
    assert registry.bench.contents() == before


def test_metrics_of_a_prune(registry: Registry) -> None:
    registry.push("shop/app", aged("v", 5))
    host, file = registry.bench.registry.host, registry.bench.home / "x.prom"
    ran = registry.bench.run("prune", f"{host}/shop/*", "--keep", "newest=2", "--metrics-file", str(file))
    assert ran.code == 0, ran
    said = file.read_text()
    assert f'holystone_run_last_tags_deleted{{registry="{host}",repository="shop/app"}} 3.0' in said
    assert 'command="prune"' in said


def test_a_plan_file_is_applied_as_it_is(registry: Registry) -> None:
    registry.push("shop/app", aged("v", 5, first=1.5))
    registry.push("shop/bad", aged("v", 2, first=50))
    options = ("prune", f"{registry.bench.registry.host}/shop/*", "--keep", "pushed-within=3d", "--plan-out", "plan")
    planned = registry.bench.run(*options)
    assert planned.code == 4, planned
    assert len(registry.tags("shop/app")) == 5
    applied = registry.bench.run("apply", "plan")
    assert applied.code == 4, applied
    assert registry.tags("shop/app") == ["v-1", "v-2"]
    assert registry.tags("shop/bad") == ["v-1", "v-2"]


def test_a_repository_with_records_of_werf_is_left_alone_and_told(registry: Registry) -> None:
    registry.push("shop/stages", {"managed-image-app": 50, **aged("v", 4)})
    ran = registry.bench.run("prune", f"{registry.bench.registry.host}/shop/*", "--keep", "newest=1")
    assert ran.code == 0, ran
    assert len(registry.tags("shop/stages")) == 5
    assert "holds records of builds, e.g. managed-image-app" in ran.out


def test_what_is_a_projects_no_policy_judges_even_where_that_cannot_be_read(registry: Registry) -> None:
    for path in ("blog", "blog/app", "blog/stages", "blogs"):
        registry.push(path, aged("v", 3))
    file = registry.file(
        '  - {name: all, repositories: ["HOST/**"], keep: [{newest: 1}]}\n',
        projects="[{directory: ., images-repo: HOST/blog, stages-storage: HOST/blog/stages}]",
    )
    ran = registry.bench.run("prune", "--config", str(file))
    assert ran.code == 4, ran
    assert [len(registry.tags(path)) for path in ("blog", "blog/app", "blog/stages", "blogs")] == [3, 3, 3, 1]
    assert f"{registry.bench.project} decides about 3 repositories, e.g. " in ran.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--config is missing: a file of policies says what stays"),
        (("policies.yaml",), "If it is a file of policies, write --config policies.yaml."),
        (("HOST/shop/*",), "--keep is missing: nobody says what stays"),
        (("shop/*", "--keep", "newest=1"), "does not begin with a registry"),
        (("HOST/shop/*", "--keep", "newest=0"), "newest"),
        (("HOST/shop/*", "--keep", "newest=1", "--config", "x.yaml"), "names a file of policies"),
        (("--config", "absent.yaml"), "absent.yaml"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_read(
    registry: Registry, arguments: tuple[str, ...], message: str
) -> None:
    registry.push("shop/app", aged("v", 4))
    host = registry.bench.registry.host
    ran = registry.bench.run("prune", *(each.replace("HOST", host) for each in arguments))
    assert ran.code == 2, ran
    assert message in ran.message
    assert registry.bench.registry.requests == []


def test_what_has_shrunk_since_the_last_run_is_set_aside(registry: Registry) -> None:
    registry.push("shop/app", aged("v", 30))
    registry.push("shop/blog", aged("v", 30))
    options = ("prune", f"{registry.bench.registry.host}/shop/*", "--keep", "newest=25")
    assert registry.bench.run(*options).code == 0
    tags = registry.bench.registry.storage.repositories[RepositoryPath("shop/app")].tags
    for tag in [each for each in tags if each not in ("v-1", "v-2", "v-3")]:
        del tags[tag]
    ran = registry.bench.run("prune", f"{registry.bench.registry.host}/shop/*", "--keep", "newest=20", "--output=json")
    assert ran.code == 4, ran
    (aside,) = ran.json["plan"]["set_aside"]
    assert aside["why"][0]["kind"] == "source-shrank"
    assert len(registry.tags("shop/blog")) == 20
    for keep in ("newest=15", "newest=2"):
        assert registry.bench.run("prune", options[1], "--keep", keep).code == 4, "what it has shrunk to is remembered"
    assert registry.tags("shop/app") == ["v-1", "v-2", "v-3"]


def test_what_was_pushed_at_one_time_waits_for_a_person(registry: Registry) -> None:
    registry.push("shop/app", dict.fromkeys(aged("v", 30), 5))
    options = ("prune", f"{registry.bench.registry.host}/shop/*", "--keep", "newest=25")
    assert registry.bench.run(*options).code == 3
    ran = registry.bench.run(*options, "--yes-delete-that-many")
    assert ran.code == 0, ran
    assert len(registry.tags("shop/app")) == 25


@pytest.mark.parametrize("by", ["its tag", "its digest"])
def test_what_is_in_use_and_would_go_with_what_it_is_attached_to_stays(registry: Registry, by: str) -> None:
    registry.push("shop/app", aged("v", 5))
    registry.push("shop/other", aged("v", 5))
    at = RepositoryPath("shop/app")
    subject = registry.bench.registry.storage.repositories[at].tags[Tag("v-5")]
    attached = Tag(f"sha256-{subject.hex}.sig")
    config = images.config("attached")
    registry.bench.registry.storage.put_blob(at, config)
    raw = images.image(config)
    registry.bench.registry.storage.put_manifest(at, raw.body, raw.media_type, attached)
    name = f":{attached}" if by == "its tag" else f"@{raw.digest}"
    (registry.bench.project / "in-use.txt").write_text(f"{registry.bench.registry.host}/shop/app{name}\n")
    file = registry.file(
        '  - {name: shop, repositories: ["HOST/shop/**"], keep: [{newest: 2}]}\n',
        **{"in-use": "{kubernetes: none, lists: [in-use.txt]}"},
    )
    ran = registry.bench.run("prune", "--config", str(file))
    assert ran.code == 4, ran
    assert "would go with what it is attached to, and is in use" in ran.err
    assert len(registry.tags("shop/app")) == 6
    assert registry.tags("shop/other") == ["v-1", "v-2"]


def test_a_registry_of_which_nothing_is_in_use_any_more_is_left_alone(registry: Registry) -> None:
    """The cluster that is asked may be another one, or the list that somebody wrote cut off."""
    registry.push("shop/app", aged("v", 5))
    in_use = registry.bench.project / "in-use.txt"
    in_use.write_text(f"{registry.bench.registry.host}/shop/app:v-4\n")
    file = registry.file(
        '  - {name: shop, repositories: ["HOST/shop/**"], keep: [{newest: 2}]}\n',
        **{"in-use": "{kubernetes: none, lists: [in-use.txt]}"},
    )
    assert registry.bench.run("prune", "--config", str(file)).code == 0
    in_use.write_text("other.example/app:1\n")
    for _ in range(2):
        ran = registry.bench.run("prune", "--config", str(file))
        assert ran.code == 3, ran
        assert f"in use of {registry.bench.registry.host}: 0" in ran.err
    assert registry.tags("shop/app") == ["v-1", "v-2", "v-4"]
    assert registry.bench.run("prune", "--config", str(file), "--accept-new-baseline").code == 0
    assert registry.tags("shop/app") == ["v-1", "v-2"]


def test_the_fuse_of_all_holds_where_each_repository_is_small(registry: Registry) -> None:
    for number in range(5):
        registry.push(f"shop/app-{number}", aged("v", 10))
    ran = registry.bench.run("prune", f"{registry.bench.registry.host}/shop/*", "--keep", "newest=1")
    assert ran.code == 3, ran
    assert "45 of 50 tags of all repositories would be deleted" in ran.err
    assert len(registry.tags("shop/app-0")) == 10
    ran = registry.bench.run(
        "prune", f"{registry.bench.registry.host}/shop/*", "--keep", "newest=1", "--yes-delete-that-many"
    )
    assert ran.code == 0, ran
    assert registry.tags("shop/app-0") == ["v-1"]


def test_a_machine_whose_clock_is_wrong_judges_nothing_by_its_age(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.push("shop/app", aged("v", 15))
    options = ("prune", f"{registry.bench.registry.host}/shop/*", "--keep", "newest=1", "--keep", "pushed-within=60d")
    assert "15 tags stay, 0 go" in registry.bench.run(*options, "--dry-run").out
    ahead = SimpleNamespace(time=lambda: now() + 90 * DAY, monotonic=time.monotonic)
    for module in (client, dates, reading):
        monkeypatch.setattr(module, "time", ahead)
    ran = registry.bench.run(*options)
    assert ran.code == 3, ran
    assert f"{registry.bench.registry.host} says that it is" in ran.message
    assert "--allow-clock-skew" in ran.message
    assert len(registry.tags("shop/app")) == 15
    ran = registry.bench.run(*options, "--allow-clock-skew", "--dry-run")
    assert ran.code == 0, ran
    assert "--allow-clock-skew says that it is meant" in ran.out


def test_the_plan_says_which_entry_keeps_what(registry: Registry) -> None:
    registry.push("shop/app", aged("v", 3))
    ran = registry.bench.run(
        "prune", f"{registry.bench.registry.host}/shop/*", "--keep", "newest=2", "--dry-run", "--output=json"
    )
    (repository,) = ran.json["plan"]["repositories"]
    assert [kept["tag"] for kept in repository["kept"]] == ["v-1", "v-2"]
    assert json.dumps(repository["kept"][0]["reasons"])


def test_of_two_tags_of_an_image_one_goes_though_no_rule_asks_when(registry: Registry) -> None:
    """It is pushed over there, which needs a tag that has rested: so its build time is read."""
    registry.push("shop/app", {"v1.0.0": 5})
    storage = registry.bench.registry.storage
    at = RepositoryPath("shop/app")
    image = storage.repositories[at].manifests[storage.repositories[at].tags["v1.0.0"]]
    storage.put_manifest(at, image.body, image.media_type, "build-77")
    ran = registry.bench.run("prune", f"{registry.bench.registry.host}/shop/*", "--keep", "tags=v*")
    assert ran.code == 0, ran
    assert registry.tags("shop/app") == ["v1.0.0"]
    again = registry.bench.run("prune", f"{registry.bench.registry.host}/shop/*", "--keep", "tags=v*")
    assert "There is nothing to delete." in again.out


def test_that_no_list_shows_what_has_no_tag_is_told_once(registry: Registry) -> None:
    for path in ("shop/app", "shop/blog"):
        registry.push(path, aged("v", 3))
    keep = "keep: [{newest: 2}], untagged: {after: 1d}"
    ran = registry.bench.run(
        "prune", "--config", str(registry.file(f'  - {{name: shop, repositories: ["HOST/shop/*"], {keep}}}\n'))
    )
    assert ran.code == 0, ran
    host = registry.bench.registry.host
    assert ran.out.count(f"{host} does not list manifests without a tag: none of them goes by the policy shop") == 1
