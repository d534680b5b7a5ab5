"""The pure parts: challenges, links, rate headers, error bodies, digests."""

import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from holystone.adapters.http.authorizer import covers
from holystone.adapters.http.challenge import BasicChallenge, BearerChallenge, choose, parse
from holystone.adapters.http.errors import error_code, summary
from holystone.adapters.http.paging import PageGuard, next_link, pages
from holystone.adapters.http.rates import rate_hint, retry_after
from holystone.adapters.http.reply import Reply
from holystone.adapters.http.verify import digest_of, verify
from holystone.engine.errors import IncompleteSource
from holystone.engine.model.references import Digest
from holystone.engine.scheduler import RateHint


def reply(
    status: int = 200, body: bytes = b"", *links: str, asked: str = "https://r.example/v2/a/tags/list?n=2"
) -> Reply:
    headers = CIMultiDictProxy(CIMultiDict([("Link", link) for link in links]))
    return Reply(status, headers, body, URL(asked), URL(asked))


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


@settings(max_examples=200)
@given(st.text(alphabet='Bearer Basic realm="\\,;= \tx', max_size=60))
def test_any_header_is_parsed_without_error(header: str) -> None:
    choose(parse([header]))
    next_link(reply(200, b"", f"</x>{header}"))


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        (['</v2/a/tags/list?last=x&n=2>; rel="next"'], "/v2/a/tags/list?last=x&n=2"),
        (["</v2/a/tags/list?last=x&n=2>; rel=next"], "/v2/a/tags/list?last=x&n=2"),
        (['</1>; rel="prev", </2>; rel="last NEXT"; title="a, b; c"'], "/2"),
        (["</1>; rel=prev", "</2>; rel=next"], "/2"),
        (['</a,b;c>; title="x"; rel="next"'], "/a,b;c"),
        (["</1>; rel=prev; rel=next"], None),
        (["<?last=y>; rel=next"], "/v2/a/tags/list?last=y"),
        (["<http://r.example:80/v2/x?last=%2F>; rel=next"], "/v2/x?last=%2F"),  # a proxy's wrong scheme
        (["<https://R.example/v2/x>; rel=next"], "/v2/x"),
        (["</v2/x y>; rel=next"], "/v2/x%20y"),
        (["broken"], None),
        (["<>"], None),
        ([], None),
    ],
)
def test_next_link(links: list[str], expected: str | None) -> None:
    assert next_link(reply(200, b"", *links)) == expected


@pytest.mark.parametrize("target", ["https://evil.example/x", "//evil.example/x", "http://[x", "mailto:a@b"])
def test_a_link_to_elsewhere_is_refused(target: str) -> None:
    with pytest.raises(IncompleteSource, match="another host"):
        next_link(reply(200, b"", f"<{target}>; rel=next"))


async def _listed(replies: dict[str, Reply], **more: int) -> list[bytes]:
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


def test_a_cursor_that_comes_again_is_refused() -> None:
    guard = PageGuard("tags")
    guard.admit("a")
    guard.admit("b")
    with pytest.raises(IncompleteSource):
        guard.admit("a")


NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "120"}, 120),
        ({"Retry-After": "Tue, 14 Nov 2023 22:14:20 GMT"}, 60),
        ({"Retry-After": "Tue, 14 Nov 2000 22:14:20 GMT"}, 0),
        ({"X-Retry-After": "1700000030"}, 30),
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
        ({"X-RateLimit-Remaining": "many"}, None),
        ({}, None),
    ],
)
def test_rate_hint(headers: dict[str, str], hint: RateHint | None) -> None:
    assert rate_hint(CIMultiDict(headers), NOW) == hint


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


def test_digests() -> None:
    body = b"manifest"
    for algorithm in ("sha256", "sha512"):
        digest = Digest.parse(f"{algorithm}:{hashlib.new(algorithm, body).hexdigest()}")
        assert digest_of(body, algorithm) == digest
        assert verify(body, digest, what="x") is body
        with pytest.raises(IncompleteSource, match="manifest x does not match its digest"):
            verify(body + b" ", digest, what="manifest x")


@pytest.mark.parametrize(
    ("asked", "wanted", "yes"),
    [
        ("repository:a:pull,delete", "repository:a:pull", True),
        ("repository:a:pull", "repository:a:pull,push", False),
        ("repository:a:*", "repository:a:delete", True),
        ("repository:a:pull repository:b:pull", "repository:b:pull", True),
        ("repository:h:5000/a:pull", "repository:h:5000/a:pull", True),
        ("repository:a:pull", "repository:b:pull", False),
        ("", "", True),
        ("", "registry:catalog:*", False),
    ],
)
def test_covers(asked: str, wanted: str, yes: bool) -> None:
    assert covers(asked, wanted) is yes
