"""Challenges answered: who gets a token, how often, and what happens if it does not help."""

import base64
import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import anyio
import anyio.lowlevel
import pytest
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from holystone.adapters.credentials.credential import (
    Anonymous,
    Credential,
    IdentityToken,
    RegistryToken,
    UserPassword,
)
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.http import authorizer, tokens
from holystone.adapters.http.authorization import Authorization, bearer
from holystone.adapters.http.authorizer import Authorizer
from holystone.adapters.http.reply import Reply
from holystone.adapters.http.tokens import DEFAULT_LIFETIME, Key, Tokens, _lifetime, _seconds
from holystone.adapters.http.wire import Wire
from holystone.engine.errors import IncompleteSource, RegistryFailure, Unauthorized
from tests.http.conftest import Client, Connect, until
from tests.support.http_site import Site, site
from tests.support.token_registry import BASIC, PASSWORD, USER, TokenRegistry

ROB = UserPassword(USER, Secret(PASSWORD), "auths in ~/.docker/config.json")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def opened(
    connect: Connect, registry: TokenRegistry, credential: Credential = ROB, **more: Any
) -> AsyncIterator[tuple[Site, Client]]:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(site(registry.handle))
        yield server, await stack.enter_async_context(connect(server.host, credential, **more))


@pytest.mark.parametrize("name", ["token", "access_token"])
async def test_a_token_is_fetched_once_and_sent_with_the_scope_that_was_asked(connect: Connect, name: str) -> None:
    async with opened(connect, TokenRegistry(field_name=name)) as (server, client):
        for _ in range(3):
            assert (await client.get()).status == 200
        (fetched,) = server.to("/token")
        assert fetched.path == (
            "/token?keep=me&service=reg&scope=repository:a/b:pull,delete&client_id=holystone&account=rob"
        )
        assert fetched.authorization == BASIC
        assert [seen.authorization for seen in server.to("/v2")] == ["", *["Bearer token-number-1"] * 3]


async def test_without_credential_an_anonymous_token_is_fetched(connect: Connect) -> None:
    async with opened(connect, TokenRegistry(), Anonymous()) as (server, client):
        assert (await client.get()).status == 200
        assert [seen.authorization for seen in server.to("/token")] == [""]


async def test_several_scopes_are_asked_one_by_one(connect: Connect) -> None:
    async with opened(connect, TokenRegistry()) as (server, client):
        await client.get(scope="repository:a/b:pull repository:c/d:pull")
        assert "scope=repository:a/b:pull&scope=repository:c/d:pull" in server.to("/token")[0].path


async def test_fifty_at_once_make_one_token_request(connect: Connect) -> None:
    registry = TokenRegistry(delay=0.02)
    async with opened(connect, registry) as (server, client), anyio.create_task_group() as group:
        for _ in range(50):
            group.start_soon(client.get)
    assert registry.issued == 1
    assert len(server.to("/token")) == 1


async def test_fifty_whose_token_was_revoked_make_one_token_request(connect: Connect) -> None:
    registry = TokenRegistry()
    async with opened(connect, registry) as (server, client):
        await client.get()
        registry.revoked.add("token-number-1")
        registry.delay = 0.02
        async with anyio.create_task_group() as group:
            for _ in range(50):
                group.start_soon(client.get)
        assert len(server.to("/token")) == 2


async def test_a_failing_token_server_is_not_asked_by_everyone_in_turn(connect: Connect) -> None:
    registry = TokenRegistry(delay=0.02, fail=[403] * 100)
    refused = 0

    async def get(client: Client) -> None:
        nonlocal refused
        with pytest.raises(Unauthorized):
            await client.get()
        refused += 1

    async with opened(connect, registry) as (server, client):
        async with anyio.create_task_group() as group:
            for _ in range(50):
                group.start_soon(get, client)
        assert refused == 50
        assert len(server.to("/token")) <= 2  # whoever came after the first answer may try again


async def test_a_token_is_renewed_before_it_expires(connect: Connect) -> None:
    clock, registry = Clock(), TokenRegistry(expires_in=300)
    async with opened(connect, registry, clock=clock) as (_, client):
        await client.get()
        clock.now += 284
        await client.get()
        assert registry.issued == 1
        clock.now += 2
        await client.get()
        assert registry.issued == 2


@pytest.mark.parametrize("said", [None, 0, -5, "soon", 1e30])
async def test_without_a_sensible_lifetime_it_is_a_minute(connect: Connect, said: object) -> None:
    clock, registry = Clock(), TokenRegistry(expires_in=said)
    async with opened(connect, registry, clock=clock) as (_, client):
        await client.get()
        clock.now += 44
        await client.get()
        assert registry.issued == 1
        clock.now += 2
        await client.get()
        assert registry.issued == 2


