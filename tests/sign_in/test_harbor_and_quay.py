"""Harbor and Quay with their robots, people's passwords and tokens."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulators.harbor import PASSWORD, Account, HarborEmulator
from tests.emulators.quay import QuayEmulator
from tests.support.signed_in import Person, basic, signed_in

pytestmark = pytest.mark.slow  # each a process of its own

HARBOR = "harbor.example.com"
ROBOT = frozenset({"read project", "list", "pull", "delete artifact", "delete tag"})


@pytest.fixture
def harbor() -> HarborEmulator:
    return HarborEmulator()


@pytest.fixture
def at_harbor(tmp_path: Path, harbor: HarborEmulator) -> Iterator[Person]:
    with signed_in(tmp_path, harbor, HARBOR) as person:
        yield person


def logged_in(rob: Person, host: str, user: str, password: str) -> None:
    rob.bench.docker_config(auths={host: basic(user, password)})
    rob.secrets.append(password)


def test_harbors_maintainer(at_harbor: Person) -> None:
    at_harbor.env |= {"WERF_REPO_HARBOR_USERNAME": "sweeper", "WERF_REPO_HARBOR_PASSWORD": PASSWORD}
    at_harbor.secrets.append(PASSWORD)
    at_harbor.cleans()


def test_harbors_robot(at_harbor: Person, harbor: HarborEmulator) -> None:
    harbor.accounts["robot$shop+sweeper"] = Account("Robot-Secret-9", ROBOT | {"push"})
    logged_in(at_harbor, HARBOR, "robot$shop+sweeper", "Robot-Secret-9")
    at_harbor.deletes()


@pytest.mark.exhaustive
def test_harbors_robot_without_a_right(at_harbor: Person, harbor: HarborEmulator) -> None:
    harbor.accounts["robot$shop+sweeper"] = Account("Robot-Secret-9", ROBOT - {"list"})
    logged_in(at_harbor, HARBOR, "robot$shop+sweeper", "Robot-Secret-9")
    at_harbor.is_told(r"robot\$shop\+sweeper", "artifact:list")


def test_harbors_cli_secret_of_an_oidc_user(at_harbor: Person, harbor: HarborEmulator) -> None:
    harbor.accounts["jane"] = Account("cli-secret-of-an-oidc-user", oidc_cli=True)
    logged_in(at_harbor, HARBOR, "jane", "cli-secret-of-an-oidc-user")
    at_harbor.deletes()


@pytest.fixture
def quay() -> QuayEmulator:
    return QuayEmulator()


@pytest.fixture
def at_quay(tmp_path: Path, quay: QuayEmulator) -> Iterator[Person]:
    with signed_in(tmp_path, quay, "quay.io", mode="monorepo") as person:
        yield person


def test_quays_robot(at_quay: Person, quay: QuayEmulator) -> None:
    logged_in(at_quay, "quay.io", "team+writer", quay.robots["team+writer"].password)
    at_quay.deletes()


@pytest.mark.exhaustive
def test_quays_robot_that_only_reads(at_quay: Person, quay: QuayEmulator) -> None:
    logged_in(at_quay, "quay.io", "team+reader", quay.robots["team+reader"].password)
    at_quay.is_told(r"team\+reader", "Write", code=1)


def test_quays_oauth_token(at_quay: Person, quay: QuayEmulator) -> None:
    login = quay.login()
    at_quay.env |= login.environ
    at_quay.secrets += login.secrets
    at_quay.deletes()


@pytest.mark.exhaustive
def test_quays_robot_in_the_place_of_a_token(at_quay: Person, quay: QuayEmulator) -> None:
    password = quay.robots["team+robot"].password
    at_quay.env["WERF_REPO_QUAY_TOKEN"] = password
    at_quay.secrets.append(password)
    at_quay.is_told("WERF_REPO_QUAY_TOKEN", "robots")
