"""werf 1.1 projects in a file of policies: each is cleaned as `cleanup` would clean it, in one run with all else."""

import gc
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from holystone.adapters.http.dates import Dates
from holystone.api import client
from holystone.embedded.faults import Answer, Fault
from holystone.embedded.quirks import OCI
from holystone.embedded.server import EmbeddedRegistry
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.plan import Plan, RepositoryPlan
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath
from holystone.engine.model.source_notices import UsedInClusters
from holystone.workflows import project_plan, projects
from holystone.workflows.plan_file import read_plan
from tests.cli.test_cli_in_use import TOKEN, write_config
from tests.emulators.kubernetes import KubeApi
from tests.support.another_run import another_run
from tests.support.command_line import Ran, bench, now
from tests.support.dated_registry import Registry, aged
from tests.support.tiny_project import contents, tiny_project

APPS = '  - {name: apps, repositories: ["HOST/apps/**"], keep: [{newest: 2}]}\n'


class Night(Registry):
    """Projects beside each other on one registry, with a repository that a policy is about; and a person."""

    def project(self, name: str, **story: Any) -> Path:
        folder = self.bench.project / name
        folder.mkdir()
        at = {"images_repo": f"{name}/app", "stages_storage": f"{name}/stages"}
        tiny_project(folder, self.bench.registry.storage, now=now(), **{**at, **story})
        return folder

    def write(self, *projects: str, policies: str = APPS, **rest: str) -> str:
        """A file about projects, each its name or its keys."""
        listed = [each if ":" in each else self.keys(each) for each in projects]
        return str(self.file(policies, projects=f"[{', '.join(f'{{{each}}}' for each in listed)}]", **rest))

    def keys(self, name: str, more: str = "") -> str:
        return f"directory: {name}, images-repo: HOST/{name}/app, stages-storage: HOST/{name}/stages{more}"

    def prune(self, *options: str, env: dict[str, str] | None = None) -> Ran:
        return self.bench.run("prune", "--config", "holystone.yaml", *options, env=env)

    def planned(self, *options: str, env: dict[str, str] | None = None) -> Plan:
        ran = self.prune("--plan-out", "plan.json", *options, env=env)
        assert ran.code == 0, ran
        return self.read("plan.json")

    def cleanup(self, name: str, *options: str) -> Plan:
        at = self.bench.addresses(f"{name}/app", f"{name}/stages")
        ran = self.bench.run("cleanup", *at, "--dir", name, "--plan-out", f"{name}.json", *options)
        assert ran.code == 0, ran
        return self.read(f"{name}.json")

    def read(self, file: str) -> Plan:
        return read_plan(self.bench.project / file, self.bench.home, max_age=600)[0]


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    with bench(tmp_path) as made:
        found = Night(made)
        found.push("apps/web", aged("v", 4))
        yield found


def below(plan: Plan, name: str) -> list[RepositoryPlan]:
    return [each for each in plan.repositories if each.repository.path.startswith(f"{name}/")]


def plan_of(plan: Plan, path: str) -> RepositoryPlan:
    (found,) = (each for each in plan.repositories if each.repository.path == path)
    return found


def shown(night: Night, name: str) -> str:
    return f"the project in {night.bench.project}/{name}"


