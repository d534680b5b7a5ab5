"""Requests through a lane: retries, caps, faults in words."""

import gzip
import socket
import ssl
from collections.abc import Awaitable, Callable
from email.utils import formatdate

import anyio
import pytest
from aiohttp import web
from yarl import URL

from holystone.adapters.credentials.credential import UserPassword
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.http.authorization import Authorization, bearer
from holystone.adapters.http.dates import Dates
from holystone.adapters.http.faults import CutShort
from holystone.adapters.http.signer import Outgoing
from holystone.adapters.http.transport import REQUEST_TIMEOUT, Reply, base_url
from holystone.adapters.http.trust import is_loopback, is_near
from holystone.adapters.http.wire import Wire
from holystone.engine.errors import Doubtful, IncompleteSource, RegistryFailure, TooLate, Unreachable
from holystone.engine.model.references import RegistryHost
from holystone.engine.scheduler import RateHint, RateLimited, RetriesExhausted, Transient, sent_within
from tests.http.conftest import Connect
from tests.support.http_site import raw_site, site
from tests.support.scripted_site import CLOSE, Asked, Part, scripted_site


def answering(*replies: web.Response) -> Callable[[web.Request], Awaitable[web.Response]]:
    """One after the other, the last one for ever."""
    left = [(r.status, r.text, dict(r.headers)) for r in replies]

    async def handle(_: web.Request) -> web.Response:
        status, text, headers = left.pop(0) if len(left) > 1 else left[0]
        headers = {k: v for k, v in headers.items() if k.lower() not in ("content-type", "content-length")}
        return web.Response(status=status, text=text, headers=headers)

    return handle


def last_fault(error: BaseException) -> RateLimited | Transient:
    assert isinstance(error.__cause__, RetriesExhausted)
    return error.__cause__.fault


async def test_a_reply_is_returned_with_its_status_for_the_caller_to_classify(connect: Connect) -> None:
    async with site(answering(web.Response(status=404, text="gone"))) as server, connect(server.host) as client:
        reply = await client.get("/v2/a%2Fb/%78?n=1&last=%20")
        assert (reply.status, reply.body) == (404, b"gone")
        assert server.seen[0].path == "/v2/a%2Fb/%78?n=1&last=%20"
        sent = {name: server.seen[0].headers.get(name) for name in ("Accept", "Accept-Encoding", "User-Agent")}
        assert sent == {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "holystone"}
        none = {"Content-Type", "Content-Length", "Transfer-Encoding", "Connection"}
        assert not none & server.seen[0].headers.keys(), "neither a body nor a connection of its own"


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_passing_statuses_are_tried_again(connect: Connect, status: int) -> None:
    replies = answering(web.Response(status=status), web.Response(text="ok"))
    async with site(replies) as server, connect(server.host) as client:
        assert (await client.get()).body == b"ok"
        assert len(server.seen) == 2