@pytest.mark.parametrize(("now", "seconds"), [(1900, 3600), (None, 4500), (500, 4500), (9000, 4500)])
def test_a_token_that_is_dated_back_lives_from_now_on(now: int | None, seconds: int) -> None:
    """As Azure's: `iat` lies 15 minutes back. A clock that is before or after the token is not believed."""
    assert _lifetime({"iat": 1000, "exp": 5500}, now) == seconds


@pytest.mark.parametrize("end", [10**400, -(10**400), "1e999", True, [5500]], ids=lambda each: f"{each!r:.9}")
def test_a_token_that_says_nonsense_says_nothing_of_its_life(end: object) -> None:
    """A number in JSON may be too large for any clock."""
    assert _seconds(_lifetime({"iat": 1000, "exp": end}, 1000)) == DEFAULT_LIFETIME


async def test_a_token_that_expired_in_the_middle_of_a_run_is_replaced_once(connect: Connect) -> None:
    registry = TokenRegistry()
    async with opened(connect, registry) as (server, client):
        await client.get()
        registry.revoked.add("token-number-1")
        assert (await client.get()).status == 200
        assert len(server.to("/token")) == 2
        assert len(server.to("/v2")) == 4


async def test_a_second_refusal_is_final(connect: Connect) -> None:
    registry = TokenRegistry(revoked={f"token-number-{n}" for n in range(9)})
    async with opened(connect, registry) as (server, client):
        with pytest.raises(Unauthorized, match="refuses user 'rob'"):
            await client.get()
        assert len(server.to("/v2")) == 2
        assert registry.issued == 1


async def test_a_missing_right_is_named_with_the_origin_of_the_credential(connect: Connect) -> None:
    registry = TokenRegistry(grants="pull")
    async with opened(connect, registry) as (server, client):
        await client.get()
        sent = len(server.to("/v2"))
        with pytest.raises(Unauthorized, match="repository:a/b:delete") as caught:
            await client.send("DELETE", "/v2/a/b/manifests/x")
        assert "auths in ~/.docker/config.json" in str(caught.value)
        assert len(server.to("/v2")) == sent + 1  # the token was fresh: another one would not help
        assert registry.issued == 1
        reply = await client.send("DELETE", "/v2/a/b/manifests/x", final=(401,))
        assert reply.status == 401


async def test_a_scope_that_the_registry_asks_on_top_is_asked_from_then_on(connect: Connect) -> None:
    registry = TokenRegistry()
    async with opened(connect, registry) as (_, client):
        await client.get(scope="repository:a/b:push")
        assert registry.scopes == {"token-number-1": "repository:a/b:push repository:a/b:pull"}
        await client.get(scope="repository:a/b:push")
        assert registry.issued == 1


async def test_token_servers_are_tried_again_and_throttle_like_any_other(connect: Connect) -> None:
    registry = TokenRegistry(fail=[503])
    async with opened(connect, registry) as (_, client):
        assert (await client.get()).status == 200
    async with opened(connect, TokenRegistry(fail=[429, 429])) as (_, client):
        with pytest.raises(IncompleteSource, match="429"):
            await client.get()


async def test_a_wrong_password_names_where_it_comes_from_and_not_what_it_is(connect: Connect) -> None:
    wrong = UserPassword("rob", Secret("wrong-password"), "credHelpers in ~/.docker/config.json")
    async with opened(connect, TokenRegistry(), wrong) as (server, client):
        with pytest.raises(Unauthorized, match=r"user 'rob' \(credHelpers in ~/.docker/config.json\)") as caught:
            await client.get()
        sent = server.to("/token")[0].authorization.removeprefix("Basic ")
        assert sent not in str(caught.value)  # which the server repeats in its reply
        assert "no such login: Basic ***" in str(caught.value)


async def test_nonsense_from_the_token_server_is_a_failure(connect: Connect) -> None:
    async def handle(request: web.Request) -> web.Response:
        if request.path == "/token":
            return web.Response(text='{"token": 5, "secret-looking": "abc"}')
        return web.Response(status=401, headers={"WWW-Authenticate": f'Bearer realm="http://{request.host}/token"'})

    async with site(handle) as server, connect(server.host) as client:
        with pytest.raises(RegistryFailure, match="without a token") as caught:
            await client.get()
        assert "secret-looking" not in str(caught.value)


