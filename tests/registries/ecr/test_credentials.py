"""AWS's own chain with what its tools leave behind: the real botocore, its services played on loopback."""

import hashlib
import json
import logging
import os
import re
from collections.abc import Mapping
from pathlib import Path

import anyio
import botocore.credentials
import botocore.tokens
import pytest
from aiohttp import web
from yarl import URL

from holystone.adapters.http.signer import Outgoing
from holystone.adapters.registries.connections import Connections
from holystone.adapters.registries.ecr import identity as aws
from holystone.adapters.registries.ecr.identity import AwsIdentity
from holystone.engine.errors import Unauthorized, UsageError
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath
from tests.support.http_site import Site, site

REGION = "eu-west-1"
BASE = "[profile base]\naws_access_key_id = AKIABASE\naws_secret_access_key = base-secret\n"
ROLE = "role_arn = arn:aws:iam::123456789012:role/cleaner\nsource_profile = base\n"
LATER = "2099-01-01T00:00:00Z"


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("HOME", str(tmp_path))


def configured(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """As the profile `mine`."""
    (folder / "config").write_text(text)
    monkeypatch.setenv("AWS_PROFILE", "mine")


async def sts(request: web.Request) -> web.Response:
    action = re.search(rb"Action=(\w+)", await request.read())
    assert action
    name = action[1].decode()
    return web.Response(
        content_type="text/xml",
        text=f'<{name}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{name}Result><Credentials>'
        "<AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>role-secret</SecretAccessKey>"
        f"<SessionToken>role-token</SessionToken><Expiration>{LATER}</Expiration></Credentials></{name}Result>"
        f"<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{name}Response>",
    )


async def denies(request: web.Request) -> web.Response:
    return web.Response(
        status=403,
        content_type="text/xml",
        text="<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no such trust</Message>"
        "</Error><RequestId>1</RequestId></ErrorResponse>",
    )


async def key(environ: Mapping[str, str] | None = None, region: str | None = REGION) -> str:
    """Under which requests are signed."""
    identity = AwsIdentity(environ or {}, region)
    await identity.find()
    signed = await identity.sign(Outgoing("POST", URL("https://api.example/"), {}, b"{}"))
    return signed.secret.reveal().partition("Credential=")[2].partition("/")[0]


def regions(served: Site) -> set[str]:
    """In which STS was asked."""
    return {seen.authorization.split("/")[2] for seen in served.seen}


@pytest.mark.parametrize(
    ("profile", "environ", "expected"),
    [
        ("", {}, REGION),  # the registry's name says it
        ("", {"AWS_REGION": "eu-north-1"}, "eu-north-1"),
        ("region = us-east-2\n", {}, "us-east-2"),
        ("region = us-east-2\n", {"AWS_REGION": "eu-north-1"}, "eu-north-1"),
    ],
)
async def test_a_role_needs_no_region_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profile: str, environ: Mapping[str, str], expected: str
) -> None:
    configured(tmp_path, monkeypatch, f"{BASE}[profile mine]\n{ROLE}{profile}")
    async with site(sts) as served:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", served.url)
        assert await key(environ) == "ASIAROLE"
    assert regions(served) == {expected}


async def every_service(request: web.Request) -> web.Response:
    """STS, the containers' endpoint and single sign-on."""
    if request.path == "/container":
        return web.json_response({"AccessKeyId": "ASIACONT", "SecretAccessKey": "s", "Token": "t", "Expiration": LATER})
    if request.path == "/federation/credentials":
        assert request.headers["x-amz-sso_bearer_token"] == "the.sso.token"
        given = {"accessKeyId": "ASIASSO", "secretAccessKey": "s", "sessionToken": "t", "expiration": 4_070_908_800_000}
        return web.json_response({"roleCredentials": given})
    return await sts(request)


