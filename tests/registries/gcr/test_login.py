"""Google: credentials, and to whom they are shown."""

import base64
import json
import os
from contextlib import AsyncExitStack
from pathlib import Path
from typing import cast

import pytest
from yarl import URL

from holystone.adapters import files
from holystone.adapters.credentials.credential import Anonymous, Credential
from holystone.adapters.http.wire import Wire
from holystone.adapters.registries.endpoint import Endpoint, OpenHttp
from holystone.adapters.registries.gcr import access_tokens as access_tokens_module
from holystone.adapters.registries.gcr.access_tokens import MetadataServer
from holystone.adapters.registries.gcr.places import is_google
from holystone.adapters.registries.gcr.sign_in import sign_in
from holystone.embedded.faults import Answer, Fault
from holystone.engine.errors import Unauthorized, UsageError
from holystone.engine.model.outcomes import Forbidden
from holystone.engine.model.references import RegistryHost
from holystone.engine.scheduler import Scheduler
from tests.emulators.gcr import ADMIN, CLIENT_SECRET, READER, REFRESH_TOKEN, GoogleEmulator
from tests.emulators.vendor import Login
from tests.registries.gcr.connected import asked, by_file, connected, key_file, push, works, write

# Signing in


OWN_LOGIN = {
    "type": "authorized_user",
    "client_id": "gcloud",
    "client_secret": CLIENT_SECRET,
    "refresh_token": REFRESH_TOKEN,
}


