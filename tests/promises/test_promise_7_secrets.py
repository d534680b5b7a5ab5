"""No credential is printed, logged or stored, in success or failure, or sent to another host than its own."""

import base64
import html
import json
import subprocess
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest

from holystone.embedded.access import Auth, Basic, Token, TokenService, User
from holystone.embedded.exchange import Incoming, Reply, json_reply
from holystone.embedded.faults import Fault, redirect
from holystone.embedded.server import EmbeddedRegistry
from tests.promises.conftest import Open
from tests.support.command_line import Bench, Ran, always, now
from tests.support.tiny_project import tiny_project

PASSWORD = 'hunter2/and+"mo\\re&<=è'
IDENTITY = "identity-token-0123456789"
READY = "ready-made-token-0123456789"
JSON_LOG = ("--log-debug", "--log-format=json")
USERS = {"bosun": User(PASSWORD)}


@dataclass(frozen=True)
class Kind:
    """A way to be known to a registry."""

    auth: Auth
    entry: dict[str, str]
    helper: bool = False


def basic_entry(password: str) -> str:
    return base64.b64encode(f"bosun:{password}".encode()).decode()


KINDS = {
    "basic": Kind(Basic(USERS), {"auth": basic_entry(PASSWORD)}),
    "plain-fields": Kind(Basic(USERS), {"username": "bosun", "password": PASSWORD}),
    "token": Kind(TokenService(USERS), {"auth": basic_entry(PASSWORD)}),
    "identity": Kind(TokenService(USERS), {"identitytoken": IDENTITY, "auth": base64.b64encode(b"bosun:").decode()}),
    "ready": Kind(TokenService(USERS), {"registrytoken": READY}),
    "helper": Kind(TokenService(USERS), {}, helper=True),
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


@pytest.fixture
def guarded(open_bench: Open, tmp_path: Path) -> Callable[[Kind], Bench]:
    def make(kind: Kind) -> Bench:
        shop = open_bench(auth=kind.auth)
        tiny_project(shop.project, shop.registry.storage, now=now())
        gate, host = shop.registry.gate, shop.registry.host
        gate._refresh_tokens[IDENTITY] = USERS["bosun"]
        rights = frozenset(f"repository:shop/{path}:*" for path in ("app/backend", "app/front", "stages"))
        gate._tokens[READY] = Token(float("inf"), USERS["bosun"], rights)
        if kind.helper:
            program = tmp_path / "bin" / "docker-credential-safe"
            program.parent.mkdir()
            answer = json.dumps({"ServerURL": host, "Username": "bosun", "Secret": PASSWORD})
            program.write_text(f"#!/bin/sh\nprintf '%s' '{answer}'\n")
            program.chmod(0o755)
            shop.docker_config(credHelpers={host: "safe"})
            shop.env["PATH"] = f"{program.parent}:/usr/bin:/bin"
        else:
            shop.docker_config(auths={host: kind.entry})
        return shop

    return make


def secrets(shop: Bench) -> list[str]:
    """As they are and as they travel: the user's own and all that were issued."""
    gate = shop.registry.gate
    own = [PASSWORD, IDENTITY, READY, *gate._tokens, *gate._refresh_tokens]
    travelling = [
        basic_entry(PASSWORD),
        basic_entry(IDENTITY),
        base64.b64encode(f"<token>:{IDENTITY}".encode()).decode(),
    ]
    own += [urllib.parse.quote(each, safe="") for each in own] + [json.dumps(each)[1:-1] for each in own]
    own += [html.escape(each) for each in own] + [go_json(each) for each in own]
    own += [urllib.parse.quote(each, safe="") for each in travelling]
    return sorted({*own, *travelling})


def go_json(text: str) -> str:
    """As Go's encoding/json writes it."""
    said = json.dumps(text, ensure_ascii=False)[1:-1]
    return said.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def written(shop: Bench, *others: Path) -> Iterator[tuple[str, bytes]]:
    for folder in (shop.home, shop.project, *others):
        for file in folder.rglob("*") if folder.is_dir() else [folder]:
            if file.is_file() and file.name != "config.json" and not file.name.startswith("docker-credential"):
                yield str(file), file.read_bytes()


def leaks(shop: Bench, runs: list[Ran], *places: Path) -> list[str]:
    texts = [(f"run {number}", (ran.out + ran.err).encode()) for number, ran in enumerate(runs)]
    texts += written(shop, *places)
    return [f"{name}: {secret}" for name, text in texts for secret in secrets(shop) if secret.encode() in text]


def test_success_leaves_no_trace(guarded: Callable[[Kind], Bench], kind: Kind, tmp_path: Path) -> None:
    shop = guarded(kind)
    plan = tmp_path / "plan.json"
    runs = [
        shop.cleanup("--plan-out", str(plan), "--log-debug"),
        shop.cleanup("--dry-run", "--output=json"),
        shop.cleanup(*JSON_LOG),
        shop.run("runs"),
    ]
    assert [ran.code for ran in runs] == [0, 0, 0, 0], runs
    assert any(request.authorization for request in shop.registry.requests)
    assert len(shop.contents()["shop/app/front"][0]) == 3
    assert leaks(shop, runs, plan) == []


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/tags/list", 403),
        ("HEAD", "/manifests/", 403),
        ("GET", "/manifests/", 400),
        ("GET", "/blobs/", 500),
        ("DELETE", "/manifests/", 403),
        ("DELETE", "/manifests/", 500),
        ("GET", "/v2/", 401),
        ("GET", "/token", 401),
        ("POST", "/token", 401),
        ("GET", "/token", 500),
    ],
)
def test_a_server_that_repeats_what_it_was_told(
    guarded: Callable[[Kind], Bench], kind: Kind, method: str, target: str, status: int
) -> None:
    """As a debugging proxy does, in an error's text."""
    shop = guarded(kind)
    usual = shop.registry.answer
    repeated: list[str] = []

    def answer(request: Incoming) -> Reply:
        if request.method != method or target not in request.target:
            return usual(request)
        said = request.headers.get("Authorization", "")
        if said.startswith("Basic "):
            said += f" {base64.b64decode(said[6:]).decode()}"
        repeated.append(f"{said} {urllib.parse.unquote(request.body.decode())}")
        return json_reply({"errors": [{"code": "DENIED", "message": f"you said {repeated[-1]}"}]}, status=status)

    with mock.patch.object(shop.registry, "answer", answer):
        runs = [shop.cleanup("--log-debug"), shop.cleanup("--output=json", *JSON_LOG)]
    assert not repeated or all(ran.code in (1, 3) for ran in runs), runs
    assert leaks(shop, runs) == []