def test_the_plan_of_a_project_is_that_of_a_cleanup(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the letter, ages included."""
    moment = float(now())
    monkeypatch.setattr(client, "time", SimpleNamespace(time=lambda: moment))
    night.project("shop", rich=True)
    night.project("blog", mode="monorepo")
    night.write("shop", night.keys("blog", ", images-repo-mode: monorepo, keep-stages-younger-than: 10w"))
    of_blog = ("--images-repo-mode=monorepo", "--keep-stages-younger-than=1680h")
    alone = {"shop": night.cleanup("shop"), "blog": night.cleanup("blog", *of_blog)}
    plan = night.planned()
    assert plan.command == "prune"
    for name, cleanup in alone.items():
        assert below(plan, name) == list(cleanup.repositories)
        assert any(each.passes for each in cleanup.repositories)
        assert [each for each in plan.counted if each.key.repository.path.startswith(f"{name}/")] == list(
            cleanup.counted
        )
    assert [each.repository.path for each in plan.repositories if each.passes and each not in below(plan, "shop")]
    assert len(plan.repositories) == sum(len(each.repositories) for each in alone.values()) + 1


def test_one_run_cleans_projects_and_repositories_of_policies_and_is_taken_back(night: Night) -> None:
    projects = {name: night.project(name) for name in ("shop", "blog")}
    night.write(*projects)
    before = night.bench.contents()
    ran = night.prune("--output=json")
    assert ran.code == 0, ran
    assert {each["repository"]["path"] for each in ran.json["plan"]["repositories"]} == {
        *("shop/app/backend", "shop/app/front", "shop/stages"),
        *("blog/app/backend", "blog/app/front", "blog/stages", "apps/web"),
    }
    assert night.tags("apps/web") == ["v-1", "v-2"]
    assert len(night.tags("shop/app/front")) == len(night.tags("blog/app/front")) == 3
    assert len(night.tags("shop/app/backend")) == 5
    again = night.prune()
    assert again.code == 0, again
    assert "There is nothing to delete." in again.out
    (run,) = night.bench.run("runs", "--output=json").json["runs"]
    assert run["command"] == "prune"
    assert night.bench.run("undo", run["id"]).code == 0
    assert night.bench.contents() == before


def test_what_a_cleanup_has_left_a_prune_finds_clean_and_holds_the_next_one_against(night: Night) -> None:
    night.project("shop")
    night.write("shop")
    assert night.bench.cleanup("--dir", "shop").code == 0
    assert not any(each.passes for each in below(night.planned(), "shop"))
    tags = night.bench.registry.storage.repositories[RepositoryPath("shop/stages")].tags
    for tag in [each for each in tags if each.startswith("managed-image-")]:
        del tags[tag]
    ran = night.prune("--output=json")
    assert ran.code == 4, ran
    (aside,) = ran.json["plan"]["set_aside"]
    assert aside["project"] == f"{night.bench.project}/shop"
    assert {each["fewer"]["key"]["source"] for each in aside["why"]} == {"managed-images"}
    assert [each["repository"]["path"] for each in ran.json["plan"]["repositories"]] == ["apps/web"]
    assert night.tags("apps/web") == ["v-1", "v-2"]
    assert night.prune("--accept-new-baseline").code == 0


def broken(night: Night, how: str) -> None:
    folder = night.bench.project / "shop"
    faults = night.bench.registry.faults
    match how:
        case "no folder":
            shutil.rmtree(folder)
        case "no werf.yaml":
            (folder / "werf.yaml").unlink()
        case "shallow":
            (folder / ".git" / "shallow").write_text("0" * 40 + "\n")
        case "stages that cannot be read":
            faults.add(Fault("GET", "/v2/shop/stages/tags/list", Answer(404, b"<html>"), times=None))
        case "images that cannot be read":
            faults.add(Fault("GET", "/v2/shop/app/front/tags/list", Answer(403, b"{}"), times=None))
        case "no image where images are to be":
            for image in ("front", "backend"):
                del night.bench.registry.storage.repositories[RepositoryPath(f"shop/app/{image}")]


@pytest.mark.parametrize(
    "how",
    [
        *("no folder", "no werf.yaml", "shallow", "stages that cannot be read", "images that cannot be read"),
        "no image where images are to be",
    ],
)
def test_a_project_that_cannot_be_read_is_left_alone_and_stops_no_other(night: Night, how: str) -> None:
    night.project("shop")
    night.project("blog")
    night.write("shop", "blog")
    broken(night, how)
    before = night.bench.contents()
    ran = night.prune()
    assert ran.code == 4, ran
    assert "1 project was left alone." in ran.err
    assert ran.err.count(f"left alone: {shown(night, 'shop')}: ") == 1, ran.err
    assert night.tags("apps/web") == ["v-1", "v-2"]
    after = night.bench.contents()
    assert len(night.tags("blog/app/front")) == 3
    assert {at: each for at, each in after.items() if at.startswith("shop/")} == {
        at: each for at, each in before.items() if at.startswith("shop/")
    }
    alone = night.bench.cleanup("--dir", "shop")
    assert alone.code != 0
    assert alone.message.splitlines()[0].rstrip(".") in ran.err


def test_git_that_cannot_be_asked_leaves_its_project_alone(night: Night) -> None:
    folder = night.project("shop")
    subprocess.run(["git", "remote", "add", "origin", "file:///nowhere/at/all.git"], cwd=folder, check=True)
    night.write("shop")
    ran = night.prune("--git-history-synchronization")
    assert ran.code == 4, ran
    assert f"left alone: {shown(night, 'shop')}: " in ran.err
    assert "fetch" in ran.err
    assert night.tags("apps/web") == ["v-1", "v-2"]


def test_a_project_where_another_run_is_at_work_is_left_alone(night: Night) -> None:
    night.project("shop")
    night.write("shop")
    state = night.bench.home / ".local" / "state" / "holystone"
    stages = Repository(RegistryHost(night.bench.registry.host), RepositoryPath("shop/stages"))
    with another_run(state, "20261123-161200-ab12", stages):
        assert below(night.planned(), "shop")
        ran = night.prune()
    assert ran.code == 4, ran
    assert f"left alone: {shown(night, 'shop')}: " in ran.err
    assert "20261123-161200-ab12" in ran.err
    assert night.tags("apps/web") == ["v-1", "v-2"]
    assert night.prune().code == 0
    assert len(night.tags("shop/app/front")) == 3


def test_where_nothing_else_is_done_it_is_refused(night: Night) -> None:
    night.project("shop")
    night.write("shop", policies=APPS.replace("newest: 2", "newest: 9"))
    broken(night, "shallow")
    ran = night.prune()
    assert ran.code == 3, ran
    assert "Nothing was deleted." in ran.err


def test_the_fuse_of_one_repository_leaves_all_of_its_project_alone(night: Night) -> None:
    night.project("shop", commits=40)
    night.project("blog")
    night.write("shop", "blog")
    ran = night.prune("--output=json")
    assert ran.code == 4, ran
    (aside,) = ran.json["plan"]["set_aside"]
    assert {each["kind"] for each in aside["why"]} == {"share-exceeded"}
    text = night.prune("--dry-run")
    front = f"{night.bench.registry.host}/shop/app/front"
    assert text.err.count(f"left alone: {shown(night, 'shop')}: ") == 1, text.err
    assert f"{front}: 38 of 41 tags would be deleted" in text.err
    assert text.err.count("run again with --yes-delete-that-many") == 1
    assert len(night.tags("shop/app/front")) == 41
    assert len(night.tags("blog/app/front")) == 3
    assert night.prune("--yes-delete-that-many").code == 0
    assert len(night.tags("shop/app/front")) == 3


def test_a_registry_that_is_left_alone_takes_its_projects_along(night: Night) -> None:
    """What of a project is elsewhere, too: its stages are judged by its images."""
    night.project("shop")
    night.write("shop")
    night.bench.registry.faults.add(Fault("GET", "/v2/_catalog", Answer(403, b"{}"), times=None))
    before = night.bench.contents()
    ran = night.prune("--output=json")
    assert ran.code == 3, ran
    assert [each["project"] for each in ran.json["plan"]["set_aside"]] == ["", f"{night.bench.project}/shop"]
    assert ran.json["plan"]["counted"] == []
    assert night.bench.contents() == before
    text = night.prune()
    assert text.err.count("left alone: ") == 1, text.err


@pytest.fixture
def other(night: Night) -> Iterator[EmbeddedRegistry]:
    """Another registry."""
    made = EmbeddedRegistry(quirks=OCI)
    with night.bench.portal.wrap_async_context_manager(made):
        yield made


def move(night: Night, other: EmbeddedRegistry, *paths: str) -> None:
    other.storage.blobs.update(night.bench.registry.storage.blobs)
    for path in paths:
        other.storage.repositories[path] = night.bench.registry.storage.repositories.pop(path)


def test_a_project_on_two_registries_goes_or_stays_as_a_whole(night: Night, other: EmbeddedRegistry) -> None:
    """A stage goes since no image needs it that stays, so that with the images the stages stay, too."""
    night.project("shop")
    move(night, other, "shop/stages")
    keys = f"directory: shop, images-repo: HOST/shop/app, stages-storage: {other.host}/shop/stages"
    night.write(keys)
    assert any(each.passes and each.repository.host == other.host for each in night.planned().repositories)
    night.bench.registry.faults.add(Fault("GET", "/v2/_catalog", Answer(403, b"{}"), times=None))
    before = contents(other.storage)
    ran = night.prune("--output=json")
    assert ran.code == 3, ran
    assert {each["project"] for each in ran.json["plan"]["set_aside"]} == {"", f"{night.bench.project}/shop"}
    assert ran.json["plan"]["counted"] == []
    assert contents(other.storage) == before


def test_a_login_that_cannot_be_used_stops_no_project_elsewhere(night: Night, other: EmbeddedRegistry) -> None:
    night.project("shop")
    night.write(
        "shop",
        policies=APPS.replace("HOST", other.host),
        registries=f"{{'{other.host}': {{credentials: {{username: file:absent, password: file:absent}}}}}}",
    )
    ran = night.prune()
    assert ran.code == 4, ran
    assert f"left alone: {other.host}: " in ran.err
    assert len(night.tags("shop/app/front")) == 3


def test_a_registry_whose_clock_is_wrong_stops_its_own_projects_alone(
    night: Night, other: EmbeddedRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    night.project("blog")
    move(night, other, "blog/app/front", "blog/app/backend", "blog/stages")
    night.project("shop")
    night.write(
        f"directory: blog, images-repo: {other.host}/blog/app, stages-storage: {other.host}/blog/stages", "shop"
    )
    saw = Dates.saw

    def seen(dates: Dates, host: str, headers: CIMultiDictProxy[str]) -> None:
        told = {**headers, "Date": "Tue, 01 Jan 2030 00:00:00 GMT"} if host == other.host else headers
        saw(dates, host, CIMultiDictProxy(CIMultiDict(told)))

    monkeypatch.setattr(Dates, "saw", seen)
    before = contents(other.storage)
    ran = night.prune()
    assert ran.code == 4, ran
    assert f"left alone: {shown(night, 'blog')}: {other.host} says that it is" in ran.err
    assert contents(other.storage) == before
    assert len(night.tags("shop/app/front")) == 3


def test_variables_of_a_cleanup_are_no_projects(night: Night) -> None:
    """A job that has those of one project, as GitLab's variables of a group, cleans the others by their own."""
    night.project("shop")
    night.write("shop")
    plain = night.planned()
    variables = {
        "WERF_IMAGES_REPO": "registry.example/other",
        "WERF_STAGES_STORAGE": "registry.example/other/stages",
        "WERF_IMAGES_REPO_MODE": "monorepo",
        "WERF_REPO_IMPLEMENTATION": "harbor",
        "WERF_IMAGES_REPO_IMPLEMENTATION": "harbor",
        "WERF_STAGES_STORAGE_REPO_IMPLEMENTATION": "harbor",
        "WERF_DIR": "/nowhere",
        "WERF_CONFIG": "/nowhere/werf.yaml",
        "WERF_CONFIG_TEMPLATES_DIR": "/nowhere/.werf",
        "WERF_PROJECT_NAME": "other",
        "WERF_GIT_HISTORY_BASED_CLEANUP": "false",
        "WERF_GIT_HISTORY_BASED_CLEANUP_v1_2": "false",
        "WERF_ALLOW_GIT_SHALLOW_CLONE": "true",
        "WERF_DISABLE_STAGES_CLEANUP_DATE_PERIOD_POLICY": "1",
        "WERF_GIT_TAG_STRATEGY_LIMIT": "0",
        "WERF_SCAN_CONTEXT_NAMESPACE_ONLY": "true",
        "HOLYSTONE_IMAGE_1": "other",
        "HOLYSTONE_KEEP_POLICIES": "/nowhere.yaml",
        "HOLYSTONE_KEEP_STAGES_YOUNGER_THAN": "9000h",
        "HOLYSTONE_DEFAULT_POLICIES_INCLUDE_MAIN": "true",
    }
    assert below(night.planned(env=variables), "shop") == below(plain, "shop")
    assert any(each.passes for each in below(plain, "shop"))
    broken(night, "shallow")
    assert night.prune("--dry-run", env=variables).code == 4


def test_a_template_is_rendered_for_its_own_project(night: Night) -> None:
    folder = night.project("shop")
    night.write("shop")
    plain = night.planned()
    rendered = (folder / "werf.yaml").read_text()
    (folder / "werf.yaml").write_text(f"# {{{{ .Env }}}}\n{rendered}")
    (folder / "rendered").write_text(rendered)
    program = night.bench.home / "bin" / "werf"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\n"
        f'[ "$*" = "config render --dir {folder}" ] && [ -z "$WERF_CONFIG$WERF_DIR$WERF_CONFIG_TEMPLATES_DIR" ] &&'
        f' [ "$WERF_ENV" = nightly ] && exec cat {folder}/rendered\n'
        'echo "$@" >&2; exit 1\n'
    )
    program.chmod(0o755)
    named = {
        "WERF_CONFIG": "other.yaml",
        "WERF_DIR": "/nowhere",
        "WERF_CONFIG_TEMPLATES_DIR": "x",
        "WERF_ENV": "nightly",
    }
    told = night.planned(env={**named, "PATH": f"{program.parent}:/usr/bin:/bin"})
    assert below(told, "shop") == below(plain, "shop")