def to_emulator(served: GoogleEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """google-auth asks Google's own server for a person's tokens, whatever the file says."""
    monkeypatch.setattr("google.oauth2.credentials._GOOGLE_OAUTH2_TOKEN_ENDPOINT", f"{served.url}/oauth2/token")


async def test_a_service_accounts_key_file(tmp_path: Path) -> None:
    async with GoogleEmulator(immutable=True) as served:
        push(served, "one", "v1")
        async with connected(served, tmp_path, key_file(served, tmp_path)) as session:
            await works(session)
            assert (await session.list_tags()).locked
    assert served.seen.grants == ["urn:ietf:params:oauth:grant-type:jwt-bearer"], "one token for /v2 and the API"


async def test_the_login_of_gcloud_in_its_usual_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with GoogleEmulator() as served:
        to_emulator(served, monkeypatch)
        push(served, "one", "v1")
        for folder, environ in (
            (tmp_path / ".config" / "gcloud", {}),
            (tmp_path / "else", {"CLOUDSDK_CONFIG": str(tmp_path / "else")}),
        ):
            write(folder / "application_default_credentials.json", OWN_LOGIN)
            async with connected(served, tmp_path, Login(environ=environ)) as session:
                await works(session)
    assert served.seen.grants == ["refresh_token"] * 2


async def test_the_metadata_server_is_found_without_being_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with GoogleEmulator() as served:
        push(served, "one", "v1")
        monkeypatch.setattr(access_tokens_module, "_METADATA_HOST", served.host)
        async with connected(served, tmp_path, Login(environ={"NO_GCE_CHECK": "false"})) as session:
            await works(session)
        served.faults.add(Fault("GET", r"^/$", Answer(200, b"Welcome to our network"), times=None))
        for elsewhere in (served.host, "127.0.0.1:1"):
            monkeypatch.setattr(access_tokens_module, "_METADATA_HOST", elsewhere)
            async with connected(served, tmp_path, Login(environ={"NO_GCE_CHECK": "false"})) as session:
                with pytest.raises(Unauthorized, match="no Application Default Credentials"):
                    await session.list_tags()
    assert served.seen.grants == ["metadata"]


async def test_a_machine_without_a_service_account(tmp_path: Path) -> None:
    async with GoogleEmulator() as served:
        served.attached = None
        async with connected(served, tmp_path) as session:
            with pytest.raises(Unauthorized, match="metadata server") as raised:
                await session.list_tags()
            assert "Attach a service account" in raised.value.what_to_do


@pytest.mark.parametrize("encoded", [False, True])
async def test_a_key_in_dockers_configuration(tmp_path: Path, encoded: bool) -> None:
    async with GoogleEmulator(immutable=True) as served:
        push(served, "one", "v1")
        key = json.dumps(served.key(ADMIN))
        user, secret = ("_json_key_base64", base64.b64encode(key.encode()).decode()) if encoded else ("_json_key", key)
        async with connected(served, tmp_path, served.by_docker(user, secret)) as session:
            await works(session)
            assert (await session.list_tags()).locked, "a token for the API was got with the key"


async def test_a_damaged_key_in_dockers_configuration_leaves_only_the_api_out(tmp_path: Path) -> None:
    async with GoogleEmulator() as served:
        async with connected(served, tmp_path, served.by_docker("_json_key", "not json")) as session:
            with pytest.raises(Unauthorized, match="_json_key"):
                await session.list_tags()
        assert asked(served, "/v1/") == []


@pytest.mark.parametrize("user", ["oauth2accesstoken", "_dcgcloud_token"])
async def test_an_access_token_in_dockers_configuration_serves_the_api_too(tmp_path: Path, user: str) -> None:
    async with GoogleEmulator(immutable=True) as served:
        push(served, "one", "v1")
        async with connected(served, tmp_path, served.by_docker(user, served.issue(ADMIN))) as session:
            await works(session)
            assert (await session.list_tags()).locked
        assert served.seen.grants == [], "Docker's configuration comes first"


async def test_docker_comes_before_the_default_credentials(tmp_path: Path) -> None:
    async with GoogleEmulator() as served:
        push(served, "one", "v1")
        docker = served.by_docker("oauth2accesstoken", served.issue(READER))
        both = Login(environ=served.login().environ, docker_config=docker.docker_config)
        async with connected(served, tmp_path, both) as session:
            assert (await session.probe()).forbidden


async def test_nobody_may_read_what_is_public(tmp_path: Path) -> None:
    async with GoogleEmulator(public=True) as served:
        push(served, "one", "v1")
        async with connected(served, tmp_path, Login()) as session:
            assert (await session.list_tags()).tags.keys() == {"v1"}
            can = await session.probe()
    assert can.forbidden
    assert "anonymous access" in can.forbidden
    assert "deleteArtifacts" in can.forbidden


async def test_default_credentials_are_shown_to_google_and_to_nobody_else(tmp_path: Path) -> None:
    async with GoogleEmulator(public=True) as served:
        push(served, "one", "v1")
        async with connected(served, tmp_path, api=False) as session:
            await session.list_tags()
        assert served.seen.grants == []
        assert not [each for each in served.requests if each.authorization.startswith("Basic")]
    assert is_google(RegistryHost("eu.gcr.io"))
    assert is_google(RegistryHost("europe-west1-docker.pkg.dev"))
    for stranger in ("gcr.io.example.com", "xgcr.io", "pkg.dev.example.com", "localhost:5000"):
        assert not is_google(RegistryHost(stranger))


async def test_a_right_that_lacks_is_named_before_the_first_deletion(tmp_path: Path) -> None:
    async with GoogleEmulator() as served:
        image = push(served, "one", "v1")
        async with connected(served, tmp_path, served.weak_login()) as session:
            can = await session.probe()
            assert (await session.list_tags()).tags.keys() == {"v1"}
            (outcome,) = await session.delete_manifests([image.digest])
        assert isinstance(outcome, Forbidden)
        assert can.forbidden
        for part in ("'_json_key'", "config.json", "deleteArtifacts", "roles/artifactregistry.repoAdmin"):
            assert part in can.forbidden
        assert served.storage.repositories[served.path].tags == {"v1": image.digest}


async def test_probing_asks_for_what_cannot_exist(tmp_path: Path) -> None:
    async with GoogleEmulator() as served:
        push(served, "one", "v1")
        before = dict(served.storage.repositories[served.path].tags)
        async with connected(served, tmp_path) as session:
            await session.probe()
        assert served.storage.repositories[served.path].tags == before
        deletions = [each for each in served.requests if each.method == "DELETE"]
        assert [each.status for each in deletions] == [404, 404]


async def test_wrong_credentials(tmp_path: Path) -> None:
    async with GoogleEmulator() as served:
        push(served, "one", "v1")
        logins = {
            "oauth2accesstoken": served.bad_login(),
            "Invalid JWT Signature": key_file(served, tmp_path, private_key=_another_key()),
        }
        for words, login in logins.items():
            async with connected(served, tmp_path / words.split()[0], login) as session:
                with pytest.raises(Unauthorized, match=words):
                    await session.list_tags()
                can = await session.probe()
                assert can.forbidden
                assert words in can.forbidden


def _another_key() -> str:
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()).decode()


