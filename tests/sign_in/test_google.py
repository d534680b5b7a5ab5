"""Google's registries with what Google's own tools leave or offer, and the real google-auth."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulators.gcr import ADMIN, CLIENT_SECRET, READER, REFRESH_TOKEN, TOKEN_PREFIX, GoogleEmulator
from tests.support.programs import require
from tests.support.signed_in import Person, basic, signed_in

pytestmark = pytest.mark.slow  # each a process of its own


@pytest.fixture
def google() -> GoogleEmulator:
    return GoogleEmulator()


@pytest.fixture
def rob(tmp_path: Path, google: GoogleEmulator) -> Iterator[Person]:
    names = ("gcr.io", "artifactregistry.googleapis.com", "oauth2.googleapis.com")
    with signed_in(tmp_path, google, *names, images_repo="team/app", stages_storage="team/stages") as person:
        person.secrets.append(TOKEN_PREFIX)
        person.env["NO_GCE_CHECK"] = "true"
        yield person


def test_a_service_accounts_key_file(rob: Person, google: GoogleEmulator) -> None:
    key = google.key(ADMIN)
    rob.secrets.append(key["private_key"].splitlines()[3])
    rob.env["GOOGLE_APPLICATION_CREDENTIALS"] = str(rob.leave("keys/cleaner.json", key))
    rob.deletes()


@pytest.mark.exhaustive
def test_a_service_account_that_may_not_delete(rob: Person, google: GoogleEmulator) -> None:
    rob.env["GOOGLE_APPLICATION_CREDENTIALS"] = str(rob.leave("keys/reader.json", google.key(READER)))
    rob.is_told(READER.email, "artifactregistry.repositories.deleteArtifacts|repoAdmin", code=1)


def own_login(rob: Person, refresh_token: str) -> None:
    """As `gcloud auth application-default login` leaves it."""
    login = {"type": "authorized_user", "client_id": "1.apps.googleusercontent.com", "client_secret": CLIENT_SECRET}
    rob.leave(
        ".config/gcloud/application_default_credentials.json",
        {**login, "refresh_token": refresh_token, "universe_domain": "googleapis.com", "account": ""},
    )
    rob.secrets += [CLIENT_SECRET, refresh_token]


def test_gclouds_application_default_login(rob: Person) -> None:
    own_login(rob, REFRESH_TOKEN)
    rob.cleans()


@pytest.mark.exhaustive
def test_gclouds_application_default_login_that_has_ended(rob: Person) -> None:
    own_login(rob, "1//another-refresh-token")
    rob.is_told("your own Google login", "expired or revoked", "gcloud auth application-default login")


def test_a_machine_of_googles(rob: Person, google: GoogleEmulator) -> None:
    """Asked itself, as Google's libraries do it: the proxy's own machine may have an identity, too. (0.0.0.0 leads to
    this machine, and is no address that is never asked through a proxy.)"""
    rob.env["GCE_METADATA_HOST"] = f"0.0.0.0:{google.port}"
    rob.cleans()


def test_a_key_in_dockers_configuration(rob: Person, google: GoogleEmulator) -> None:
    key = google.key(ADMIN)
    rob.secrets.append(key["private_key"].splitlines()[3])
    rob.bench.docker_config(auths={"https://gcr.io": basic("_json_key", json.dumps(key, indent=2))})
    rob.cleans()


def test_gclouds_helper_for_docker(rob: Person, google: GoogleEmulator) -> None:
    """As `gcloud auth configure-docker` sets it up."""
    given = {"Secret": google.issue(ADMIN), "Username": "_dcgcloud_token"}
    rob.program("docker-credential-gcloud", f"test \"$1\" = get && echo '{json.dumps(given)}'")
    rob.bench.docker_config(credHelpers={"gcr.io": "gcloud", "us-docker.pkg.dev": "gcloud"})
    rob.cleans()


@pytest.mark.exhaustive
def test_gclouds_helper_without_a_login(rob: Person) -> None:
    said = "You do not currently have an active account selected. See https://cloud.google.com/sdk/docs/authorizing."
    rob.program("docker-credential-gcloud", f"echo '{said}'; exit 1")
    rob.bench.docker_config(credHelpers={"gcr.io": "gcloud"})
    rob.is_told("docker-credential-gcloud", r"active account selected. See https://\S*[^.]\.$", code=2)


@pytest.mark.exhaustive
def test_gcloud_itself(rob: Person, google: GoogleEmulator) -> None:
    gcloud = require("gcloud")
    key = rob.leave("keys/cleaner.json", google.key(ADMIN))
    rob.env |= {
        "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE": rob.env["SSL_CERT_FILE"],
        "CLOUDSDK_CORE_CHECK_GCE_METADATA": "false",
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "true",
        "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "true",
    }
    rob.does(gcloud, "auth", "activate-service-account", f"--key-file={key}")
    rob.does(gcloud, "auth", "configure-docker")
    rob.cleans()


def test_nothing_at_all(rob: Person) -> None:
    rob.is_told("no Application Default Credentials", r"config\.json")