def test_what_the_file_says_of_a_project_counts(night: Night) -> None:
    folder = night.project("shop")
    shutil.move(folder / "werf.yaml", folder / "other.yaml")
    night.write(night.keys("shop", ", config: shop/other.yaml, project-name: store, keep-stages-younger-than: 52w"))
    ran = night.prune("--output=json", "--dry-run")
    assert ran.code == 0, ran
    plan = ran.json["plan"]
    (renamed,) = (each["notice"] for each in plan["notices"] if each.get("notice", {}).get("kind") == "project-renamed")
    assert (renamed["name"], renamed["configured"]) == ("store", "shop")
    (stages,) = (each for each in plan["repositories"] if each["repository"]["path"] == "shop/stages")
    assert not any(
        step["kind"] == "untag" and "signature" in step["tag"] for each in stages["passes"] for step in each["steps"]
    )


def test_what_is_in_use_is_asked_once_for_all(night: Night) -> None:
    """For those of policies and those of projects."""
    del night.bench.env["WERF_WITHOUT_KUBE"]
    night.project("shop")
    night.project("blog")
    host = night.bench.registry.host
    night.write("shop")
    doomed = plan_of(night.planned(), "shop/app/front").doomed_tags[0]
    running = [f"{host}/shop/app/front:{doomed}", f"{host}/apps/web:v-4"]
    with night.bench.portal.wrap_async_context_manager(KubeApi(tokens={TOKEN: "rob"})) as api:
        write_config(night.bench.home / ".kube" / "config", {"prod": api})
        night.write("shop", "blog", policies=APPS, **{"in-use": "{kubernetes: all}"})
        for number, image in enumerate(running):
            api.run("deployments", f"app-{number}", image)
        plan = night.planned()
        asked = sum(each.path.endswith("/deployments") for each in api.asked)
        assert asked == 1
        api.run(
            "deployments", "rolled-back", f"{host}/shop/app/backend:{plan_of(plan, 'shop/app/backend').doomed_tags[0]}"
        )
        applied = night.bench.run("apply", "plan.json")
        assert applied.code == 3, applied
        assert "is in use by now" in applied.err
        assert night.prune().code == 0
    assert len(night.tags("shop/app/backend")) == 6
    assert "v-4" in night.tags("apps/web")
    assert doomed in night.tags("shop/app/front")
    assert len(night.tags("shop/app/front")) == 4
    assert len(night.tags("blog/app/front")) == 3
    assert sum(isinstance(each, UsedInClusters) for each in plan.notices) == 1


