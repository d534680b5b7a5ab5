"""Rights, rate limits, faults and the record of requests of the embedded registry."""

import base64
from typing import Any

import aiohttp
import anyio
import pytest

from holystone.embedded.access import Basic, TokenService, User
from holystone.embedded.faults import Answer, Drop, Fault, Hang, Truncate, redirect
from holystone.embedded.limits import RateLimit
from holystone.embedded.quirks import OCI, ZOT, Quirks
from holystone.embedded.recording import RecordedRequest
from holystone.embedded.server import EmbeddedRegistry
from tests.support.http import Client, Got, client

NOWHERE = "sha256:" + "0" * 64
READER = User("read", {"team/*": frozenset({"pull"})})
ADMIN = User("all")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


async def token(to: Client, query: str, user: str = "", password: str = "") -> Got:
    return await to.send("GET", f"/token?service=embedded&{query}", headers=basic(user, password) if user else {})


async def use(to: Client, method: str, path: str, bearer: str) -> Got:
    return await to.send(method, path, headers={"Authorization": f"Bearer {bearer}"})


async def test_basic_authentication(push: Any) -> None:
    async with EmbeddedRegistry(auth=Basic({"a": ADMIN, "r": READER})) as registry, client(registry.url) as to:
        got = await to.send("GET", "/v2/")
        assert (got.status, got.code, got.headers["WWW-Authenticate"]) == (
            401,
            "UNAUTHORIZED",
            'Basic realm="Registry Realm"',
        )
        assert (await to.send("GET", "/v2/", headers=basic("a", "wrong"))).status == 401
        for nonsense in ("", "?", "w6Q", "\u00e4", "gICA", basic("a", "all")["Authorization"][6:-1]):
            assert (await to.send("GET", "/v2/", headers={"Authorization": f"Basic {nonsense}"})).status == 401
        assert (await to.send("GET", "/v2/", headers=basic("a", "all"))).status == 200
        got = await to.send("DELETE", f"/v2/team/app/manifests/{NOWHERE}", headers=basic("r", "read"))
        assert (got.status, got.code) == (403, "DENIED")


async def test_the_challenge_names_realm_service_and_scope() -> None:
    async with EmbeddedRegistry(auth=TokenService({})) as registry, client(registry.url) as to:
        got = await to.send("DELETE", f"/v2/team/app/manifests/{NOWHERE}")
        assert got.headers["WWW-Authenticate"] == (
            f'Bearer realm="{registry.url}/token",service="embedded",scope="repository:team/app:delete"'
        )


async def test_where_the_scope_is_given_a_token_has_all_that_its_user_may() -> None:
    auth = TokenService({"r": READER}, scope="*")
    async with EmbeddedRegistry(auth=auth) as registry, client(registry.url) as to:
        got = await to.send("GET", "/v2/")
        assert got.headers["WWW-Authenticate"].endswith(',scope="*"')
        bearer = (await token(to, "scope=repository:other:pull", "r", "read")).json["token"]
        assert (await use(to, "GET", "/v2/team/app/tags/list", bearer)).code == "NAME_UNKNOWN"
        assert (await use(to, "GET", "/v2/other/tags/list", bearer)).code == "UNAUTHORIZED"
        assert (await use(to, "DELETE", f"/v2/team/app/manifests/{NOWHERE}", bearer)).code == "UNAUTHORIZED"


async def test_a_token_grants_a_subset_and_the_rest_fails_at_use() -> None:
    async with EmbeddedRegistry(auth=TokenService({"r": READER})) as registry, client(registry.url) as to:
        got = await token(to, "scope=repository:team/app:pull,delete&scope=repository:other:pull", "r", "read")
        assert (got.status, got.json["expires_in"], got.json["token"] == got.json["access_token"]) == (200, 60, True)
        bearer = got.json["token"]
        assert (await use(to, "GET", "/v2/", bearer)).status == 200
        assert (await use(to, "GET", "/v2/team/app/tags/list", bearer)).code == "NAME_UNKNOWN"
        for method, path in (("DELETE", f"/v2/team/app/manifests/{NOWHERE}"), ("GET", "/v2/other/tags/list")):
            refused = await use(to, method, path, bearer)
            assert refused.status == 401
            assert 'error="insufficient_scope"' in refused.headers["WWW-Authenticate"]
        assert (await token(to, "", "r", "wrong")).status == 401


async def test_zot_denies_with_403_what_a_token_does_not_grant() -> None:
    auth = TokenService({"r": READER})
    async with EmbeddedRegistry(quirks=ZOT, auth=auth) as registry, client(registry.url) as to:
        bearer = (await token(to, "scope=repository:team/app:pull,delete", "r", "read")).json["token"]
        got = await use(to, "DELETE", f"/v2/team/app/manifests/{NOWHERE}", bearer)
        assert (got.status, got.code) == (403, "DENIED")


async def test_tokens_expire() -> None:
    clock = Clock()
    auth = TokenService({"a": ADMIN}, expires_in=30)
    async with EmbeddedRegistry(auth=auth, clock=clock) as registry, client(registry.url) as to:
        bearer = (await token(to, "scope=registry:catalog:*", "a", "all")).json["token"]
        assert (await use(to, "GET", "/v2/_catalog", bearer)).status == 200
        clock.now += 30
        got = await use(to, "GET", "/v2/_catalog", bearer)
        assert 'error="invalid_token"' in got.headers["WWW-Authenticate"]


