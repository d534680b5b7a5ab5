"""Docker Hub, as its own tools and pages let people in."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulators.dockerhub import Account, DockerHubEmulator
from tests.support.programs import require
from tests.support.signed_in import Person, basic, signed_in

pytestmark = pytest.mark.slow  # each a process of its own

KEY = "https://index.docker.io/v1/"
SCOPES = frozenset({"scope-repository-read", "scope-tag-admin", "scope-image-pull"})


class Hub(DockerHubEmulator):
    realm = "https://auth.docker.io/token"


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
def rob(tmp_path: Path, hub: Hub) -> Iterator[Person]:
    names = ("docker.io", "registry-1.docker.io", "auth.docker.io", "hub.docker.com")
    with signed_in(tmp_path, hub, *names, mode="monorepo") as person:
        yield person


def let_in(hub: Hub, rob: Person, account: Account) -> None:
    """As `docker login -u` leaves it."""
    hub.let_in(account)
    rob.secrets.append(account.secret)
    rob.bench.docker_config(auths={KEY: basic(account.identifier, account.secret)})


def test_a_login_through_the_browser(hub: Hub, rob: Person) -> None:
    """The three entries that docker/cli 28 leaves where there is no store (internal/oauth/manager/manager.go)."""
    let_in(hub, rob, Account("pat", "rob", "dckr_pat_of-the-browser"))
    rob.secrets += ["eyJ.access.token-of-the-browser", "v1.refresh-token-of-the-browser"]
    rob.bench.docker_config(
        auths={
            KEY: basic("rob", "dckr_pat_of-the-browser"),
            f"{KEY}access-token": basic("rob", "eyJ.access.token-of-the-browser"),
            f"{KEY}refresh-token": basic("rob", "v1.refresh-token-of-the-browser"),
        }
    )
    rob.cleans()


@pytest.mark.exhaustive
def test_a_login_through_the_browser_into_a_store(hub: Hub, rob: Person) -> None:
    """The store has the three under the same keys, and is asked for the one that Docker asks for."""
    let_in(hub, rob, Account("pat", "rob", "dckr_pat_of-the-browser"))
    rob.program(
        "docker-credential-desktop",
        f"""read server; echo "$server" >> {rob.home}/asked
        echo '{{"ServerURL":"'"$server"'","Username":"rob","Secret":"dckr_pat_of-the-browser"}}'""",
    )
    rob.bench.docker_config(auths={KEY: {}, f"{KEY}access-token": {}, f"{KEY}refresh-token": {}}, credsStore="desktop")
    rob.cleans()
    assert set((rob.home / "asked").read_text().split()) == {KEY}


def test_docker_login_by_docker_itself(hub: Hub, rob: Person) -> None:
    let_in(hub, rob, Account("pat", "rob", "dckr_pat_read-write-delete"))
    rob.bench.docker_config()
    rob.env["DOCKER_HOST"] = "unix:///nowhere.sock"
    rob.does(require("docker"), "login", "-u", "rob", "--password-stdin", told="dckr_pat_read-write-delete")
    assert json.loads((rob.home / ".docker/config.json").read_text())["auths"].keys() == {KEY}
    rob.cleans()


def test_a_personal_access_token(hub: Hub, rob: Person) -> None:
    let_in(hub, rob, Account("pat", "rob", "dckr_pat_read-write-delete"))
    rob.deletes()


@pytest.mark.exhaustive
def test_a_personal_access_token_that_only_reads(hub: Hub, rob: Person) -> None:
    let_in(hub, rob, Account("pat", "rob", "dckr_pat_only-reads", frozenset({"read"})))
    rob.is_told("user 'rob'", r"config\.json", "Delete", code=1)


def test_an_organizations_access_token(hub: Hub, rob: Person) -> None:
    let_in(hub, rob, Account("oat", "shop", "dckr_oat_of-the-shop", SCOPES))
    rob.cleans()


@pytest.mark.exhaustive
def test_an_organizations_access_token_without_a_scope(hub: Hub, rob: Person) -> None:
    let_in(hub, rob, Account("oat", "shop", "dckr_oat_of-the-shop", SCOPES - {"scope-repository-read"}))
    rob.is_told("user 'shop'", "scope-repository-read")


@pytest.mark.exhaustive
def test_a_password_where_a_second_factor_is_wanted(hub: Hub, rob: Person) -> None:
    """Docker Hub says of it what it says of a wrong one."""
    let_in(hub, rob, Account("pat", "rob", "dckr_pat_read-write-delete"))
    rob.bench.docker_config(auths={KEY: basic("rob", "correct-horse-battery")})
    rob.secrets.append("correct-horse-battery")
    rob.is_told("user 'rob'", r"config\.json", "personal access token")


def test_one_for_the_registry_and_one_for_the_api(hub: Hub, rob: Person) -> None:
    pulls = Account("pat", "bot", "dckr_pat_only-reads", frozenset({"read"}))
    deletes = Account("pat", "rob", "dckr_pat_all")
    let_in(hub, rob, pulls)
    hub.let_in(pulls, deletes)
    rob.secrets.append(deletes.secret)
    rob.env |= {"WERF_REPO_DOCKER_HUB_USERNAME": "rob", "WERF_REPO_DOCKER_HUB_PASSWORD": deletes.secret}
    rob.cleans()
