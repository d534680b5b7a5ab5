"""GitLab.com with the tokens that GitLab has."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulators.gitlab import DEPLOY, DEVELOPER, JOB, MAINTAINER, PASSWORDS, GitlabEmulator
from tests.support.signed_in import Person, basic, signed_in

pytestmark = pytest.mark.slow  # each a process of its own

REGISTRY = "registry.gitlab.com"


@pytest.fixture
def gitlab() -> GitlabEmulator:
    return GitlabEmulator(job_project="team/shop")


@pytest.fixture
def rob(tmp_path: Path, gitlab: GitlabEmulator) -> Iterator[Person]:
    places = {"images_repo": "team/shop/app", "stages_storage": "team/shop/stages"}
    with signed_in(tmp_path, gitlab, REGISTRY, "gitlab.com", **places) as person:  # type: ignore[arg-type]
        person.secrets += PASSWORDS.values()
        yield person


def test_a_maintainers_access_token(rob: Person) -> None:
    rob.bench.docker_config(auths={REGISTRY: basic(MAINTAINER, PASSWORDS[MAINTAINER])})
    rob.deletes()


def test_a_developers_access_token(rob: Person) -> None:
    rob.bench.docker_config(auths={REGISTRY: basic(DEVELOPER, PASSWORDS[DEVELOPER])})
    rob.env["HOLYSTONE_REPO_GITLAB_TOKEN"] = PASSWORDS[DEVELOPER]
    rob.deletes()


def test_a_developer_who_only_logged_in(rob: Person) -> None:
    rob.bench.docker_config(auths={REGISTRY: basic(DEVELOPER, PASSWORDS[DEVELOPER])})
    rob.is_told(f"user '{DEVELOPER}'", "--repo-gitlab-token", "Maintainer", code=1)


@pytest.mark.exhaustive
def test_an_access_token_without_the_scope_api(rob: Person, gitlab: GitlabEmulator) -> None:
    gitlab.api_scopes = ["read_registry", "write_registry"]
    rob.env["HOLYSTONE_REPO_GITLAB_TOKEN"] = PASSWORDS[DEVELOPER]
    rob.is_told("has not the scope api", "HOLYSTONE_REPO_GITLAB_TOKEN", code=1)


def pipeline(rob: Person, user: str, prefix: str) -> None:
    rob.env |= {"CI_REGISTRY": REGISTRY, f"{prefix}_USER": user, f"{prefix}_PASSWORD": PASSWORDS[user]}


def test_the_token_of_a_job(rob: Person) -> None:
    pipeline(rob, JOB, "CI_REGISTRY")
    rob.cleans()


@pytest.mark.exhaustive
def test_the_token_of_another_projects_job(rob: Person, gitlab: GitlabEmulator) -> None:
    gitlab.job_project = "team/other"
    pipeline(rob, JOB, "CI_REGISTRY")
    rob.is_told("'gitlab-ci-token'")


def test_a_deploy_token(rob: Person) -> None:
    pipeline(rob, DEPLOY, "CI_DEPLOY")
    rob.is_told("CI_DEPLOY_USER and CI_DEPLOY_PASSWORD", "a deploy token never may", code=1)


@pytest.mark.exhaustive
def test_an_access_token_that_was_revoked(rob: Person) -> None:
    rob.bench.docker_config(auths={REGISTRY: basic(MAINTAINER, "glpat-revoked-long-ago")})
    rob.secrets.append("glpat-revoked-long-ago")
    rob.is_told(f"user '{MAINTAINER}'", r"config\.json")
