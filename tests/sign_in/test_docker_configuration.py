"""What Docker, podman and helper programs leave for any registry, and a company's proxy and authority before it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulators.default import PASSWORD, DefaultEmulator
from tests.support.programs import require
from tests.support.signed_in import Person, basic, signed_in

pytestmark = pytest.mark.slow  # each a process of its own

HOST = "registry.example.com"
HELPER = f"""\
read server
test "$1 $server" = "get {HOST}" || {{ echo 'credentials not found in native keychain'; exit 1; }}
"""


@pytest.fixture
def rob(tmp_path: Path) -> Iterator[Person]:
    with signed_in(tmp_path, DefaultEmulator(), HOST) as person:
        person.secrets.append(PASSWORD)
        yield person


def logged_in(rob: Person) -> None:
    rob.bench.docker_config(auths={HOST: basic("cleaner", PASSWORD)})


def test_docker_login(rob: Person) -> None:
    logged_in(rob)
    rob.deletes()


def test_docker_login_by_docker_itself(rob: Person) -> None:
    """Without a daemon. From a token server it takes an identity token, and forgets the password."""
    rob.env["DOCKER_HOST"] = "unix:///nowhere.sock"
    rob.does(require("docker"), "login", "-u", "cleaner", "--password-stdin", HOST, told=PASSWORD)
    entry = json.loads((rob.home / ".docker/config.json").read_text())["auths"][HOST]
    rob.secrets.append(entry["identitytoken"])
    rob.cleans()


@pytest.mark.exhaustive
def test_a_wrong_password(rob: Person) -> None:
    rob.bench.docker_config(auths={HOST: basic("cleaner", "guessed-by-somebody")})
    rob.secrets.append("guessed-by-somebody")
    rob.is_told("user 'cleaner'", r"~/\.docker/config\.json", HOST)


def test_podman_login(rob: Person) -> None:
    """`podman login --authfile ~/.docker/config.json`: its keys have paths, and the longest that fits is meant."""
    others = {f"{HOST}/other": basic("stranger", "another-password"), HOST: basic("reader", "another-password")}
    rob.bench.docker_config(auths={**others, f"{HOST}/shop": basic("cleaner", PASSWORD)})
    rob.secrets.append("another-password")
    rob.cleans()


def test_podman_login_by_skopeo_which_has_its_code(rob: Person) -> None:
    where = f"--authfile={rob.home}/.docker/config.json"
    rob.bench.docker_config(auths={HOST: basic("reader", "another-password")})
    rob.does(require("skopeo"), "login", where, "-u", "cleaner", "--password-stdin", f"{HOST}/shop", told=PASSWORD)
    rob.cleans()


@pytest.mark.exhaustive
def test_docker_itself_with_a_helper_program(rob: Person) -> None:
    """What Docker stores, and how it asks for it."""
    store = rob.home / "store.json"
    rob.program("docker-credential-corp", f'test "$1" = store && cat > {store} || cat {store}')
    rob.bench.docker_config(credsStore="corp")
    rob.env["DOCKER_HOST"] = "unix:///nowhere.sock"
    docker = require("docker")
    rob.does(docker, "login", "-u", "cleaner", "--password-stdin", HOST, told=PASSWORD)
    rob.secrets.append(json.loads(store.read_text())["Secret"])
    assert json.loads((rob.home / ".docker/config.json").read_text())["auths"] == {HOST: {}}
    rob.cleans()


@pytest.mark.parametrize("section", ["credHelpers", pytest.param("credsStore", marks=pytest.mark.exhaustive)])
def test_a_helper_program(rob: Person, section: str) -> None:
    given = {"ServerURL": HOST, "Username": "cleaner", "Secret": PASSWORD}
    rob.program("docker-credential-corp", f"{HELPER}echo '{json.dumps(given)}'")
    rob.bench.docker_config(**{section: "corp" if section == "credsStore" else {HOST: "corp"}})
    rob.cleans()


def test_a_helper_program_that_is_not_installed(rob: Person) -> None:
    rob.bench.docker_config(credsStore="none-there", auths={HOST: basic("cleaner", PASSWORD)})
    rob.cleans(notes="docker-credential-none-there.*is not installed")


def test_a_helper_program_that_fails(rob: Person) -> None:
    rob.program("docker-credential-corp", f"echo 'the key ring is locked'; echo {PASSWORD} >&2; exit 1")
    rob.bench.docker_config(credsStore="corp")
    rob.is_told("docker-credential-corp", "the key ring is locked", code=2)


def test_nothing_at_all(rob: Person) -> None:
    rob.is_told(HOST, r"~/\.docker/config\.json", "docker login")


def test_a_companys_authority_that_is_not_named(rob: Person) -> None:
    logged_in(rob)
    del rob.env["SSL_CERT_FILE"]
    rob.is_told(HOST, "is not trusted", "SSL_CERT_FILE")


@pytest.mark.exhaustive
def test_a_companys_authority_under_python_3_13(rob: Person) -> None:
    logged_in(rob)
    rob.has_python_3_13()
    rob.cleans()


def test_a_registry_that_the_proxy_is_not_for(tmp_path: Path) -> None:
    """A block of addresses, of which one leads to this machine and is none that is never asked through a proxy."""
    with signed_in(tmp_path, DefaultEmulator()) as rob:
        at = rob.bench.registry.host.replace("127.0.0.1", "0.0.0.0")
        rob.bench.options = [option.replace("127.0.0.1", "0.0.0.0") for option in rob.bench.options]
        rob.bench.docker_config(auths={at: basic("cleaner", PASSWORD)})
        rob.secrets.append(PASSWORD)
        rob.env["NO_PROXY"] += ", 0.0.0.0/8"
        rob.cleans("--insecure-registry")