def test_two_projects_that_share_a_repository(night: Night) -> None:
    night.project("shop")
    night.project("blog")
    shared = "directory: blog, images-repo: HOST/blog/app, stages-storage: HOST/shop/stages"
    night.write("shop", shared)
    ran = night.prune()
    assert ran.code == 4, ran
    assert len(night.tags("shop/app/front")) == 3
    assert len(night.tags("blog/app/front")) == 5
    stages = f"{night.bench.registry.host}/shop/stages"
    message = f"left alone: {shown(night, 'blog')}: {stages} is a repository of {shown(night, 'shop')}, too"
    assert ran.err.count(message) == 1, ran.err


def test_images_in_all_of_a_registry_are_told_once(night: Night) -> None:
    night.project("shop")
    there = night.bench.registry.storage.repositories
    for image in ("front", "backend"):
        there[RepositoryPath(image)] = there.pop(RepositoryPath(f"shop/app/{image}"))
    for number in range(3):
        night.push(f"team-{number}/app", aged("v", 3))
    night.write(
        "directory: shop, images-repo: HOST, stages-storage: HOST/shop/stages",
        policies='  - {name: all, repositories: ["HOST/**"], keep: [{newest: 1}]}\n',
    )
    ran = night.prune()
    assert ran.code == 0, ran
    assert [len(night.tags(f"team-{number}/app")) for number in range(3)] == [3, 3, 3]
    assert len(night.tags("apps/web")) == 4
    assert len(night.tags("front")) == 3
    assert ran.out.count("decides about 3 repositories, e.g.") == 1, ran.out
    assert ran.out.count("4 repositories, e.g.") == 1, ran.out