async def test_refresh_tokens_and_the_anonymous_user() -> None:
    auth = TokenService({"a": ADMIN, "": READER})
    async with EmbeddedRegistry(auth=auth) as registry, client(registry.url) as to:
        bearer = (await token(to, "scope=repository:team/x:pull")).json["token"]
        assert (await use(to, "GET", "/v2/team/x/tags/list", bearer)).status == 404
        refresh = (await token(to, "offline_token=true", "a", "all")).json["refresh_token"]
        form = f"grant_type=refresh_token&refresh_token={refresh}&scope=repository:b:pull repository:c:delete"
        got = await to.send("POST", "/token", body=form.encode())
        assert (await use(to, "DELETE", f"/v2/c/manifests/{NOWHERE}", got.json["token"])).code == "MANIFEST_UNKNOWN"


async def test_the_rate_limit_says_when_to_come_back() -> None:
    clock = Clock()
    limit = RateLimit(requests=2, window=10)
    async with EmbeddedRegistry(rate_limit=limit, clock=clock) as registry, client(registry.url) as to:
        assert [(await to.send("GET", "/v2/")).status for _ in range(3)] == [200, 200, 429]
        clock.now += 7.5
        got = await to.send("GET", "/v2/")
        assert (got.status, got.code, got.headers["Retry-After"]) == (429, "TOOMANYREQUESTS", "3")
        clock.now += 2.5
        assert (await to.send("GET", "/v2/")).status == 200


async def test_a_scripted_answer_comes_for_the_nth_match_only() -> None:
    faults = (Fault("GET", "/v2/$", Answer(503, b"<html>busy</html>", {"Retry-After": "1"}), nth=2, times=2),)
    async with EmbeddedRegistry(faults=faults) as registry, client(registry.url) as to:
        assert [(await to.send("GET", "/v2/")).status for _ in range(4)] == [200, 503, 503, 200]
        registry.faults.add(Fault("GET|HEAD", "tags/list", redirect("http://elsewhere.example/"), times=None))
        got = await to.send("GET", "/v2/app/tags/list?n=1")
        assert (got.status, got.headers["Location"]) == (307, "http://elsewhere.example/")


async def test_a_truncated_body(push: Any) -> None:
    async with EmbeddedRegistry() as registry, client(registry.url) as to:
        await push.image(to, "app", "a")
        registry.faults.add(Fault("GET", "tags/list", Truncate(keep=5)))
        with pytest.raises(aiohttp.ClientPayloadError):
            await to.send("GET", "/v2/app/tags/list")
        assert (await to.send("GET", "/v2/app/tags/list")).json["tags"] == ["a"]


@pytest.mark.parametrize("handled", [True, False])
async def test_a_dropped_connection_before_or_after_the_work(handled: bool, push: Any) -> None:
    async with EmbeddedRegistry() as registry, client(registry.url) as to:
        body = await push.image(to, "app", "a")
        # Twice, because aiohttp by itself repeats an idempotent request whose kept-alive connection was closed.
        registry.faults.add(Fault("DELETE", "manifests", Drop(after_handling=handled), times=2))
        with pytest.raises(aiohttp.ClientError):
            await to.send("DELETE", f"/v2/app/manifests/{push.digest(body)}")
        assert (registry.storage.find("app", "a") is None) is handled
        assert registry.requests[-1].status == 0


async def test_a_hanging_request_ends_with_the_registry() -> None:
    async with EmbeddedRegistry(faults=(Fault("GET", "hang", Hang()),)) as registry, client(registry.url) as to:
        with anyio.move_on_after(0.05) as scope:
            await to.send("GET", "/v2/hang/tags/list")
        assert scope.cancelled_caught
        assert [each.path for each in registry.requests] == ["/v2/hang/tags/list"]


async def test_requests_are_counted_and_concurrency_is_seen(push: Any) -> None:
    together = anyio.Event()
    waiting = 0

    async def meet(_request: RecordedRequest) -> None:
        nonlocal waiting
        waiting += 1
        if waiting == 3:
            together.set()
        await together.wait()

    async with EmbeddedRegistry(quirks=OCI, latency=meet) as registry, client(registry.url) as to:
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(to.send, "HEAD", "/v2/app/manifests/a")
        assert registry.counts == {"HEAD manifest": 3}
        assert registry.recording.peak == 3
        assert {each.status for each in registry.requests} == {404}


async def test_two_registries_live_side_by_side() -> None:
    async with EmbeddedRegistry() as one, EmbeddedRegistry(quirks=Quirks()) as other:
        assert one.port != other.port
        assert repr(one) == f"<EmbeddedRegistry {one.host} <Storage 0 repositories, 0 blobs>, 0 requests>"


async def test_a_password_may_hold_any_letter() -> None:
    auth = Basic({"bosun": User("schrubbt-über-è")})
    async with EmbeddedRegistry(auth=auth) as registry, client(registry.url) as http:
        for password, status in (("schrubbt-über-è", 200), ("schrubbt-uber-e", 401), ("é", 401)):
            login = base64.b64encode(f"bosun:{password}".encode()).decode()
            assert (await http.send("GET", "/v2/", headers={"Authorization": f"Basic {login}"})).status == status
