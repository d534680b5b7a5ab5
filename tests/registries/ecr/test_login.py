"""Amazon ECR: credentials of AWS, and the tokens for /v2 that they are exchanged for."""

import json
import logging
import sys
from pathlib import Path
from typing import cast

import anyio
import pytest
from yarl import URL

from holystone.adapters.credentials.redaction import redacted
from holystone.adapters.http.signer import Outgoing
from holystone.adapters.registries.ecr.login import RegistryLogin
from holystone.engine.errors import IncompleteSource, Unauthorized, UsageError
from holystone.engine.model.outcomes import Forbidden
from holystone.engine.model.references import Digest, Tag
from tests.emulators.ecr import REGION, EcrEmulator
from tests.emulators.vendor import Login
from tests.registries.ecr.connected import ABSENT, asked, connected, push, says, to_api
from tests.support import images

# The token for /v2


async def test_a_token_that_ended_is_renewed_once(tmp_path: Path) -> None:
    async with EcrEmulator() as served, connected(served, tmp_path) as session:
        push(served, "one", "v1")
        digest = Digest.of(images.config("one"))
        assert await session.read_blob(digest)
        served.expire_tokens()
        assert await session.read_blob(digest)
        served.expire_tokens()
        assert await session.push_blob(images.config("one")) == digest
        assert served.requests[-1].method == "HEAD"  # whose 403 has no body that could say why
        assert len(asked(served, "GetAuthorizationToken")) == 3
        served.token_lifetime = -1.0
        served.expire_tokens()
        with pytest.raises(Unauthorized, match="token has expired"):
            await session.read_blob(digest)
        assert len(asked(served, "GetAuthorizationToken")) == 4


@pytest.mark.parametrize(("lifetime", "margin"), [(12 * 3600.0, 900.0), (60.0, 15.0)])
async def test_a_token_is_renewed_before_it_ends(tmp_path: Path, lifetime: float, margin: float) -> None:
    now = 1000.0
    async with EcrEmulator(token_lifetime=lifetime) as served, connected(served, tmp_path) as session:
        login = RegistryLogin(session._api, clock=lambda: now)
        outgoing = Outgoing("GET", URL(served.url), {}, None)
        first = await login.sign(outgoing)
        now += lifetime - margin - 2
        assert await login.sign(outgoing) == first
        now += 3
        assert await login.sign(outgoing) != first
        assert len(asked(served, "GetAuthorizationToken")) == 2


async def test_a_token_is_fetched_once_for_all_who_need_it(tmp_path: Path) -> None:
    async with EcrEmulator() as served, connected(served, tmp_path) as session:
        async with anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(session.read_blob, ABSENT)
        assert len(asked(served, "GetAuthorizationToken")) == 1


async def test_a_missing_right_to_a_token_is_named(tmp_path: Path) -> None:
    async with (
        EcrEmulator(denied=frozenset({"GetAuthorizationToken"})) as served,
        connected(served, tmp_path) as session,
    ):
        push(served, "one", "v1")
        with pytest.raises(Unauthorized, match=r"AWS_ACCESS_KEY_ID in the environment.* lacks ecr:GetAuthorizationTok"):
            await session.read_blob(Digest.of(images.config("one")))


@pytest.mark.parametrize("answer", [{}, {"authorizationData": []}, {"authorizationData": [{}]}])
async def test_a_token_that_does_not_come(tmp_path: Path, answer: object) -> None:
    async with EcrEmulator() as served, connected(served, tmp_path) as session:
        served.faults.add(to_api(says(answer)))
        with pytest.raises(IncompleteSource, match="GetAuthorizationToken"):
            await session.read_blob(ABSENT)


@pytest.mark.parametrize("ends", [None, 0.0, 1_436_000_000.0, 9e12])
async def test_a_strange_end_of_a_token_is_taken_for_twelve_hours(tmp_path: Path, ends: float | None) -> None:
    async with EcrEmulator() as served, connected(served, tmp_path) as session:
        push(served, "one", "v1")
        (data,) = served._authorization_token({})["authorizationData"]
        data["expiresAt"] = ends
        served.faults.add(to_api(says({"authorizationData": [data]}), times=1))
        digest = Digest.of(images.config("one"))
        for _ in range(2):
            assert await session.read_blob(digest)
        assert asked(served, "GetAuthorizationToken") == []


# Credentials


async def test_wrong_credentials_read_nothing_and_show_nothing(tmp_path: Path) -> None:
    async with EcrEmulator() as served:
        push(served, "one", "v1")
        for login, words in (
            (served.bad_login(), "InvalidSignatureException"),
            (served.unknown_login(), "UnrecognizedClientException"),
        ):
            async with connected(served, tmp_path, login) as session:
                for read in (session.list_tags(), session.probe()):
                    with pytest.raises(Unauthorized, match=words) as raised:
                        await read
                    assert "AWS_ACCESS_KEY_ID in the environment" in str(raised.value)
                    assert not [secret for secret in login.secrets if secret in str(raised.value)]


