"""Registries of one's own on hosts whose names tell nothing, without `--repo-implementation`."""

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from holystone.engine.model.addresses import ImagesRepoMode
from tests.emulators.gitlab import MAINTAINER, PASSWORDS, GitlabEmulator
from tests.emulators.harbor import PASSWORD, HarborEmulator
from tests.emulators.quay import QuayEmulator
from tests.emulators.vendor import VendorEmulator
from tests.support.command_line import Bench, bench, now
from tests.support.plan_files import content
from tests.support.tiny_project import tiny_project


def logins(vendor: VendorEmulator) -> Mapping[str, object]:
    """As `docker login` stores them."""
    user = {
        "gitlab": f"{MAINTAINER}:{PASSWORDS[MAINTAINER]}",
        "harbor": f"sweeper:{PASSWORD}",
        "quay": "team+robot:ROBOTPASSWORD0123456789",
    }[vendor.implementation]
    return {"auths": {vendor.host: {"auth": base64.b64encode(user.encode()).decode()}}}


@contextmanager
def shop(vendor: VendorEmulator, folder: Path) -> Iterator[Bench]:
    with bench(folder, registry=vendor) as made:
        mode: ImagesRepoMode = "monorepo" if vendor.implementation == "quay" else "multirepo"
        tiny_project(made.project, vendor.storage, now=now(), mode=mode)
        made.docker_config(**logins(vendor))
        yield made


@pytest.mark.parametrize("vendor", [GitlabEmulator, HarborEmulator, QuayEmulator])
def test_a_project_is_cleaned_by_the_vendors_own_api(vendor: type[VendorEmulator], tmp_path: Path) -> None:
    with shop(vendor(), tmp_path) as made:
        ran = made.cleanup("--yes-delete-that-many", "--output=json")
        assert ran.code == 0, ran.err
        assert ran.json["ending"] == "done"
        said = {(each["implementation"], each["detected_by"]) for each in ran.json["plan"]["repositories"]}
        assert said == {(vendor.implementation, "registry")}
        questions = [each for each in made.registry.requests if each.path == "/v2/" and not each.authorization]
        assert questions[0] is made.registry.requests[0]
        before = made.contents()
        undone = made.run("undo", ran.json["run"])
        assert undone.code == 0, undone.err
        assert made.contents() != before


def test_the_question_comes_before_the_rules_of_the_mode(tmp_path: Path) -> None:
    """Quay nests nothing, so there an address like this is a mistake, and on most other registries it is not."""
    with shop(QuayEmulator(), tmp_path) as made:
        nested = ["--images-repo", f"{made.registry.host}/team/app/more"]
        ran = made.run("cleanup", *nested, "--stages-storage", f"{made.registry.host}/team/stages")
        assert ran.code == 2, ran.err
        assert "NAMESPACE/REPOSITORY" in ran.message
        assert len(made.registry.requests) == 1


def test_a_plan_remembers_that_only_the_registry_said_it(tmp_path: Path) -> None:
    with shop(HarborEmulator(), tmp_path) as made:
        plan = made.project / "plan.json"
        assert made.cleanup("--yes-delete-that-many", "--plan-out", str(plan)).code == 0
        assert {each["detected_by"] for each in content(plan)["repositories"]} == {"registry"}
        made.docker_config()
        login = {"WERF_REPO_HARBOR_USERNAME": "sweeper", "WERF_REPO_HARBOR_PASSWORD": PASSWORD}
        made.registry.recording.clear()
        ran = made.run("apply", str(plan), env=login)
        assert ran.code == 2, ran.err
        assert "--repo-implementation harbor" in ran.message
        assert made.registry.requests == []


def test_one_that_is_named_another_by_its_user_is_told_in_the_plan(tmp_path: Path) -> None:
    with shop(GitlabEmulator(), tmp_path) as made:
        ran = made.cleanup("--yes-delete-that-many", "--repo-implementation=default", "--dry-run")
        assert ran.code == 0, ran.err
        assert "the server says that it is GitLab's registry" in ran.out
        assert "leave --repo-implementation out" in ran.out