@pytest.mark.parametrize("form", ["raw", "Go's JSON", "base64", "percent of base64", "HTML"])
def test_a_server_that_repeats_it_in_a_form_of_its_own(guarded: Callable[[Kind], Bench], kind: Kind, form: str) -> None:
    """In the scope of its challenge, and in the text of its refusal."""
    shop = guarded(kind)
    usual = shop.registry.answer

    def answer(request: Incoming) -> Reply:
        given = request.headers.get("Authorization", "")
        if not given or "/tags/list" not in request.target:
            return usual(request)
        coded = given.partition(" ")[2]
        decoded = base64.b64decode(coded).decode() if given.startswith("Basic ") else coded
        said = {
            "raw": decoded,
            "Go's JSON": go_json(decoded),
            "base64": coded,
            "percent of base64": urllib.parse.quote(coded, safe=""),
            "HTML": html.escape(decoded),
        }[form]
        quoted = said.replace("\\", "\\\\").replace('"', '\\"')
        scheme = given.partition(" ")[0]
        challenge = f'{scheme} realm="{shop.registry.url}/token",service="embedded",scope="{quoted}"'
        errors = [{"code": "UNAUTHORIZED", "message": f"not {said}"}]
        return json_reply({"errors": errors}, status=401, headers={"WWW-Authenticate": challenge})

    with mock.patch.object(shop.registry, "answer", answer):
        runs = [shop.cleanup("--log-debug"), shop.cleanup("--output=json", *JSON_LOG)]
    assert [ran.code for ran in runs] == [3, 3], runs
    assert "***" in runs[0].err
    assert leaks(shop, runs) == []


