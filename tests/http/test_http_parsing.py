"""The pure parts: challenges, links, rate headers, error bodies, digests."""

import hashlib
import json
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from holystone.adapters.credentials.redaction import LONGEST
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.http.authorization import secret_form
from holystone.adapters.http.authorizer import covers
from holystone.adapters.http.challenge import BasicChallenge, BearerChallenge, Challenge, choose, parse
from holystone.adapters.http.errors import error_code, summary
from holystone.adapters.http.links import parse_links
from holystone.adapters.http.paging import PageGuard, next_link, pages
from holystone.adapters.http.rates import calls_per_second, rate_hint, retry_after
from holystone.adapters.http.reply import Reply
from holystone.adapters.http.verify import verify
from holystone.engine.errors import IncompleteSource
from holystone.engine.model.references import Digest
from holystone.engine.scheduler import RateHint


def reply(
    status: int = 200, body: bytes = b"", *links: str, asked: str = "https://r.example/v2/a/tags/list?n=2"
) -> Reply:
    headers = CIMultiDictProxy(CIMultiDict([("Link", link) for link in links]))
    return Reply(status, headers, body, URL(asked, encoded=True), URL(asked, encoded=True))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (
            ['Bearer realm="https://auth/token",service="reg",scope="repository:a/b:pull,push"'],
            BearerChallenge("https://auth/token", "reg", "repository:a/b:pull,push"),
        ),
        (['Basic realm="x"', 'bearer Realm="https://a/t"'], BearerChallenge("https://a/t", "", "")),
        (['Basic realm="x, Bearer y", Bearer realm="https://a/t"'], BearerChallenge("https://a/t", "", "")),
        (
            [r'Bearer realm = "https://a/t" , error="insufficient_scope",service="a \"b\""'],
            BearerChallenge("https://a/t", 'a "b"', "", "insufficient_scope"),
        ),
        (["Negotiate, NTLM TlRMTVNTUAAB==, Basic"], BasicChallenge()),
        (["Negotiate YWJj=, Bearer realm=https://a/t,service=s"], BearerChallenge("https://a/t", "s", "")),
        (['Negotiate Basic realm="x"'], BasicChallenge()),
        (["Bearer"], None),
        (['Bearer realm=""'], None),
        (["Digest realm=x"], None),
        ([], None),
        ([""], None),
        (["Basic realm"], BasicChallenge()),
        (['Bearer realm="https://a/t",scope="broken'], BearerChallenge("https://a/t", "", "")),
    ],
)
def test_challenges(headers: list[str], expected: object) -> None:
    assert choose(parse(headers)) == expected


@pytest.mark.parametrize("header", ["", " , ", "=", '"x"'])
def test_a_header_without_a_scheme_is_no_challenge(header: str) -> None:
    assert parse([header]) == []
    assert [each.scheme for each in parse([header, 'Basic realm="x", Bearer realm="y"'])] == ["basic", "bearer"]


def test_what_begins_like_a_parameter_is_a_syntax_error() -> None:
    assert parse(['realm="x", Bearer realm="y"']) == [Challenge("realm", {})]


@settings(max_examples=200)
@given(st.text(alphabet='Bearer Basic realm="\\,;= \tx', max_size=60))
def test_any_header_is_parsed_without_error(header: str) -> None:
    choose(parse([header]))


