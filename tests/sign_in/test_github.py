"""GitHub Packages with the tokens that GitHub has."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulators.github import OWNER, READER, WORKFLOW, GithubEmulator, Token
from tests.support.signed_in import Person, basic, signed_in

pytestmark = pytest.mark.slow  # each a process of its own

NAMES = ("ghcr.io", "api.github.com")
FINE_GRAINED = "github_pat_11AAAAAAA0fine0grained"


@pytest.fixture
def github() -> GithubEmulator:
    return GithubEmulator()


@pytest.fixture
def rob(tmp_path: Path, github: GithubEmulator) -> Iterator[Person]:
    with signed_in(tmp_path, github, *NAMES) as person:
        person.secrets += [OWNER, READER, WORKFLOW, FINE_GRAINED]
        yield person


def test_a_classic_token(rob: Person) -> None:
    """As `docker login ghcr.io` leaves it."""
    rob.bench.docker_config(auths={"ghcr.io": basic("captain", OWNER)})
    rob.deletes()


@pytest.mark.exhaustive
def test_a_classic_token_that_only_reads(rob: Person) -> None:
    rob.env["WERF_REPO_GITHUB_TOKEN"] = READER
    rob.is_told("WERF_REPO_GITHUB_TOKEN", "delete:packages", code=1)


def test_the_token_of_a_workflow(rob: Person) -> None:
    """As `werf ci-env github` hands it on."""
    rob.env |= {"GITHUB_ACTIONS": "true", "WERF_REPO_GITHUB_TOKEN": WORKFLOW, "GITHUB_TOKEN": WORKFLOW}
    rob.cleans()


def test_a_fine_grained_token(rob: Person, github: GithubEmulator) -> None:
    github.add_token(FINE_GRAINED, Token("captain", None, fine_grained=True))
    rob.env["WERF_REPO_GITHUB_TOKEN"] = FINE_GRAINED
    rob.is_told("WERF_REPO_GITHUB_TOKEN", "not accessible", "fine-grained tokens")


@pytest.mark.exhaustive
def test_a_token_that_was_revoked(rob: Person) -> None:
    rob.env["WERF_REPO_GITHUB_TOKEN"] = "ghp_Gone00000000000000000000000000000000"
    rob.secrets.append("ghp_Gone00000000000000000000000000000000")
    rob.is_told("WERF_REPO_GITHUB_TOKEN", "Bad credentials")


def test_private_packages_of_a_personal_account(tmp_path: Path) -> None:
    with signed_in(tmp_path, GithubEmulator(owner_kinds={"shop": "User"}), *NAMES) as rob:
        rob.secrets.append(WORKFLOW)
        rob.env["GITHUB_TOKEN"] = WORKFLOW
        rob.is_told("GITHUB_TOKEN", "classic token of that very account")


def test_packages_of_a_personal_account_by_its_own_token(tmp_path: Path) -> None:
    github = GithubEmulator(owner_kinds={"shop": "User"})
    token = "ghp_Shop00000000000000000000000000000000"
    github.add_token(token, Token("shop", frozenset({"write:packages", "delete:packages"})))
    with signed_in(tmp_path, github, *NAMES) as rob:
        rob.secrets.append(token)
        rob.env["GITHUB_TOKEN"] = token
        rob.cleans()