@pytest.mark.parametrize("token", [r"two\nlines", r"a\u0000b", r"\u200b"])
async def test_a_token_that_goes_into_no_header_is_the_token_servers_fault(connect: Connect, token: str) -> None:
    """Of the user's own credential it is said where it comes from."""

    async def handle(request: web.Request) -> web.Response:
        if request.path == "/token":
            return web.Response(text=f'{{"token": "{token}"}}')
        return web.Response(status=401, headers={"WWW-Authenticate": f'Bearer realm="http://{request.host}/token"'})

    async with site(handle) as server, connect(server.host) as client:
        with pytest.raises(RegistryFailure, match=f"^The token server {server.host} gives a token that goes into no"):
            await client.get()


IDENTITY = IdentityToken(Secret("identity-secret"), "credsStore in ~/.docker/config.json")


async def test_an_identity_token_is_posted(connect: Connect) -> None:
    async with opened(connect, TokenRegistry(post=True), IDENTITY) as (server, client):
        await client.get()
        (posted,) = server.to("/token")
        assert posted.authorization == ""
        assert parse_qs(posted.body.decode()) == {
            "grant_type": ["refresh_token"],
            "service": ["reg"],
            "client_id": ["holystone"],
            "refresh_token": ["identity-secret"],
            "scope": ["repository:a/b:pull,delete"],
        }


async def test_an_identity_token_falls_back_to_get(connect: Connect) -> None:
    credential = IdentityToken(Secret(PASSWORD), "auths", USER)
    async with opened(connect, TokenRegistry(), credential) as (server, client):
        assert (await client.get()).status == 200
        assert [seen.method for seen in server.to("/token")] == ["POST", "GET"]


async def test_a_registry_token_is_sent_as_it_is_and_never_to_a_token_server(connect: Connect) -> None:
    registry = TokenRegistry(scopes={"ready": ""})
    async with opened(connect, registry, RegistryToken(Secret("ready"), "auths")) as (server, client):
        assert (await client.get()).status == 200
        registry.revoked.add("ready")
        with pytest.raises(Unauthorized):
            await client.get()
        assert server.to("/token") == []