def test_what_a_challenge_says_can_be_sent_on() -> None:
    found = choose(parse(['Bearer realm="https://a/t",service="\udcff",scope="repository:a:pull,\udcff"']))
    assert isinstance(found, BearerChallenge)
    sent: dict[str, str | Secret] = {"service": found.service, "scope": found.scope, "token": Secret("sure-secret")}
    assert secret_form(sent).startswith(b"service=%EF%BF%BD")


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        (['</v2/a/tags/list?last=x&n=2>; rel="next"'], "/v2/a/tags/list?last=x&n=2"),
        (["</v2/a/tags/list?last=x&n=2>; rel=next"], "/v2/a/tags/list?last=x&n=2"),
        (['</1>; rel="prev", </2>; rel="last NEXT"; title="a, b; c"'], "/2"),
        (["</1>; rel=prev", "</2>; rel=next"], "/2"),
        (['</a,b;c>; title="x"; rel="next"'], "/a,b;c"),
        (["</1>; rel=prev; rel=next"], None),
        (["</2>; rel*=next"], "/2"),
        (["</2>;rel=next"], "/2"),
        (["</2>; nopush; rel=next"], "/2"),
        (["</2>; rel=next; nopush"], "/2"),
        (["<?last=y>; rel=next"], "/v2/a/tags/list?last=y"),
        (["<?last=%2Fy>; rel=next"], "/v2/a/tags/list?last=%2Fy"),
        (["<http://r.example:80/v2/x?last=%2F>; rel=next"], "/v2/x?last=%2F"),  # a proxy's wrong scheme
        (["<https://R.example/v2/x>; rel=next"], "/v2/x"),
        (["</v2/x y>; rel=next"], "/v2/x%20y"),
        # Cloudflare's serverless-registry
        (["http://r.example/v2/a/tags/list?n=10&last=t009; rel=next"], "/v2/a/tags/list?n=10&last=t009"),
        (["</v2/a/tags/list?last=x>; rel='next'"], "/v2/a/tags/list?last=x"),
        (["</v2/a/tags/list?last=x>;REL = NEXT"], "/v2/a/tags/list?last=x"),
        (["</v2/a/tags/list?last=x>"], "/v2/a/tags/list?last=x"),  # does not say what for, and leads on
        (["</v2/a/tags/list?last=x>; n=5"], "/v2/a/tags/list?last=x"),
        (['</2>; rel="next", </2>; rel="last"'], "/2"),
        (["</2>; rel=next", "</2>; rel=next"], "/2"),
        (["</style.css>; rel=preload; as=style"], None),
        (["</a>; rel=nextpage"], None),
        (["</repository/docker/v2/a/tags/list?n=2&last=x>; rel=next"], "/v2/a/tags/list?n=2&last=x"),  # Nexus
        ([""], None),
        ([" , "], None),
        ([], None),
    ],
)
def test_next_link(links: list[str], expected: str | None) -> None:
    assert next_link(reply(200, b"", *links)) == expected


@pytest.mark.parametrize(
    ("asked", "link", "expected"),
    [
        ("/registry/v2/a/tags/list?n=2", "</v2/a/tags/list?last=x>; rel=next", "/registry/v2/a/tags/list?last=x"),
        ("/v2/a%2Fb/tags/list", "</proxy/v2/a%2Fb/tags/list?last=x>; rel=next", "/v2/a%2Fb/tags/list?last=x"),
        ("/v2/a%2fb/tags/list", "<?last=x>", "/v2/a%2fb/tags/list?last=x"),
        ("/api/", "</?page=2>; rel=next", "/?page=2"),
        ("/v2/a/tags/list", "</other/list?last=x>; rel=next", "/other/list?last=x"),
    ],
)
def test_only_a_path_that_a_proxy_has_made_longer_or_shorter_is_ours(asked: str, link: str, expected: str) -> None:
    assert next_link(reply(200, b"", link, asked=f"https://r.example{asked}")) == expected


@pytest.mark.parametrize(
    "link",
    [
        "broken",
        "<>",
        "</2>; rel",
        "</v2/a/tags/list?last=x; rel=next",
        "/v2/a/tags/list?last=x>; rel=next",
        "/v2/a/tags/list?last=x,y; rel=next",
        "/1; rel=prev, /2; rel=next",
        "/1; rel=prev, </2>; rel=next",
        "</1>; rel=prev </2>; rel=next",
        '</2>; rel="next',
        "</2>; rel='next",
        "</other>",
        "<////[x>",
        "<//[::1]x@>",
        "</1>; rel=next, </2>; rel=next",
    ],
)
def test_a_link_that_cannot_be_understood_is_not_the_end_of_a_list(link: str) -> None:
    with pytest.raises(IncompleteSource):
        next_link(reply(200, b"", link))