def test_a_wrong_secret_is_not_shown(guarded: Callable[[Kind], Bench], kind: Kind) -> None:
    shop = guarded(kind)
    shop.registry.gate._refresh_tokens.clear()
    shop.registry.gate._tokens.clear()
    users = shop.registry.gate._auth.users  # type: ignore[union-attr]
    shop.registry.gate._auth = type(kind.auth)({name: User("changed meanwhile") for name in users})
    runs = [shop.cleanup("--log-debug"), shop.cleanup("--output=json", *JSON_LOG)]
    assert [ran.code for ran in runs] == [3, 3], runs
    assert leaks(shop, runs) == []


def test_a_password_in_a_git_remote(open_bench: Open) -> None:
    shop = open_bench()
    tiny_project(shop.project, shop.registry.storage, now=now())
    url = f"http://deploy:{urllib.parse.quote(PASSWORD, safe='')}@127.0.0.1:1/shop.git"
    subprocess.run(["git", "-C", str(shop.project), "remote", "add", "origin", url], check=True)
    runs = [shop.cleanup("--git-history-synchronization", "--log-debug"), shop.cleanup("--dry-run", "--output=json")]
    runs.append(shop.cleanup("--git-history-synchronization", "--output=json"))
    assert [ran.code for ran in runs] == [3, 0, 3], runs
    for ran in runs:
        for part in (PASSWORD, "hunter2"):
            assert part not in ran.out + ran.err
    stored = [name for name, text in written(shop) if b"hunter2" in text]
    assert stored == [str(shop.project / ".git" / "config")]


@pytest.mark.parametrize("where", ["/blobs/", "/manifests/sha256", "/tags/list"])
def test_a_redirect_to_another_server_goes_without(
    guarded: Callable[[Kind], Bench], open_bench: Open, kind: Kind, where: str
) -> None:
    shop, stranger = guarded(kind), open_bench()
    shop.registry.faults.add(Fault("GET|HEAD", where, redirect(f"{stranger.registry.url}/v2/x"), times=None))
    assert shop.cleanup().code in (0, 1, 3)
    assert_ignorant(stranger.registry)
    assert stranger.registry.requests


def test_a_link_to_another_server_is_not_followed_with_a_credential(
    guarded: Callable[[Kind], Bench], open_bench: Open, kind: Kind
) -> None:
    shop, stranger = guarded(kind), open_bench()
    link = f'<{stranger.registry.url}/v2/shop/stages/tags/list?last=x>; rel="next"'
    shop.registry.faults.add(always("/shop/stages/tags/list", 200, b'{"tags": ["a"]}', Link=link))
    assert shop.cleanup().code == 3
    assert_ignorant(stranger.registry)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_realm_on_another_host_gets_nothing(
    guarded: Callable[[Kind], Bench], open_bench: Open, kind: Kind, scheme: str
) -> None:
    shop, stranger = guarded(kind), open_bench()
    realm = f"{scheme}://localhost:{stranger.registry.port}/token"
    challenge = f'Bearer realm="{realm}",service="embedded",scope="repository:shop/stages:pull"'
    shop.registry.faults.add(always("/shop/", 401, method=".*", WWW_Authenticate=challenge))
    ran = shop.cleanup()
    assert ran.code == 3
    assert_ignorant(stranger.registry)
    if "registrytoken" not in kind.entry:
        assert "localhost" in ran.message
        assert stranger.registry.requests == []


def assert_ignorant(stranger: EmbeddedRegistry) -> None:
    assert [request.authorization for request in stranger.requests if request.authorization] == []
    assert not [request.path for request in stranger.requests if "hunter2" in urllib.parse.unquote(request.path)]
