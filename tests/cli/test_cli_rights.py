"""Wrong passwords and missing rights: found before anything is deleted, and named."""

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from holystone.embedded.access import Auth, Basic, TokenService, User
from holystone.embedded.quirks import DISTRIBUTION_2_8, ZOT, Quirks
from tests.support.command_line import Bench, always, bench, now
from tests.support.tiny_project import tiny_project

Refuse = Callable[..., str]
PULL = {"*": frozenset({"pull"})}
USERS = {
    "bosun": User("scrub-the-deck"),
    "reader": User("only-looking", PULL),
    "pusher": User("no-deletion", {"*": frozenset({"pull", "push"})}),
}
AUTHS: list[Auth] = [Basic(USERS), TokenService(USERS)]
KINDS = pytest.mark.parametrize("auth", AUTHS, ids=["basic", "token"])


@contextmanager
def guarded(folder: Path, auth: Auth, user: str, password: str, quirks: Quirks = DISTRIBUTION_2_8) -> Iterator[Bench]:
    with bench(folder, auth=auth, quirks=quirks) as shop:
        tiny_project(shop.project, shop.registry.storage, now=now())
        if user:
            encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
            shop.docker_config(auths={shop.registry.host: {"auth": encoded}})
        yield shop


@KINDS
def test_the_right_password(tmp_path: Path, auth: Auth) -> None:
    with guarded(tmp_path, auth, "bosun", "scrub-the-deck") as shop:
        assert shop.cleanup().code == 0
        assert len(shop.contents()["shop/app/front"][0]) == 3


@KINDS
def test_a_wrong_password(tmp_path: Path, refused: Refuse, auth: Auth) -> None:
    with guarded(tmp_path, auth, "bosun", "guess") as shop:
        message = refused(shop, code=3)
        assert "user 'bosun'" in message
        assert "~/.docker/config.json" in message
        assert shop.registry.host in message
        assert "guess" not in message
        assert "Nothing was deleted." in message


@KINDS
def test_no_credential_at_all(tmp_path: Path, refused: Refuse, auth: Auth) -> None:
    with guarded(tmp_path, auth, "", "") as shop:
        message = refused(shop, code=3)
        assert "anonymous access" in message or "refuses" in message
        assert "docker login" in message or "Log in" in message


@pytest.mark.parametrize("user", ["reader", "pusher"])
@pytest.mark.parametrize("quirks", [DISTRIBUTION_2_8, ZOT], ids=["2.8", "zot"])
@KINDS
def test_no_right_to_delete(tmp_path: Path, refused: Refuse, auth: Auth, user: str, quirks: Quirks) -> None:
    with guarded(tmp_path, auth, user, USERS[user].password, quirks) as shop:
        message = refused(shop, code=1)
        assert "shop/stages" in message
        assert "delete" in message
        assert "credential" in message
        assert "REGISTRY_STORAGE_DELETE_ENABLED" not in message
        assert shop.cleanup("--dry-run").code == 1


def test_what_the_token_lacks_is_named(tmp_path: Path, refused: Refuse) -> None:
    with guarded(tmp_path, TokenService(USERS), "reader", "only-looking") as shop:
        message = refused(shop, code=1)
        assert "user 'reader'" in message
        assert "repository:shop/stages:delete" in message


def test_a_right_that_is_lacking_in_one_repository_only(tmp_path: Path, refused: Refuse) -> None:
    rights = {"*": frozenset({"*"}), "shop/stages": frozenset({"pull"})}
    users = {"half": User("pw-of-half", {"shop/app/*": rights["*"], "shop/stages": rights["shop/stages"]})}
    with guarded(tmp_path, TokenService(users), "half", "pw-of-half") as shop:
        message = refused(shop, code=1)
        assert "shop/stages" in message
        assert "shop/app" not in message


def test_no_right_to_read_one_repository(tmp_path: Path, refused: Refuse) -> None:
    users = {"half": User("pw-of-half", {"shop/stages": frozenset({"*"})})}
    with guarded(tmp_path, TokenService(users), "half", "pw-of-half") as shop:
        message = refused(shop, code=3)
        assert "repository:shop/app/" in message


@pytest.mark.parametrize("body", [b'{"token": "abc', b"<html>", b"{}", b'{"token": 5}'])
def test_a_token_reply_that_is_none(tmp_path: Path, refused: Refuse, body: bytes) -> None:
    with guarded(tmp_path, TokenService(USERS), "bosun", "scrub-the-deck") as shop:
        shop.registry.faults.add(always("/token", 200, body))
        message = refused(shop, code=1)
        assert "answered 200 without a token" in message
        assert shop.registry.host in message
        assert "abc" not in message
        assert "Nothing was deleted." in message


def test_a_token_server_that_is_down(tmp_path: Path, refused: Refuse) -> None:
    with guarded(tmp_path, TokenService(USERS), "bosun", "scrub-the-deck") as shop:
        shop.registry.faults.add(always("/token", 503))
        assert "503" in refused(shop, code=3)


def test_a_credential_helper_that_fails(tmp_path: Path, refused: Refuse) -> None:
    with guarded(tmp_path, TokenService(USERS), "", "") as shop:
        helper = tmp_path / "bin" / "docker-credential-locked"
        helper.parent.mkdir()
        helper.write_text("#!/bin/sh\necho the key ring is locked\nexit 1\n")
        helper.chmod(0o755)
        shop.docker_config(credHelpers={shop.registry.host: "locked"})
        message = refused(shop, code=2, env={"PATH": f"{helper.parent}:/usr/bin:/bin"})
        assert "docker-credential-locked" in message
        assert "the key ring is locked" in message


def test_a_broken_docker_configuration(tmp_path: Path, refused: Refuse) -> None:
    with guarded(tmp_path, TokenService(USERS), "bosun", "scrub-the-deck") as shop:
        (shop.home / ".docker" / "config.json").write_text('{"auths": ')
        assert "~/.docker/config.json is not JSON" in refused(shop, code=2)