def test_an_error_of_millions_of_nothings_is_not_decoded() -> None:
    """Eight megabytes of them took two hundred more, in one go, on top of what a run has read by then."""
    body = b'{"errors":[{"code":"DENIED"},' + b"{}," * 500_000 + b"{}]}"
    tracemalloc.start()
    try:
        assert error_code(reply(403, body)) == ""
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
    parts = [{"code": "MANIFEST_BLOB_UNKNOWN", "message": "x", "detail": {"digest": "y" * 71}} for _ in range(15_000)]
    assert error_code(reply(400, json.dumps({"errors": parts}).encode())) == "MANIFEST_BLOB_UNKNOWN"


@given(
    st.lists(
        st.tuples(
            st.text("/?=&abc123,;:% ", min_size=1).map(lambda text: f"/{text.strip('/')}"),
            st.lists(st.sampled_from(["next", "NEXT", "prev", "last", "first", "x"]), min_size=1, max_size=3),
            st.sampled_from(['"{}"', "'{}'"]),
            st.sampled_from(["", '; title="a, <b>; rel=next"', "; n=5"]),
        ),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from([", ", ",", " ,\t"]),
    st.booleans(),
)
def test_every_link_that_is_there_is_found(
    links: list[tuple[str, list[str], str, str]], between: str, in_one: bool
) -> None:
    texts = [f"<{target}>{more}; rel={quotes.format(' '.join(rel))}" for target, rel, quotes, more in links]
    parsed = parse_links([between.join(texts)] if in_one else texts)
    assert [(each.target, each.relations) for each in parsed] == [
        (target, frozenset(word.lower() for word in rel)) for target, rel, _, _ in links
    ]


@given(st.text(st.characters(max_codepoint=127, exclude_categories=["Cc"]), max_size=80))
def test_whatever_a_header_says_it_is_understood_or_refused(text: str) -> None:
    try:
        following = next_link(reply(200, b"", text))
    except IncompleteSource:
        return
    assert following or not text.strip(" \t,") or "rel" in text.lower()


@pytest.mark.parametrize("target", ["https://evil.example/x", "//evil.example/x", "http://[x", "mailto:a@b"])
def test_a_link_to_elsewhere_is_refused(target: str) -> None:
    with pytest.raises(IncompleteSource, match="another host"):
        next_link(reply(200, b"", f"<{target}>; rel=next"))


async def _listed(replies: dict[str, Reply], **more: Any) -> list[bytes]:
    async def get(path: str) -> Reply:
        return replies[path]

    return [page.body async for page in pages(get, "/1", what="the tags of a", **more)]


async def test_pages_are_read_to_the_end() -> None:
    replies = {
        "/1": reply(200, b"1", "</2>; rel=next"),
        "/2": reply(200, b"2", "</3>; rel=next"),
        "/3": reply(200, b"3"),
    }
    assert await _listed(replies) == [b"1", b"2", b"3"]
    with pytest.raises(IncompleteSource, match="more than 2 pages"):
        await _listed(replies, max_pages=2)


async def test_a_list_in_circles_is_refused() -> None:
    replies = {"/1": reply(200, b"1", "</2>; rel=next"), "/2": reply(200, b"2", "</1>; rel=next")}
    with pytest.raises(IncompleteSource, match="turns in circles: after 2 pages"):
        await _listed(replies)


async def test_a_first_page_that_fails_is_for_the_caller_and_a_later_one_breaks_the_list() -> None:
    assert await _listed({"/1": reply(404, b"none", "</2>; rel=next")}) == [b"none"]
    with pytest.raises(IncompleteSource, match="Page 2 of the list of the tags of a could not be read: 404"):
        await _listed({"/1": reply(200, b"1", "</2>; rel=next"), "/2": reply(404)})


class Tags:
    """A server with these tags, as it would page them."""

    def __init__(self, count: int, *, knows_n: bool, knows_last: bool, cap: int = 10**6) -> None:
        self.tags = [f"t{number:05}" for number in range(count)]
        self.asked: list[str] = []
        self._knows_n, self._knows_last, self._cap = knows_n, knows_last, cap

    async def get(self, path: str) -> Reply:
        self.asked.append(path)
        query = URL(path).query
        tags = [tag for tag in self.tags if not self._knows_last or tag > query.get("last", "")]
        size = min(int(query["n"]) if self._knows_n and "n" in query else len(tags), self._cap)
        return reply(200, json.dumps(tags[:size]).encode())

    async def read(self, size: int) -> list[str]:
        def names(page: Reply) -> list[str]:
            found: list[str] = json.loads(page.body)
            return found

        found: dict[str, None] = {}
        async for page in pages(self.get, f"/v2/a/tags/list?n={size}", what="a", names=names, size=size):
            found |= dict.fromkeys(names(page))
        return list(found)


@pytest.mark.parametrize(("count", "requests"), [(0, 1), (3, 1), (5, 2), (7, 2), (10, 3), (23, 5)])
async def test_a_server_that_pages_and_does_not_say_so_is_read_to_the_end(count: int, requests: int) -> None:
    server = Tags(count, knows_n=True, knows_last=True)
    assert await server.read(5) == server.tags
    assert len(server.asked) == requests
    assert server.asked[1:2] in ([], ["/v2/a/tags/list?n=5&last=t00004"])


@pytest.mark.parametrize(("count", "requests"), [(0, 1), (4, 1), (5, 2), (6, 1), (5000, 1)])
async def test_a_server_that_gives_all_at_once_costs_one_request_more_only_at_the_size_of_a_page(
    count: int, requests: int
) -> None:
    server = Tags(count, knows_n=False, knows_last=False)
    assert await server.read(5) == server.tags
    assert len(server.asked) == requests


async def test_where_a_link_was_sent_a_full_page_without_one_is_the_last() -> None:
    asked: list[str] = []

    async def get(path: str) -> Reply:
        asked.append(path)
        link = ["</v2/a/tags/list?page=2>; rel=next"] if len(asked) == 1 else []
        return reply(200, json.dumps([f"{path}{number}" for number in range(5)]).encode(), *link)

    def names(page: Reply) -> list[str]:
        found: list[str] = json.loads(page.body)
        return found

    async for _ in pages(get, "/v2/a/tags/list?n=5", what="a", names=names, size=5):
        pass
    assert asked == ["/v2/a/tags/list?n=5", "/v2/a/tags/list?page=2"]


async def test_without_names_a_page_without_a_link_is_the_last() -> None:
    assert await _listed({"/1": reply(200, b"1")}, size=1) == [b"1"]


async def test_the_path_is_asked_again_as_it_was_spelled() -> None:
    asked: list[str] = []

    async def get(path: str) -> Reply:
        asked.append(path)
        return reply(200, b"" if len(asked) > 1 else b"x")

    async for _ in pages(get, "/v2/a%2fb/tags/list?n=1", what="a", names=lambda page: [*page.body.decode()], size=1):
        pass
    assert asked == ["/v2/a%2fb/tags/list?n=1", "/v2/a%2fb/tags/list?n=1&last=x"]


@pytest.mark.parametrize("cap", [50, 100, 200, 250, 500, 1000])
async def test_a_page_that_is_smaller_than_asked_for_may_be_as_large_as_the_server_allows(cap: int) -> None:
    server = Tags(3 * cap + 7, knows_n=True, knows_last=True, cap=cap)
    assert await server.read(4000) == server.tags


def test_pages_without_end_or_entries_take_no_memory() -> None:
    """A cursor may be as long as a header: a hundred thousand of them are three gigabytes."""
    guard = PageGuard("tags")
    tracemalloc.start()
    try:
        for number in range(1000):
            guard.admit(f"/v2/a/tags/list?last={number}{'x' * 30_000}")
        assert tracemalloc.get_traced_memory()[0] < 1_000_000
    finally:
        tracemalloc.stop()
    with pytest.raises(IncompleteSource, match="turns in circles"):
        guard.admit(f"/v2/a/tags/list?last=7{'x' * 30_000}")


def test_a_cursor_that_comes_again_is_refused() -> None:
    guard = PageGuard("tags")
    guard.admit("a")
    guard.admit("b")
    with pytest.raises(IncompleteSource):
        guard.admit("a")


def test_a_cursor_may_be_any_text() -> None:
    PageGuard("tags").admit("\ud800")


def test_a_cursor_of_megabytes_becomes_no_address() -> None:
    PageGuard("tags").admit("x" * 65_536)
    with pytest.raises(IncompleteSource, match="Listing tags goes on with more than 65,536 characters"):
        PageGuard("tags").admit("x" * 65_537)


def test_a_list_has_so_many_entries_and_no_more() -> None:
    guard = PageGuard("the tags of a", max_entries=5)
    guard.take(2)
    guard.take(3)
    with pytest.raises(IncompleteSource, match="the tags of a has more than 5 entries"):
        guard.take(1)


def test_the_most_that_docs_safety_names() -> None:
    guard = PageGuard("tags")
    guard.take(500_000)
    with pytest.raises(IncompleteSource, match="more than 500,000 entries"):
        guard.take(1)
    for number in range(100_000):
        guard.admit(str(number))
    with pytest.raises(IncompleteSource, match="more than 100000 pages"):
        guard.admit("one more")


async def test_entries_of_all_pages_are_counted_by_what_each_has() -> None:
    replies = {"/1": reply(200, b"a,b,", "</2>; rel=next"), "/2": reply(200, b"c,{")}
    assert await _listed(replies, max_entries=3) == [b"a,b,", b"c,{"]
    assert await _listed(replies, max_entries=1, each=b"{") == [b"a,b,", b"c,{"]
    with pytest.raises(IncompleteSource, match="more than 2 entries"):
        await _listed(replies, max_entries=2)


async def test_a_list_of_exactly_as_many_pages_as_may_be_is_read() -> None:
    replies = {"/1": reply(200, b"1", "</2>; rel=next"), "/2": reply(200, b"2")}
    assert await _listed(replies, max_pages=2) == [b"1", b"2"]


NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "120"}, 120),
        ({"Retry-After": "Tue, 14 Nov 2023 22:14:20 GMT"}, 60),
        ({"Retry-After": "Tue, 14 Nov 2000 22:14:20 GMT"}, 0),
        ({"X-Retry-After": "1700000030"}, 30),
        ({"X-Retry-After": "1699999999"}, 0),
        ({"Retry-After": "100000000"}, 100_000_000),
        ({"Retry-After": "100000001"}, 0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-3"}, None),
        ({"Retry-After": "9" * 400}, None),
        ({}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("headers", "hint"),
    [
        (
            {"X-RateLimit-Remaining": "5", "X-RateLimit-Limit": "60", "X-RateLimit-Reset": "1700000010"},
            RateHint(5, 60, 10),
        ),
        ({"RateLimit-Remaining": "5", "RateLimit-Limit": "60", "RateLimit-Reset": "10"}, RateHint(5, 60, 10)),
        ({"RateLimit-Remaining": "76;w=21600", "RateLimit-Limit": "100;w=21600"}, RateHint(76, 100, None)),
        ({"RateLimit": '"default";r=50;t=30'}, RateHint(50, None, 30)),
        ({"RateLimit": '"default";r=50'}, RateHint(50, None, None)),
        ({"X-RateLimit-Remaining": "5", "X-RateLimit-Reset": "1699999999"}, RateHint(5, None, 0)),
        ({"X-RateLimit-Remaining": "many"}, None),
        ({}, None),
    ],
)
def test_rate_hint(headers: dict[str, str], hint: RateHint | None) -> None:
    assert rate_hint(CIMultiDict(headers), NOW) == hint


@pytest.mark.parametrize(("said", "rate"), [("8.000000", 8.0), ("166.566667", 166.566667), ("many", None)])
def test_azures_calls_per_second(said: str, rate: float | None) -> None:
    assert calls_per_second(CIMultiDict({"x-ms-ratelimit-remaining-calls-per-second": said})) == rate
    assert calls_per_second(CIMultiDict()) is None


def oci(*errors: object) -> bytes:
    return json.dumps({"errors": errors}).encode()


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        (
            oci({"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}, {"code": "DENIED"}),
            "MANIFEST_UNKNOWN",
            "404 MANIFEST_UNKNOWN: manifest unknown",
        ),
        (oci({"code": "name_unknown"}), "NAME_UNKNOWN", "404 NAME_UNKNOWN"),
        (oci({"code": 7, "message": None}), "", '404 {"errors": [{"code": 7, "message": null}]}'),
        (oci("broken"), "", "404 broken"),
        (b'{"error":"invalid_grant","error_description":"token expired"}', "", "404 token expired"),
        (b'{"message":"Not Found"}', "", "404 Not Found"),
        (b"page not found\n", "", "404 page not found"),
        (b"<html><head><title>504 Gateway\nTime-out</title></head><body>x", "", "404 504 Gateway Time-out"),
        (b"<h1>no</h1> <script>alert(1)</script>", "", "404 no"),
        (b"", "", "404 Not Found"),
        (b"[]", "", "404 []"),
        (b"\x1b[31mred\x1b[0m\x00\r\nline", "", "404 [31mred [0m line"),
        (b"\xff\xfe", "", "404 \ufffd\ufffd"),
    ],
)
def test_error_bodies(body: bytes, code: str, text: str) -> None:
    assert error_code(reply(404, body)) == code
    assert summary(reply(404, body)) == text


@settings(max_examples=100)
@given(st.integers(100, 999), st.binary(max_size=600) | st.text(max_size=600).map(lambda text: oci({"message": text})))
def test_a_summary_is_short_and_printable(status: int, body: bytes) -> None:
    text = summary(reply(status, body))
    assert len(text) <= 200
    assert text.isprintable()
    assert text.startswith(str(status))


def test_an_error_of_megabytes_is_told_at_once_and_cut_through_no_secret() -> None:
    held = Secret("$even-shillings-and-a-parrot")
    begun = time.process_time()
    assert summary(reply(403, oci({"message": held.reveal() + "\\" * 2_000_000}))).startswith("403 ***\\\\")
    assert time.process_time() - begun < 1
    for before in (*range(4050, 4100), *range(8150, 8200), *range(12_240, 12_300)):
        assert "shil" not in summary(reply(403, oci({"message": " " * before + held.reveal() + "x" * 8200})))


def test_a_code_in_capitals_is_no_secret_in_capitals() -> None:
    held = Secret("even-shillings-and-a-parrot")
    assert summary(reply(404, oci({"code": held.reveal()}))) == "404 ***"
    assert error_code(reply(404, oci({"code": held.reveal()}))) == held.reveal().upper()


@pytest.mark.parametrize("page", ["{}", "<{}>", "<title>{}</title>", "<p>{}", "<script>{}"])
def test_a_page_is_cut_through_no_secret(page: str) -> None:
    """What a page says is between its markup, and only so much of it is looked at."""
    held = Secret("even-shillings-and-a-parrot<b>s</b>")
    for looked_at in (4096, 4096 + LONGEST, 4096 + 2 * LONGEST, 1 << 16):
        for cut in range(0, len(held.reveal()), 5):
            before = page.format(" " * (looked_at - len(page) + 2 - cut))
            assert "shil" not in summary(reply(500, (before + held.reveal() + "x" * 20_000).encode()))


def test_a_page_of_wide_letters_is_cut_through_no_secret() -> None:
    held = Secret("even-shillings-and-a-parrot")
    for before in range(65_500, 65_536):
        body = "\U0001f512" * (before // 4) + "<" * (before % 4) + held.reveal()
        assert "shil" not in summary(reply(500, body.encode()))


def test_digests() -> None:
    body = b"manifest"
    for algorithm in ("sha256", "sha512"):
        digest = Digest.parse(f"{algorithm}:{hashlib.new(algorithm, body).hexdigest()}")
        assert Digest.of(body, algorithm) == digest
        assert verify(body, digest, what="x") is body
        with pytest.raises(IncompleteSource, match="manifest x does not match its digest"):
            verify(body + b" ", digest, what="manifest x")


@pytest.mark.parametrize(
    ("asked", "wanted", "yes"),
    [
        ("repository:a:pull,delete", "repository:a:pull", True),
        ("repository:a:pull", "repository:a:pull,push", False),
        ("repository:a:*", "repository:a:delete", True),
        ("repository:a:pull,push,delete", "repository:a:delete,pull", True),
        ("repository:a:pull repository:b:pull", "repository:b:pull", True),
        ("repository:h:5000/a:pull", "repository:h:5000/a:pull", True),
        ("repository:a:pull", "repository:b:pull", False),
        ("", "", True),
        ("", "registry:catalog:*", False),
    ],
)
def test_covers(asked: str, wanted: str, yes: bool) -> None:
    assert covers(asked, wanted) is yes