async def test_a_token_server_that_repeats_the_secret_is_not_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with GoogleEmulator() as served:
        to_emulator(served, monkeypatch)
        file = write(tmp_path / "mine.json", OWN_LOGIN | {"refresh_token": "1//long-revoked-refresh-token"})
        async with connected(served, tmp_path, by_file(file)) as session:
            with pytest.raises(Unauthorized, match="expired or revoked") as raised:
                await session.list_tags()
            assert "long-revoked" not in str(raised.value)
            assert "your own Google login" in raised.value.message
            assert "GOOGLE_APPLICATION_CREDENTIALS" in raised.value.message


async def test_a_credential_file_that_is_a_pipe_holds_nobody_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PATIENCE", 0.1)
    os.mkfifo(tmp_path / "pipe")
    async with GoogleEmulator() as served:
        with pytest.raises(UsageError, match="it is a pipe"):
            async with connected(served, tmp_path, by_file(tmp_path / "pipe")):
                raise AssertionError


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read"),
        (b"\xff\xfe\x00secret", "UTF-8"),
        (b"secret but no json", "not a JSON object"),
        (b'["secret"]', "not a JSON object"),
    ],
)
async def test_files_that_are_no_credentials_are_wrong_usage(tmp_path: Path, content: bytes | None, words: str) -> None:
    file = tmp_path / "key.json"
    if content is not None:
        file.write_bytes(content)
    async with GoogleEmulator() as served:
        with pytest.raises(UsageError, match=words) as raised:
            async with connected(served, tmp_path, by_file(file)):
                pass
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("changed", [{"type": "magic"}, {"private_key": "secret"}, {"client_email": ""}])
async def test_keys_that_google_auth_does_not_take_are_wrong_usage(tmp_path: Path, changed: dict[str, str]) -> None:
    async with GoogleEmulator() as served:
        login = key_file(served, tmp_path, **changed)
        async with connected(served, tmp_path, login) as session:
            with pytest.raises((UsageError, Unauthorized)) as raised:
                await session.list_tags()
    assert "secret" not in str(raised.value)


async def test_the_package_that_lacks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr("holystone.adapters.registries.gcr.key_file.import_module", missing)
    async with GoogleEmulator() as served:
        with pytest.raises(UsageError, match="google-auth") as raised:
            async with connected(served, tmp_path, key_file(served, tmp_path)):
                pass
        assert "holystone[gcr]" in raised.value.what_to_do
        push(served, "one", "v1")
        async with connected(served, tmp_path) as session:
            await works(session)


# Places


@pytest.mark.parametrize(
    ("host", "api", "is_ours"),
    [
        ("registry.corp.example", "https://registry.corp.example", True),
        ("registry.corp.example:443", "https://registry.corp.example/api", True),
        ("registry.corp.example:5000", "https://registry.corp.example:5000", True),
        ("[fd00::1]:5000", "https://[fd00::1]:5000", True),
        ("registry.corp.example", "https://api.corp.example", False),
        ("registry.corp.example", "https://registry.corp.example:8443", False),
        ("registry.corp.example", None, False),
        ("europe-docker.pkg.dev", None, True),
    ],
)
async def test_whose_registry_the_machines_own_identity_is_for(host: str, api: str | None, is_ours: bool) -> None:
    async def same(refused: Credential) -> Credential:
        return refused

    parsed = RegistryHost.parse(host)
    async with AsyncExitStack() as resources:
        endpoint = Endpoint(
            host=parsed,
            login=None,
            docker=Anonymous("there is none"),
            refresh_docker=same,
            api_url=URL(api) if api else None,
            own_api=URL(api or f"https://{host}"),
            vouched=True,
            environ={"NO_GCE_CHECK": "true"},
            lane=lambda kind, quota=None: Scheduler().lane(parsed, "nobody", kind, quota),
            open_http=cast("OpenHttp", None),
            resources=resources,
        )
        looked = (await sign_in(endpoint)).registry.origin
    assert ("Application Default Credentials" in looked) == is_ours


@pytest.mark.parametrize("host", ["[broken", "[::1]x@", "a:b"])
def test_a_metadata_server_that_is_no_host_is_told(host: str) -> None:
    with pytest.raises(UsageError, match=r"^\$GCE_METADATA_HOST is no host"):
        MetadataServer(Wire(connections=1), host)