def page(_: web.Request) -> web.Response:
    return web.Response(text="<html><body>Please log in to the guest network</body></html>", content_type="text/html")


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "PUT"])
async def test_a_page_for_people_is_no_answer_of_a_registry(connect: Connect, method: str) -> None:
    """As a hotel's network or a company's proxy shows it, in the place of what was asked for."""
    asked = 0

    async def once(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return page(request) if asked == 1 else web.Response(status=202)

    async with site(once) as server, connect(server.host) as client:
        assert (await client.send(method, "/v2/a/b/manifests/x")).status == 202
        assert len(server.seen) == 2


async def test_where_there_are_only_pages_nothing_is_read_and_nothing_done(connect: Connect) -> None:
    async def always(request: web.Request) -> web.Response:
        return page(request)

    async with site(always) as server, connect(server.host) as client:
        with pytest.raises(IncompleteSource, match="a page for people"):
            await client.get()
        with pytest.raises(RegistryFailure, match="a page for people"):
            await client.send("DELETE", "/v2/a/b/manifests/x")


@pytest.mark.parametrize("method", ["DELETE", "PUT", "HEAD"])
async def test_html_that_says_nothing_is_no_page(connect: Connect, method: str) -> None:
    """Quay's replies are of that type, without a body or with two letters (endpoints/v2/manifest.py)."""

    headers = {"Docker-Content-Digest": "sha256:" + "1" * 64, "Content-Length": "40"} if method == "HEAD" else {}

    async def empty(_: web.Request) -> web.Response:
        body = b"OK" if method == "PUT" else b""
        return web.Response(status=202, headers={"Content-Type": "text/html; charset=utf-8", **headers}, body=body)

    async with site(empty) as server, connect(server.host) as client:
        assert (await client.send(method, "/v2/a/b/manifests/x")).status == 202
        assert len(server.seen) == 1


async def test_a_body_is_sent_again_as_it_was(connect: Connect) -> None:
    replies = answering(web.Response(status=502), web.Response(status=201))
    body = b"x" * 2_000_000
    async with site(replies) as server, connect(server.host) as client:
        assert (await client.send("PUT", "/v2/a/b/manifests/t", body=body)).status == 201
        assert [seen.body for seen in server.seen] == [body, body]


async def test_a_status_named_final_is_returned_at_once(connect: Connect) -> None:
    async with site(answering(web.Response(status=500))) as server, connect(server.host) as client:
        assert (await client.get(final=(500,))).status == 500
        assert len(server.seen) == 1


async def test_what_must_not_be_sent_twice_is_not(connect: Connect) -> None:
    async with site(answering(web.Response(status=502))) as server, connect(server.host) as client:
        with pytest.raises(
            RegistryFailure, match=r"POST /up at .* failed: .* 502 Bad Gateway \(gave up after 1 attempt"
        ):
            await client.send("POST", "/up", retry=False)
        assert len(server.seen) == 1


async def test_a_read_that_fails_to_the_end_decides_nothing_and_a_write_is_a_failure(connect: Connect) -> None:
    async with site(answering(web.Response(status=502))) as server, connect(server.host) as client:
        with pytest.raises(IncompleteSource, match="502"):
            await client.get("/list?signature=hidden")
        with pytest.raises(RegistryFailure, match="502") as caught:
            await client.send("DELETE", "/x?signature=hidden")
        assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_in_seconds_reaches_the_lane(connect: Connect, status: int) -> None:
    replies = answering(web.Response(status=status, headers={"Retry-After": "7"}))
    async with site(replies) as server, connect(server.host) as client:
        with pytest.raises(IncompleteSource) as caught:
            await client.get()
        fault = last_fault(caught.value)
        assert isinstance(fault, RateLimited)
        assert fault.after == 7
        assert len(server.seen) == 1  # longer than the lane's patience


async def test_retry_after_as_a_date(connect: Connect) -> None:
    replies = answering(web.Response(status=429, headers={"Retry-After": formatdate(1_000_090, usegmt=True)}))
    async with site(replies) as server, connect(server.host, wall=lambda: 1_000_000.0) as client:
        with pytest.raises(IncompleteSource) as caught:
            await client.get()
        fault = last_fault(caught.value)
        assert isinstance(fault, RateLimited)
        assert fault.after == 90


async def test_the_vendors_own_rule_comes_first(connect: Connect) -> None:
    def classify(reply: Reply) -> RateLimited | None:
        return RateLimited("ThrottlingException", 30) if b"Throttling" in reply.body else None

    replies = answering(web.Response(status=400, text="ThrottlingException"))
    async with site(replies) as server, connect(server.host, classify=classify) as client:
        with pytest.raises(IncompleteSource, match="ThrottlingException"):
            await client.get()


async def test_the_servers_count_reaches_the_lane(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = {"X-RateLimit-Remaining": "41", "X-RateLimit-Limit": "5000", "X-RateLimit-Reset": "1000000060"}
    hints: list[RateHint] = []
    async with (
        site(answering(web.Response(headers=headers))) as server,
        connect(server.host, wall=lambda: 1_000_000_000.0) as client,
    ):
        monkeypatch.setattr(client.lane, "hint", hints.append)
        await client.get()
    assert hints == [RateHint(remaining=41, limit=5000, resets_in=60)]


async def test_azures_rate_reaches_the_lane(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    rates: list[float] = []
    said = answering(web.Response(headers={"X-Ms-Ratelimit-Remaining-Calls-Per-Second": "8.000000"}))
    async with site(said) as server, connect(server.host) as client:
        monkeypatch.setattr(client.lane, "allow", rates.append)
        await client.get()
    assert rates == [8.0]


async def test_a_storage_host_is_not_judged_by_the_vendors_rule(connect: Connect) -> None:
    judged: list[int] = []

    def classify(reply: Reply) -> None:
        judged.append(reply.status)

    async with site(answering(web.Response(status=418)), address="127.0.0.2") as there:
        replies = answering(
            web.Response(status=307, headers={"Location": f"{there.url}/blob"}), web.Response(status=404)
        )
        async with site(replies) as server, connect(server.host, classify=classify) as client:
            assert (await client.get()).status == 418
            assert (await client.get()).status == 404
    assert judged == [404]


class Numbered:
    """Signs with a number, and knows that the first one is too old."""

    def __init__(self) -> None:
        self.signed: list[Outgoing] = []

    async def sign(self, outgoing: Outgoing) -> Authorization | None:
        self.signed.append(outgoing)
        return bearer(Secret(f"signature-{len(self.signed)}"))

    async def refused(self, used: Authorization, reply: Reply) -> bool:
        return reply.status == 403


async def test_a_signature_that_is_refused_is_made_anew_once(connect: Connect) -> None:
    replies = answering(web.Response(status=403), web.Response(text="ok"), web.Response(status=401))
    signer = Numbered()
    async with site(replies) as server, connect(server.host, signer=signer) as client:
        assert (await client.get()).body == b"ok"
        assert (await client.get()).status == 401  # for the caller to classify
        assert [each.authorization for each in server.seen] == [f"Bearer signature-{n}" for n in (1, 2, 3)]
        assert [each.url.path for each in signer.signed] == ["/v2/a/b/x"] * 3


async def test_a_signer_is_not_asked_about_what_it_did_not_sign_nor_about_another_hosts_word(connect: Connect) -> None:
    class Unsigned(Numbered):
        async def sign(self, outgoing: Outgoing) -> Authorization | None:
            await super().sign(outgoing)
            return None

    async with (
        site(answering(web.Response(status=403)), address="127.0.0.2") as there,
        site(answering(web.Response(status=307, headers={"Location": there.url}))) as server,
    ):
        for signer, at in ((Unsigned(), there), (Numbered(), server)):
            async with connect(at.host, signer=signer) as client:
                assert (await client.get()).status == 403
            assert len(signer.signed) == 1


async def test_what_a_storage_host_refuses_after_a_login_is_for_the_caller(connect: Connect) -> None:
    async with site(answering(web.Response(status=401)), address="127.0.0.2") as there:
        wants = web.Response(status=401, headers={"WWW-Authenticate": "Basic"})
        away = web.Response(status=307, headers={"Location": there.url})
        user = UserPassword("rob", Secret("the-password-of-rob"), "auths")
        async with site(answering(wants, away)) as server, connect(server.host, user) as client:
            assert (await client.get()).status == 401


async def test_what_is_not_sent_in_time_is_not_sent(connect: Connect) -> None:
    async with site(answering(web.Response(text="ok"))) as server, connect(server.host) as client:
        with sent_within(-1), pytest.raises(TooLate, match=r"DELETE /x at 127\.0\.0\.1:\d+ was not sent in time"):
            await client.send("DELETE", "/x?signature=hidden")
        assert server.seen == []


async def test_a_redirect_that_is_not_to_be_followed_is_a_reply() -> None:
    away = answering(web.Response(status=307, headers={"Location": "/there"}))
    async with site(away) as server, Wire(connections=1) as wire:
        reply = await wire.send("GET", URL(server.url), limit=9, headers={}, redirects=False)
        assert (reply.status, reply.headers["Location"], len(server.seen)) == (307, "/there", 1)
        assert "Connection" not in server.seen[0].headers, "others may use it after this one"


async def test_a_request_within_another_ones_attempt_is_sent_once(connect: Connect) -> None:
    replies = answering(web.Response(text="ok"), web.Response(status=503), web.Response(text="ok"))
    async with site(replies) as server, connect(server.host) as client:
        assert (await client.http.request("GET", "/login", lane=None, limit=9)).body == b"ok"
        with pytest.raises(Transient):
            await client.http.request("GET", "/login", lane=None, limit=9)
        assert len(server.seen) == 2


async def test_nothing_is_sent_before_it_is_opened_or_after_it_is_closed() -> None:
    async with site(answering(web.Response(text="ok"))) as server:
        wire = Wire(connections=1)

        async def send() -> Reply:
            return await wire.send("GET", URL(server.url), limit=9, headers={})

        with pytest.raises(RuntimeError, match="outside"):
            await send()
        async with wire:
            assert (await send()).body == b"ok"
        with pytest.raises(RuntimeError, match="outside"):
            await send()
        assert len(server.seen) == 1


async def test_all_connections_are_closed_in_the_end_though_it_was_cancelled() -> None:
    async with site(answering(web.Response(text="ok"))) as server:
        wire = Wire(connections=1)
        with anyio.CancelScope() as scope:
            async with wire:
                for alone in (False, True, False, True):
                    await wire.send("GET", URL(server.url), limit=9, headers={}, alone=alone)
                sessions = list(wire._sessions)
                scope.cancel()
        assert [session.closed for session in sessions] == [True, True], "one for both kinds"
        assert wire._sessions == []


async def test_where_a_caller_doubts_an_answer_nothing_more_is_asked(connect: Connect) -> None:
    async with site(answering(web.Response(text="ok"))) as server, connect(server.host) as client:
        await client.get()
        doubt = client.http.doubt("it answered another question")
        assert isinstance(doubt, Doubtful)
        assert "another question" in str(doubt)
        with pytest.raises(Doubtful, match="another question"):
            await client.get()
        assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("host", "yes"),
    [
        ("localhost", True),
        ("a.localhost", True),
        ("127.9.9.9", True),
        ("[::1]", True),
        ("::1", True),
        ("127.0.0.1X", False),
        ("10.0.0.1", False),
        ("mylocalhost", False),
        ("r.example", False),
    ],
)
def test_who_is_this_machine(host: str, yes: bool) -> None:
    assert is_loopback(host) is yes
    assert is_near(host) or not yes


async def test_what_a_storage_host_says_of_its_own_quota_and_clock_is_not_about_the_registry(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {
        "X-RateLimit-Remaining": "0",
        "X-Ms-Ratelimit-Remaining-Calls-Per-Second": "1",
        "Date": "Mon, 23 Nov 2026 16:12:00 GMT",
    }
    hints: list[object] = []
    dates = Dates()
    storage = answering(web.Response(text="blob", headers=said))
    async with site(storage, address="127.0.0.2") as there:
        away = answering(web.Response(status=307, headers={"Location": f"{there.url}/blob"}))
        async with site(away) as server, connect(server.host, dates=dates) as client:
            monkeypatch.setattr(client.lane, "hint", hints.append)
            monkeypatch.setattr(client.lane, "allow", hints.append)
            assert (await client.get()).body == b"blob"
    assert hints == []
    assert dates.nearest == {}


async def test_what_a_registry_says_of_its_clock_is_remembered_and_its_quota_needs_a_lane(connect: Connect) -> None:
    said = {
        "X-RateLimit-Remaining": "0",
        "X-Ms-Ratelimit-Remaining-Calls-Per-Second": "1",
        "Date": "Mon, 23 Nov 2026 16:12:00 GMT",
    }
    dates = Dates()
    answer = answering(web.Response(text="x", headers=said))
    async with site(answer) as server, connect(server.host, dates=dates) as client:
        assert (await client.http.request("GET", "/v2/", lane=None, limit=9)).body == b"x"
    assert [*dates.nearest] == [str(server.host)]


@pytest.mark.parametrize("chunked", [True, False])
async def test_an_oversized_reply_is_refused(connect: Connect, chunked: bool) -> None:
    async def handle(_: web.Request) -> web.Response:
        response = web.Response(body=b"x" * 5000)
        if chunked:
            response.enable_compression(web.ContentCoding.gzip)
        return response

    async with site(handle) as server, connect(server.host) as client:
        with pytest.raises(IncompleteSource, match="larger than 4096 bytes"):
            await client.get()
        assert len((await client.get(limit=5000)).body) == 5000


async def test_a_header_may_be_as_long_as_a_cursor_of_a_vendor(connect: Connect) -> None:
    async with (
        site(answering(web.Response(headers={"X-Next": "x" * 32_000}))) as server,
        connect(server.host) as client,
    ):
        assert len((await client.get()).headers["X-Next"]) == 32_000


async def test_a_head_reply_has_no_body_however_large_the_thing_is(connect: Connect) -> None:
    async with site(answering(web.Response(text="x" * 5000))) as server, connect(server.host) as client:
        reply = await client.send("HEAD", "/x", limit=0)
        assert (reply.status, reply.body, reply.headers["Content-Length"]) == (200, b"", "5000")


CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
CUT_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf"
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole"


@pytest.mark.parametrize("cut", [CUT, CUT_CHUNKED])
async def test_a_reply_cut_short_is_read_again_and_never_taken_for_whole(connect: Connect, cut: bytes) -> None:
    async with raw_site(cut, WHOLE) as server, connect(server.host) as client:
        assert (await client.get()).body == b"whole"
    async with raw_site(cut) as server, connect(server.host) as client:
        with pytest.raises(IncompleteSource, match="cut short") as caught:
            await client.get()
        assert not isinstance(caught.value, Unreachable)
        assert isinstance(last_fault(caught.value), CutShort)


FOLDED = gzip.compress(b"whole", mtime=0)


def folded(body: bytes, coding: bytes = b"gzip") -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n%s" % (coding, len(body), body)


TWICE = gzip.compress(b"wh", mtime=0) + gzip.compress(b"ole", mtime=0)


@pytest.mark.parametrize(
    "reply",
    [folded(FOLDED), folded(FOLDED, b"x-GZIP"), folded(TWICE), folded(b"")],
    ids=["gzip", "x-GZIP", "two members", "empty"],
)
async def test_what_comes_folded_small_is_unfolded(connect: Connect, reply: bytes) -> None:
    async with raw_site(reply) as server, connect(server.host) as client:
        assert (await client.get()).body == (b"" if reply == folded(b"") else b"whole")


@pytest.mark.parametrize(
    "cut",
    [FOLDED[:-9], FOLDED[:-1], FOLDED[:5], b"whole", FOLDED[:-8] + bytes(8)],
    ids=["the end", "the last byte", "nearly all", "none", "the sum"],
)
async def test_what_is_folded_and_damaged_is_never_taken_for_whole(connect: Connect, cut: bytes) -> None:
    async with raw_site(folded(cut), WHOLE) as server, connect(server.host) as client:
        assert (await client.get()).body == b"whole"
    async with raw_site(folded(cut)) as server, connect(server.host) as client:
        with pytest.raises(IncompleteSource, match="cut short"):
            await client.get()


@pytest.mark.parametrize("nonsense", [b"", b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 \x00\r\n\r\n"])
async def test_who_does_not_speak_http_is_unreachable(connect: Connect, nonsense: bytes) -> None:
    async with raw_site(nonsense) as server, connect(server.host) as client:
        with pytest.raises(Unreachable):
            await client.get()


async def test_a_refused_connection_says_what_to_do(connect: Connect) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = RegistryHost.parse(f"127.0.0.1:{free.getsockname()[1]}")
    async with connect(host) as client:
        with pytest.raises(Unreachable, match=r"cannot be reached: Connection refused") as caught:
            await client.get()
        assert "firewall" in caught.value.what_to_do
        fault = last_fault(caught.value)
        assert isinstance(fault, Transient)
        assert fault.host_down


async def test_a_name_that_does_not_resolve(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise OSError(-2, "Name or service not known")

    monkeypatch.setattr("aiohttp.resolver.ThreadedResolver.resolve", fail)
    async with connect(RegistryHost.parse("no-such-registry.example")) as client:
        with pytest.raises(Unreachable, match="cannot be resolved: Name or service not known"):
            await client.get()


async def test_a_server_that_hangs_is_given_up_after_the_timeout(connect: Connect) -> None:
    hung = anyio.Event()

    async def hang(_: web.Request) -> web.Response:
        await hung.wait()
        return web.Response()

    async with site(hang) as server, connect(server.host) as client:
        with pytest.raises(Unreachable, match="no answer within"):
            await client.get(timeout=0.02)
        hung.set()


async def test_an_untrusted_certificate(certificate: ssl.SSLContext) -> None:
    async with site(answering(web.Response(text="ok")), tls=certificate) as server, Wire(connections=1) as wire:
        with pytest.raises(Unreachable, match=r"certificate of 127\.0\.0\.1:.* is not trusted") as caught:
            await wire.send("GET", URL(server.url), limit=10, headers={})
        assert "SSL_CERT_FILE" in caught.value.what_to_do


async def test_who_brings_a_context_decides_whom_it_trusts(certificate: ssl.SSLContext) -> None:
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    answer = answering(web.Response(text="ok"))
    async with site(answer, tls=certificate) as server, Wire(connections=1, tls=trusting) as wire:
        assert (await wire.send("GET", URL(server.url), limit=10, headers={})).body == b"ok"


async def test_a_certificate_is_not_looked_at_if_the_user_says_so(
    connect: Connect, certificate: ssl.SSLContext
) -> None:
    async with (
        site(answering(web.Response(text="ok")), tls=certificate) as server,
        connect(server.host, base=URL(server.url), unverified=lambda _: True) as client,
    ):
        assert (await client.get()).body == b"ok"


async def test_https_to_a_plain_server_says_so(connect: Connect) -> None:
    async with (
        site(answering(web.Response())) as server,
        connect(server.host, base=URL(f"https://{server.host}")) as client,
    ):
        with pytest.raises(Unreachable, match="does not speak https") as caught:
            await client.get()
        assert f"--insecure-registry={server.host}" in caught.value.what_to_do


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("ghcr.io", "https://ghcr.io"),
        ("registry.example:5000", "https://registry.example:5000"),
        ("localhost:5000", "http://localhost:5000"),
        ("127.0.0.9", "http://127.0.0.9"),
        ("[::1]:5000", "http://[::1]:5000"),
        ("localhost.example", "https://localhost.example"),
        ("docker.io", "https://registry-1.docker.io"),
        ("index.docker.io", "https://registry-1.docker.io"),
        ("registry.hub.docker.com", "https://registry-1.docker.io"),
    ],
)
def test_base_url(host: str, url: str) -> None:
    assert str(base_url(RegistryHost.parse(host))) == url


def test_an_attempt_takes_as_long_as_docs_safety_says() -> None:
    assert REQUEST_TIMEOUT == 60


async def test_a_path_cannot_become_part_of_the_host(connect: Connect) -> None:
    async with connect(RegistryHost.parse("registry.example")) as client:
        with pytest.raises(ValueError, match="slash"):
            await client.get("@evil.example/")


async def test_no_cookie_is_kept(connect: Connect) -> None:
    replies = answering(web.Response(headers={"Set-Cookie": "sid=1; Path=/"}))
    async with site(replies) as server, connect(server.host) as client:
        await client.get()
        await client.get()
        assert all("Cookie" not in seen.headers for seen in server.seen)


async def test_proxies_are_taken_from_the_environment(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    async with site(answering(web.Response(text="by proxy"))) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.replace("//", "//pat:proxy-secret@"))
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        async with connect(RegistryHost.parse("registry.example"), base=URL("http://registry.example")) as client:
            for _ in range(2):
                assert (await client.get()).body == b"by proxy"
                monkeypatch.delenv("http_proxy", raising=False)  # it is looked at once
        assert proxy.seen[0].headers["Host"] == "registry.example"
        assert proxy.seen[0].headers["Proxy-Authorization"].startswith("Basic ")


async def test_repr_is_for_operators(connect: Connect) -> None:
    async with connect(RegistryHost.parse("registry.example")) as client:
        assert repr(client.http) == (
            "<RegistryHttp https://registry.example <Authorizer registry.example as anonymous access "
            "(no credential was found)> <Wire open, 64 connections>>"
        )


@pytest.mark.parametrize("method", ["DELETE", "PUT"])
async def test_a_change_whose_connection_breaks_is_not_sent_again_when_its_time_is_over(
    connect: Connect, method: str
) -> None:
    """aiohttp would send it again by itself, however long ago it was looked at what is there."""

    async def hang_up(request: web.Request) -> web.Response:
        if request.method == method:
            await anyio.sleep(0.2)
            assert request.transport
            request.transport.abort()
        return web.Response()

    async with site(hang_up) as server, connect(server.host) as client:
        await client.get()  # over the connection that breaks afterwards, too
        with sent_within(0.1), pytest.raises(TooLate):
            await client.send(method, "/v2/a/b/x", body=b"{}")
        assert [seen.method for seen in server.seen] == ["GET", method]


@pytest.mark.parametrize("method", ["DELETE", "PUT", "POST"])
async def test_a_change_that_waits_for_a_connection_is_not_sent_when_its_time_is_over(
    connect: Connect, method: str
) -> None:
    """All lanes of a registry share its connections, and some of what they ask takes minutes."""
    begun = anyio.Event()

    async def slow(request: web.Request) -> web.Response:
        if request.method == "GET":
            begun.set()
            await anyio.sleep(0.2)
        return web.Response()

    async with site(slow) as server, connect(server.host, connections=1) as client:
        async with anyio.create_task_group() as group:
            group.start_soon(client.get)
            await begun.wait()
            with sent_within(0.1), pytest.raises(TooLate):
                await client.send(method, "/v2/a/b/x", body=b"{}")
        assert [seen.method for seen in server.seen] == ["GET"]
        assert client.lane.in_flight == 0
        with sent_within(0.1):
            assert (await client.send(method, "/v2/a/b/x", body=b"{}")).status == 200


async def test_a_deletion_that_waits_for_its_token_is_not_sent_when_its_time_is_over(connect: Connect) -> None:
    async def slow(request: web.Request) -> web.Response:
        if request.path == "/token":
            await anyio.sleep(0.2)
            return web.json_response({"token": "t"})
        asks = {"WWW-Authenticate": f'Bearer realm="http://{request.host}/token"'}
        return web.Response(status=200 if "Authorization" in request.headers else 401, headers=asks)

    async with site(slow) as server, connect(server.host) as client:
        with sent_within(0.1), pytest.raises(TooLate):
            await client.send("DELETE", "/v2/a/b/x")
        assert [seen.method for seen in server.seen] == ["DELETE", "GET"]


async def test_what_must_not_be_sent_twice_is_sent_once(connect: Connect) -> None:
    async def hang_up(request: web.Request) -> web.Response:
        assert request.transport
        request.transport.abort()
        return web.Response()

    async with site(hang_up) as server, connect(server.host) as client:
        with pytest.raises(Unreachable):
            await client.send("PUT", "/v2/a/b/x", body=b"{}", retry=False)
        assert len(server.seen) == 1


def _ends_without_a_word(asked: Asked) -> list[Part]:
    """The first connection, when it has answered once."""
    return [CLOSE] if asked.connection == 1 and asked.n > 1 else [asked.reply]


@pytest.mark.parametrize(("method", "by_the_lane"), [("DELETE", 0), ("PUT", 0), ("POST", 1)])
async def test_a_change_that_crosses_the_end_of_its_connection_is_sent_again_at_once(
    connect: Connect, method: str, by_the_lane: int
) -> None:
    """A lane has retries for a fifth of its requests, and some servers end each connection so. Not what may do more if
    it is done twice."""
    async with scripted_site(_ends_without_a_word) as site, connect(site.host) as client:
        await client.get("/v2/first")
        assert (await client.send(method, "/v2/x", body=b"{}")).body == b"/v2/x"
        assert client.lane.counts().retries == by_the_lane
        assert [(each.connection, each.method) for each in site.asked] == [(1, "GET"), (1, method), (2, method)]


async def test_what_must_not_be_sent_twice_does_not_cross_the_end_of_a_connection(connect: Connect) -> None:
    async with scripted_site(_ends_without_a_word) as site, connect(site.host) as client:
        await client.get("/v2/first")
        assert (await client.send("PUT", "/v2/x", body=b"{}", retry=False)).body == b"/v2/x"
        assert [(each.connection, each.method) for each in site.asked] == [(1, "GET"), (2, "PUT")]