@pytest.mark.parametrize(
    ("source", "expected"),
    [("process", "ASIAPROC"), ("web identity", "ASIAROLE"), ("container", "ASIACONT"), ("sso", "ASIASSO")],
)
async def test_what_awss_own_tools_leave_or_offer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, expected: str
) -> None:
    (tmp_path / "token").write_text("a.web.token")
    given = {"Version": 1, "AccessKeyId": "ASIAPROC", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": LATER}
    (tmp_path / "process.json").write_text(json.dumps(given))
    cached = {"startUrl": "https://example.awsapps.com/start", "accessToken": "the.sso.token", "expiresAt": LATER}
    cache = tmp_path / ".aws/sso/cache"
    cache.mkdir(parents=True)
    # Looked for when botocore is loaded, in the home of then.
    for each in (botocore.credentials.SSOProvider, botocore.tokens.SSOTokenProvider):
        monkeypatch.setattr(each, "_SSO_TOKEN_CACHE_DIR", str(cache))
    (cache / f"{hashlib.sha1(b's', usedforsecurity=False).hexdigest()}.json").write_text(json.dumps(cached))
    text = {
        "process": f"[profile mine]\ncredential_process = cat {tmp_path}/process.json\n",
        "web identity": "[profile mine]\nrole_arn = arn:aws:iam::123456789012:role/cleaner\n"
        f"web_identity_token_file = {tmp_path}/token\n",
        "container": "[profile mine]\n",
        "sso": "[profile mine]\nsso_session = s\nsso_account_id = 1\nsso_role_name = r\n"
        f"[sso-session s]\nsso_region = {REGION}\nsso_start_url = https://example.awsapps.com/start\n",
    }[source]
    configured(tmp_path, monkeypatch, text)
    async with site(every_service) as served:
        for variable in ("AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_SSO"):
            monkeypatch.setenv(variable, served.url)
        if source == "container":
            monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{served.url}/container")
        assert await key() == expected


async def test_a_role_that_wants_a_second_factor_is_told_and_nobody_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(tmp_path, monkeypatch, f"{BASE}[profile mine]\n{ROLE}mfa_serial = arn:aws:iam::123456789012:mfa/rob\n")
    with pytest.raises(UsageError, match=r"second factor .*mfa/rob") as raised:
        await key()
    assert "get-session-token" in raised.value.what_to_do


@pytest.mark.parametrize(
    "source",
    ["role denied", "web identity denied", "no token file", "sso", "process", "no process", "process says", "a list"],
)
async def test_what_cannot_be_renewed_is_one_message_without_a_traceback(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    source: str,
) -> None:
    token = tmp_path / "token"
    token.write_text("a.web.token")
    text = {
        "role denied": f"{BASE}[profile mine]\n{ROLE}",
        "web identity denied": f"[profile mine]\nrole_arn = arn:aws:iam::1:role/r\nweb_identity_token_file = {token}\n",
        "no token file": "[profile mine]\nrole_arn = arn:aws:iam::1:role/r\nweb_identity_token_file = /nowhere\n",
        "sso": "[profile mine]\nsso_session = s\nsso_account_id = 1\nsso_role_name = r\n"
        f"[sso-session s]\nsso_region = {REGION}\nsso_start_url = https://example.awsapps.com/start\n",
        "process": "[profile mine]\ncredential_process = /bin/false\n",
        "no process": "[profile mine]\ncredential_process = /no/such/program\n",
        "process says": "[profile mine]\ncredential_process = echo Please log in\n",
        "a list": "[profile mine]\ncredential_process = echo []\n",
    }[source]
    configured(tmp_path, monkeypatch, text)
    async with site(denies) as served:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", served.url)
        with caplog.at_level(logging.WARNING), pytest.raises((Unauthorized, UsageError)) as raised:
            await key()
    assert not re.search(r"\.\.", raised.value.message)
    assert raised.value.what_to_do
    assert not caplog.records
    assert "Traceback" not in caplog.text + "".join(capfd.readouterr())


@pytest.mark.parametrize("whose", ["profile", "source_profile"])
async def test_a_program_that_waits_for_somebody_does_not_hold_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whose: str
) -> None:
    """A key ring that is locked, a browser that nobody sees: all night, otherwise."""
    script = tmp_path / "wait"
    script.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nsleep 60\n")
    script.chmod(0o700)
    waiting = f"credential_process = {script}\n"
    configured(
        tmp_path,
        monkeypatch,
        f"[profile mine]\n{waiting}" if whose == "profile" else f"[profile base]\n{waiting}[profile mine]\n{ROLE}",
    )
    monkeypatch.setattr(aws, "PROGRAM_TIMEOUT", 0.3)
    with anyio.fail_after(10), pytest.raises(UsageError, match=r"wait did not answer within 0\.3 s") as raised:
        await key()
    assert raised.value.what_to_do
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.skipif(not hasattr(botocore.credentials, "LoginProvider"), reason="a botocore that knows no `aws login`")
async def test_aws_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What AWS CLI 2.32 leaves in ~/.aws/login/cache."""
    session = "arn:aws:sts::123456789012:assumed-role/admin/rob"
    configured(tmp_path, monkeypatch, f"[profile mine]\nlogin_session = {session}\n")
    cache = tmp_path / "login"
    cache.mkdir()
    monkeypatch.setenv("AWS_LOGIN_CACHE_DIRECTORY", str(cache))
    given = {"accessKeyId": "ASIALOGIN", "secretAccessKey": "s", "sessionToken": "t", "accountId": "123456789012"}
    document = {
        "accessToken": {**given, "expiresAt": LATER},
        "tokenType": "aws_sigv4",
        "refreshToken": "r",
        "clientId": "c",
        "dpopKey": "k",
        "idToken": "i",
    }
    (cache / f"{hashlib.sha256(session.encode()).hexdigest()}.json").write_text(json.dumps(document))
    identity = AwsIdentity({}, REGION)
    await identity.find()
    assert (identity.origin, await key()) == ("'aws login'", "ASIALOGIN")


@pytest.mark.parametrize("kind", ["credsStore", "credHelpers"])
async def test_dockers_helpers_are_not_asked_for_what_they_could_not_give(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    (bin_ / "docker-credential-ecr-login").write_text(f"#!/bin/sh\ntouch {tmp_path}/asked\necho locked >&2\nexit 1\n")
    (bin_ / "docker-credential-ecr-login").chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_}:/usr/bin:/bin")
    host = f"123456789012.dkr.ecr.{REGION}.amazonaws.com"
    value: object = "ecr-login" if kind == "credsStore" else {host: "ecr-login"}
    (tmp_path / "config.json").write_text(json.dumps({kind: value}))
    environ = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "s"}
    async with Connections(tmp_path, environ=environ) as connections:
        assert await connections.session(Repository(RegistryHost.parse(host), RepositoryPath("team/app")))
    assert not (tmp_path / "asked").exists()