def test_what_lies_beside_a_project_is_judged_by_nobody(night: Night) -> None:
    night.project("shop")
    night.push("shop/app/forgotten", aged("v", 3))
    night.write("shop", policies='  - {name: all, repositories: ["HOST/**"], keep: [{newest: 1}]}\n')
    ran = night.prune()
    assert ran.code == 0, ran
    assert len(night.tags("shop/app/forgotten")) == 3
    assert night.tags("apps/web") == ["v-1"]
    host = night.bench.registry.host
    assert f"1 repository, e.g. {host}/shop/app/forgotten, lie where {shown(night, 'shop')} keeps its images" in ran.out


def test_a_note_says_which_project_it_is_about(night: Night) -> None:
    folder = night.project("shop")
    shutil.rmtree(folder / ".git")
    night.write("shop")
    ran = night.prune()
    assert ran.code == 0, ran
    assert f"note: {shown(night, 'shop')}: there is no git repository in the project directory" in ran.out
    assert ran.out.count("no baseline: nothing is remembered") == 1


def test_a_check_of_policies_says_whose_a_repository_is(night: Night) -> None:
    night.project("shop")
    night.write("shop")
    host, project = night.bench.registry.host, f"{night.bench.project}/shop"
    before = night.bench.contents()
    listed = night.bench.run("policy", "check", "holystone.yaml")
    assert "holystone.yaml is valid: 1 policy and 1 project." in listed.out
    assert f"project in {project}: {host}/shop/app, {host}/shop/stages" in listed.out
    ran = night.bench.run("policy", "check", "holystone.yaml", "--registries")
    assert ran.code == 0, ran
    assert f"project in {project}: {host}/shop/app, {host}/shop/stages: 3 repositories, " in ran.out
    assert f"goes, by the project in {project}" in ran.out or f"go, by the project in {project}" in ran.out
    tag = night.tags("shop/app/front")[0]
    named = night.bench.run("policy", "check", "holystone.yaml", f"{host}/shop/app/front:{tag}", "--output=json")
    (told,) = named.json["check"]["tags"]
    assert told["project"] == project
    assert told["outcome"] in ("stay", "go")
    assert {each["repository"]["path"] for each in named.json["check"]["repositories"]} == {
        *("shop/app/backend", "shop/app/front", "shop/stages")
    }
    assert night.bench.contents() == before
    nobodys = night.bench.run("policy", "check", "holystone.yaml", f"{host}/other/app:x")
    assert nobodys.code == 2
    assert "no policy and no project is about" in nobodys.message


def test_one_project_at_a_time_is_held(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    names: Sequence[str] = ("shop", "blog", "wiki")
    for name in names:
        night.project(name)
    night.write(*names)
    held: list[int] = []

    async def plan_project(connections: Any, *arguments: Any, **named: Any) -> Any:
        gc.collect()
        held.append(sum(isinstance(each, RepositorySnapshot) for each in gc.get_objects()))
        assert not connections._sessions
        return await project_plan.plan_project(connections, *arguments, **named)

    monkeypatch.setattr(projects, "plan_project", plan_project)
    assert night.prune("--dry-run").code == 0
    assert held == [held[0]] * 3