async def test_a_session_works_until_it_ends(tmp_path: Path) -> None:
    async with EcrEmulator() as served:
        raw, login = push(served, "one", "v1"), served.session_login()
        async with connected(served, tmp_path, login) as session:
            assert (await session.list_tags()).tags == {"v1": raw.digest}
            served.end_sessions()
            with pytest.raises(Unauthorized, match="ExpiredTokenException"):
                await session.list_tags()
            (outcome,) = await session.delete_tags([Tag("v1")])
            assert isinstance(outcome, Forbidden)


async def test_what_aws_quotes_of_a_signed_request_is_not_shown(tmp_path: Path) -> None:
    async with EcrEmulator() as served:
        login = served.session_login()
        wrong = Login({**login.environ, "AWS_SECRET_ACCESS_KEY": "another"}, secrets=login.secrets)
        async with connected(served, tmp_path, wrong) as session:
            with pytest.raises(Unauthorized, match="InvalidSignatureException") as raised:
                await session.list_tags()
            target = {"X-Amz-Target": "AmazonEC2ContainerRegistry_V20150921.DescribeImages"}
            target["Content-Type"] = "application/x-amz-json-1.1"
            answer = await session._api._http.request(
                "POST", "/", lane=session._lanes.lists, limit=10_000, headers=target, body=b"{}"
            )
            assert "x-amz-security-token:***" in redacted(answer.body.decode())
        every, error = "", cast("BaseException | None", raised.value)
        while error is not None:
            every += f"{error!r} {error} {vars(error)}"
            error = error.__cause__ or error.__context__
        assert login.environ["AWS_SESSION_TOKEN"] not in every


async def test_no_secret_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with EcrEmulator() as served:
        push(served, "one", "v1")
        login = served.session_login()
        with caplog.at_level(logging.DEBUG):
            async with connected(served, tmp_path, login) as session:
                await session.list_tags()
                await session.read_blob(Digest.of(images.config("one")))
                text = f"{caplog.text} {session!r} {session._api!r} {vars(session._api)} {vars(session.http)}"
        passwords = [password for password in served._tokens if password in text]
        assert not [secret for secret in login.secrets if secret in text]
        assert not passwords
        assert not [each for each in served.requests if each.authorization and each.authorization in text]


async def test_the_chain_goes_on_to_aws_own_files(tmp_path: Path) -> None:
    """And to them once more, when a session has ended: tools that log people in write the next one there."""
    file = tmp_path / "credentials"

    def write(login: Login) -> None:
        environ = login.environ
        file.write_text(
            f"[default]\naws_access_key_id = {environ['AWS_ACCESS_KEY_ID']}\n"
            f"aws_secret_access_key = {environ['AWS_SECRET_ACCESS_KEY']}\n"
            f"aws_session_token = {environ['AWS_SESSION_TOKEN']}\n"
        )

    (tmp_path / "config").write_text(f"[default]\nregion = {REGION}\n")
    async with EcrEmulator() as served:
        raw = push(served, "one", "v1")
        write(served.session_login())
        async with connected(served, tmp_path, Login()) as session:
            assert session._api.origin == "AWS's credentials file"
            assert (await session.list_tags()).tags == {"v1": raw.digest}
            served.end_sessions()
            write(served.session_login())
            async with anyio.create_task_group() as group:
                for _ in range(5):
                    group.start_soon(session.list_tags)
            served.end_sessions()
            with pytest.raises(Unauthorized, match="AWS's credentials file"):
                await session.list_tags()


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"AWS_REGION": REGION}, "No AWS credentials were found"),
        ({"AWS_REGION": REGION, "AWS_ACCESS_KEY_ID": "half"}, "AWS_SECRET_ACCESS_KEY"),
        ({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}, "region is unknown"),
        ({"AWS_REGION": "example.com/#"}, "not an AWS region"),
    ],
)
async def test_what_is_missing_is_said_at_once(tmp_path: Path, environ: dict[str, str], words: str) -> None:
    async with EcrEmulator() as served:
        with pytest.raises(UsageError, match=words):
            async with connected(served, tmp_path, Login(environ)):
                pass
        assert served.requests == []


async def test_a_profile_that_does_not_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    async with EcrEmulator() as served:
        for environ in ({}, {"AWS_REGION": REGION}):
            with pytest.raises(UsageError, match="nobody"):
                async with connected(served, tmp_path, Login(environ)):
                    pass


async def test_docker_login_alone_is_not_enough(tmp_path: Path) -> None:
    async with EcrEmulator() as served:
        (data,) = served._authorization_token({})["authorizationData"]
        config = {"auths": {served.host: {"auth": data["authorizationToken"]}}}
        (tmp_path / "config.json").write_text(json.dumps(config))
        with pytest.raises(UsageError, match="docker login"):
            async with connected(served, tmp_path, Login({"AWS_REGION": REGION})):
                pass


async def test_without_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import holystone.adapters.registries.ecr as package

    monkeypatch.setitem(sys.modules, "aiobotocore.session", None)
    monkeypatch.delitem(sys.modules, "holystone.adapters.registries.ecr.identity")
    monkeypatch.delattr(package, "identity")
    async with EcrEmulator() as served:
        with pytest.raises(UsageError, match=r"pip install 'holystone\[ecr\]'"):
            async with connected(served, tmp_path):
                pass