def basic_registry(password: str) -> Any:
    async def handle(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") == password:
            return web.Response(text="ok")
        return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="reg"'})

    return handle


async def test_basic_is_learned_and_then_sent_at_once(connect: Connect) -> None:
    async with site(basic_registry(BASIC)) as server, connect(server.host, ROB) as client:
        await client.get()
        await client.get()
        assert [seen.authorization for seen in server.seen] == ["", BASIC, BASIC]
    async with site(basic_registry(BASIC)) as server, connect(server.host, ROB, preemptive=True) as client:
        await client.get()
        assert [seen.authorization for seen in server.seen] == [BASIC]


async def test_basic_that_is_refused_is_not_sent_again(connect: Connect) -> None:
    async with site(basic_registry("else")) as server, connect(server.host, ROB) as client:
        with pytest.raises(Unauthorized, match="refuses user 'rob'"):
            await client.get()
        assert [seen.authorization for seen in server.seen] == ["", BASIC]


async def test_without_credential_the_message_says_how_to_log_in(connect: Connect) -> None:
    nobody = Anonymous("there is none for x in ~/.docker/config.json")
    async with site(basic_registry(BASIC)) as server, connect(server.host, nobody) as client:
        with pytest.raises(Unauthorized, match="there is none for x") as caught:
            await client.get()
        assert "docker login" in caught.value.what_to_do


async def test_a_helpers_short_lived_password_is_asked_for_again(connect: Connect) -> None:
    asked: list[Credential] = []
    old = UserPassword(USER, Secret("old-password"), "credHelpers")

    async def refresh(refused: Credential) -> Credential:
        asked.append(refused)
        return ROB

    async with site(basic_registry(BASIC)) as server, connect(server.host, old, preemptive=True, refresh=refresh) as c:
        assert (await c.get()).body == b"ok"
    async with opened(connect, TokenRegistry(), old, refresh=refresh) as (_, client):
        assert (await client.get()).status == 200
    assert asked == [old, old]


@pytest.mark.parametrize(("now", "sent"), [(99.0, "old"), (100.0, "new"), (101.0, "new")])
async def test_a_password_that_says_when_it_ends_is_renewed_before_it_is_sent(
    connect: Connect, now: float, sent: str
) -> None:
    async def refresh(_: Credential) -> Credential:
        return UserPassword(USER, Secret("new-password"), "credHelpers")

    old = UserPassword(USER, Secret("old-password"), "credHelpers", renew_at=100.0)
    more = {"preemptive": True, "refresh": refresh, "clock": lambda: now}
    async with site(basic_registry("none")) as server, connect(server.host, old, **more) as client:
        with pytest.raises(Unauthorized):
            await client.get()
        first = server.seen[0].authorization.removeprefix("Basic ")
        assert base64.b64decode(first).decode() == f"{USER}:{sent}-password"


async def test_a_401_that_does_not_say_how_to_log_in_is_told_no_password(connect: Connect) -> None:
    async def handle(_: web.Request) -> web.Response:
        return web.Response(status=401)

    async with site(handle) as server, connect(server.host, ROB) as client:
        with pytest.raises(Unauthorized, match="refuses user 'rob'"):
            await client.get()
        assert [seen.authorization for seen in server.seen] == [""]


async def test_who_was_not_asked_for_a_token_has_none_that_grants_something(connect: Connect) -> None:
    async with opened(connect, TokenRegistry()) as (server, client):
        assert await client.http.granted("repository:a/b:pull", lane=client.lane) == {}
        assert server.seen == []


async def test_what_would_be_granted_cannot_be_told_where_the_token_server_fails(connect: Connect) -> None:
    registry = TokenRegistry()
    async with opened(connect, registry) as (_, client):
        await client.get()
        registry.fail = [503] * 9
        with pytest.raises(IncompleteSource, match="503"):
            await client.http.granted("repository:other:pull", lane=client.lane)


async def test_what_would_be_granted_is_asked_for_again_where_the_token_server_stumbles(connect: Connect) -> None:
    registry = TokenRegistry()
    async with opened(connect, registry) as (server, client):
        await client.get()
        registry.fail = [503]
        asked = len(server.to("/token"))
        await client.http.granted("repository:other:pull", lane=client.lane)
        assert len(server.to("/token")) == asked + 2


@pytest.mark.parametrize(("credential", "refused"), [(ROB, True), (Anonymous(), False)])
async def test_a_token_server_of_somebody_else_sees_no_credential_over_https_either(
    credential: Credential, refused: bool
) -> None:
    asked: list[Key] = []

    class Recording(Tokens):
        async def get(self, key: Key, *_: object, **__: object) -> Authorization:
            asked.append(key)
            return bearer(Secret("anonymous-token"))

    registry = URL("https://registry.example")
    headers = CIMultiDictProxy(CIMultiDict({"WWW-Authenticate": 'Bearer realm="https://elsewhere.test/token"'}))
    authorizer = Authorizer(registry, credential, Recording(Wire(connections=1), classify=lambda _: None))
    answer = authorizer.again("repository:a:pull", None, Reply(401, headers, b"", registry, registry))
    if refused:
        with pytest.raises(Unauthorized, match="on another domain"):
            await answer
    else:
        await answer
    assert bool(asked) is not refused


@pytest.mark.parametrize("asked", ["Basic realm=x", "Negotiate"])
async def test_who_has_no_password_is_refused_where_one_is_wanted(asked: str) -> None:
    registry = URL("https://registry.example")
    headers = CIMultiDictProxy(CIMultiDict({"WWW-Authenticate": asked}))
    authorizer = Authorizer(registry, Anonymous(), Tokens(Wire(connections=1), classify=lambda _: None))
    with pytest.raises(Unauthorized, match="docker login") as caught:
        await authorizer.again("repository:a:pull", None, Reply(401, headers, b"", registry, registry))
    assert "registry.example refuses anonymous access" in caught.value.message


async def test_a_cancelled_token_request_leaves_the_place_to_the_next(connect: Connect) -> None:
    registry = TokenRegistry(hold=anyio.Event())
    async with opened(connect, registry) as (server, client):
        async with anyio.create_task_group() as group:
            group.start_soon(client.get)
            await until(lambda: server.to("/token"))
            group.cancel_scope.cancel()
        assert registry.hold
        registry.hold.set()
        with anyio.fail_after(5):
            assert (await client.get()).status == 200
        assert client.lane.in_flight == 0


async def test_when_the_leader_is_cancelled_a_waiter_takes_over(connect: Connect) -> None:
    registry = TokenRegistry(hold=anyio.Event())
    leader = anyio.CancelScope()
    statuses: list[int] = []
    async with opened(connect, registry) as (server, client):

        async def lead() -> None:
            with leader:
                await client.get()

        async def follow() -> None:
            statuses.append((await client.get()).status)

        async with anyio.create_task_group() as group:
            group.start_soon(lead)
            await until(lambda: server.to("/token"))
            group.start_soon(follow)
            group.start_soon(follow)
            await until(lambda: client.lane.in_flight == 3)
            leader.cancel()
            await until(lambda: len(server.to("/token")) == 2)
            assert registry.hold
            registry.hold.set()
        assert statuses == [200, 200]
        assert len(server.to("/token")) == 2


@pytest.mark.parametrize("awaits", range(1, 30, 2))
async def test_cancelled_at_any_await_nothing_stays_held(connect: Connect, awaits: int) -> None:
    """Cancels after so many turns of the loop: in the queue, while connecting, waiting, fetching the token."""
    async with opened(connect, TokenRegistry()) as (_, client):
        with anyio.fail_after(2):
            async with anyio.create_task_group() as group:
                group.start_soon(client.get)
                group.start_soon(client.get)
                for _ in range(awaits):
                    await anyio.lowlevel.checkpoint()
                group.cancel_scope.cancel()
            assert (await client.get()).status == 200
        assert (client.lane.in_flight, client.lane.queued) == (0, 0)


CLAIMS = base64.urlsafe_b64encode(b'{"a":[' + b"{}," * 1_300 + b"{}]}").decode().rstrip("=")


@dataclass(slots=True)
class Moody:
    """Refuses each question once, and says each time that another token is needed."""

    another: Callable[[str, int], tuple[str, str]]
    """From its host and the number of the request to realm and scope."""
    token: str = f"a.{CLAIMS}."
    """The beginning of each."""
    asked: Counter[str] = field(default_factory=Counter)

    async def handle(self, request: web.Request) -> web.Response:
        self.asked[request.path] += 1
        if request.path == "/token":
            return web.json_response({"token": f"{self.token}{self.asked['/token']}", "expires_in": 3600})
        if self.asked[request.path] > 1:
            return web.json_response({})
        realm, scope = self.another(request.host, len(self.asked))
        return web.Response(status=401, headers={"WWW-Authenticate": f'Bearer realm="{realm}",scope="{scope}"'})


async def test_a_thousand_tokens_take_no_more_memory_than_they_are_long(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_MOST", 20, raising=False)
    moody = Moody(lambda host, number: (f"http://{host}/token?{number}", "repository:a/b:pull"))
    async with site(moody.handle) as server, connect(server.host) as client:
        tracemalloc.start()
        for number in range(60):
            await client.get(f"/v2/a/b/{number}")
        kept, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert moody.asked["/token"] >= 60
        assert kept < 3 << 20
        assert "<Tokens 20 held>" in repr(client.http._authorizer._tokens)


async def test_long_tokens_take_the_places_of_many(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """One letter that no token has makes four bytes of each."""
    monkeypatch.setattr(tokens, "_ROOM", 100_000, raising=False)
    moody = Moody(
        lambda host, number: (f"http://{host}/token?{number}", "repository:a/b:pull"), "\N{GRINNING FACE}" + "x" * 7_500
    )
    async with site(moody.handle) as server, connect(server.host) as client:
        for number in range(30):
            await client.get(f"/v2/a/b/{number}")
            await client.get(f"/v2/a/b/{number}")
        assert moody.asked["/token"] == 30
        assert "<Tokens 13 held>" in repr(client.http._authorizer._tokens)


async def test_what_thousands_of_repositories_want_besides_is_not_all_kept(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A registry of half a million names could have four thousand letters kept for each."""
    monkeypatch.setattr(authorizer, "_MOST", 20, raising=False)

    async def handle(request: web.Request) -> web.Response:
        if request.path == "/token":
            return web.json_response({"token": " ".join(request.query.getall("scope"))})
        scope = f"repository:a/{request.path.split('/')[3]}:{'x' * 3_000}"
        if scope in request.headers.get("Authorization", ""):
            return web.Response()
        challenge = f'Bearer realm="http://{request.host}/token",scope="{scope}"'
        return web.Response(status=401, headers={"WWW-Authenticate": challenge})

    async with site(handle) as server, connect(server.host) as client:
        for number in [*range(30), 0, 29]:
            for path in ("tags/list", "manifests/v1"):
                await client.get(f"/v2/a/r{number}/{path}", scope=f"repository:a/r{number}:pull")
        assert len(client.http._authorizer._widened) == 20
        assert len(server.to("/token")) == 1 + 29 * 2 + 1, "the first one is asked for what it wants once more"


async def test_a_registry_that_asks_for_more_each_time_does_not_get_it_for_ever(connect: Connect) -> None:
    moody = Moody(
        lambda host, number: (f"http://{host}/token", f"repository:a/b:{','.join(f'{number}{i}' for i in range(200))}")
    )
    async with site(moody.handle) as server, connect(server.host) as client:
        with suppress(Unauthorized):
            for number in range(30):
                await client.get(f"/v2/a/b/{number}")
        assert moody.asked["/token"]
        assert max(len(seen.path) for seen in server.to("/token")) < 6000
