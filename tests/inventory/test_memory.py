"""Whatever a registry sends, a run takes less than half a gigabyte of memory, and refuses by name what would take more.

Measured in a process of its own, against a server on loopback that means ill."""

import asyncio
import gzip
import hashlib
import json
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import anyio
import pytest
from aiohttp import web

from holystone.adapters.http.paging import MAX_ENTRIES
from holystone.cli.bounds import outgrown, overdue, own_memory
from holystone.cli.signals import Overrun, until_signal
from tests.support.appetite import appetite
from tests.support.http_site import site

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the process is asked for its peak by /proc"),
]
MOST = 512
"""MiB."""
TAGS = "/v2/team/app/tags/list"


def json_reply(body: bytes, **headers: str) -> web.Response:
    return web.Response(body=body, content_type="application/json", headers=headers)


def number_in(request: web.Request) -> int:
    return int(request.query.get("last", "0").removeprefix("t"))


async def test_a_list_of_tags_without_end(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.Response:
        last = number_in(request)
        names = [f"t{number:0>120}" for number in range(last + 1, last + 1001)]
        link = f'<{TAGS}?n=1000&last=t{last + 1000}>; rel="next"'
        return json_reply(json.dumps({"name": "team/app", "tags": names}).encode(), Link=link)

    async with site(answer) as server:
        ended = await appetite("list_tags", server.host, tmp_path)
        assert len(server.seen) <= MAX_ENTRIES // 1000 + 1
    assert ended.refused.startswith("IncompleteSource (3)")
    assert "team/app has more than 500,000 entries" in ended.refused
    assert ended.peak < MOST


async def test_one_page_of_millions_of_names(tmp_path: Path) -> None:
    body = b'{"name":"team/app","tags":[' + b'"a",' * (15 << 20) + b'"a"]}'

    async def answer(_: web.Request) -> web.Response:
        return json_reply(body)

    async with site(answer) as server:
        ended = await appetite("list_tags", server.host, tmp_path)
    assert "more than 500,000 entries" in ended.refused
    assert ended.peak < MOST // 2


async def test_the_longest_list_of_the_longest_names_that_is_taken(tmp_path: Path) -> None:
    names = [f"{number:0>125}" for number in range(499_000)]
    body = json.dumps({"name": "team/app", "tags": names}, separators=(",", ":")).encode()

    async def answer(request: web.Request) -> web.Response:
        return json_reply(body if "last" not in request.query else b'{"tags":[]}')

    async with site(answer) as server:
        ended = await appetite("list_tags", server.host, tmp_path)
    assert ended.said == "499000"
    assert ended.peak < MOST


async def test_lists_that_come_folded_small(tmp_path: Path) -> None:
    """Sixty kilobytes that are sixty megabytes, for each of eight who ask at the same time."""
    body = gzip.compress(b'{"tags":["a"]}' + b" " * (60 << 20))

    async def answer(_: web.Request) -> web.Response:
        return json_reply(body, **{"Content-Encoding": "gzip"})

    async with site(answer) as server:
        ended = await appetite("list_many", server.host, tmp_path)
    assert (ended.refused, ended.said) == ("", "all")
    assert ended.peak < MOST // 2


@pytest.mark.parametrize("name", ["team/app", "another/name"])
async def test_no_page_is_held_while_the_next_one_is_waited_for(tmp_path: Path, name: str) -> None:
    """Of eight lists at the same time, as of eight repositories."""
    body = gzip.compress(b'{"name":"%s","tags":["a"]}' % name.encode() + b" " * (40 << 20))
    waiting: list[web.Request] = []
    all_wait = anyio.Event()

    async def answer(request: web.Request) -> web.Response:
        if "last" in request.query:
            waiting.append(request)
            if len(waiting) == 8:
                all_wait.set()
            await all_wait.wait()
            return json_reply(b'{"name":"%s","tags":["b"]}' % name.encode())
        return json_reply(body, **{"Content-Encoding": "gzip"}, Link=f'<{TAGS}?last=a>; rel="next"')

    async with site(answer) as server:
        ended = await appetite("list_many", server.host, tmp_path)
    assert (ended.refused, ended.said, len(waiting)) == ("", "all", 8)
    assert ended.peak < MOST // 2


@pytest.mark.parametrize("body", [b'{"name":"%s","tags":[]}', b'{"tags":["%s"]}'])
async def test_names_of_megabytes(tmp_path: Path, body: bytes) -> None:
    async def answer(request: web.Request) -> web.Response:
        last = number_in(request)
        link = f'<{TAGS}?n=1000&last=t{last + 1}>; rel="next"'
        return json_reply(body % (b"%d" % last + b"%" * (30 << 20)), Link=link)

    async with site(answer) as server:
        ended = await appetite("list_tags", server.host, tmp_path)
    assert "IncompleteSource" in ended.refused
    assert "a name of 31,457,281 characters" in ended.refused
    assert ended.peak < MOST // 2


@pytest.mark.parametrize("letter", ["\U0001f600".encode(), rb"\ud83d\ude00"], ids=["as it is", "escaped"])
@pytest.mark.parametrize("body", [b'{"name":"%s","tags":[]}', b'{"tags":["%s"]}'], ids=["name", "tag"])
async def test_names_of_megabytes_of_wide_letters(tmp_path: Path, body: bytes, letter: bytes) -> None:
    """One letter makes all of its word take four bytes each, in one go."""

    async def answer(_: web.Request) -> web.Response:
        return json_reply(body % (b"%" * (63 << 20) + letter))

    async with site(answer) as server:
        ended = await appetite("list_tags", server.host, tmp_path)
    assert "63 MiB, in which there are letters that no tag has" in ended.refused
    assert ended.peak < MOST // 2


@pytest.mark.parametrize("letter", ["\U0001f600".encode(), rb"\ud83d\ude00"], ids=["as it is", "escaped"])
async def test_a_catalog_of_megabytes_of_wide_letters(tmp_path: Path, letter: bytes) -> None:
    async def answer(_: web.Request) -> web.Response:
        return json_reply(b'{"repositories":["%s"]}' % (b"%" * (63 << 20) + letter))

    async with site(answer) as server:
        ended = await appetite("catalog", server.host, tmp_path)
    assert "63 MiB, in which there are letters that no repository has" in ended.refused
    assert ended.peak < MOST // 2


async def test_heads_of_megabytes(tmp_path: Path) -> None:
    """Dozens of questions are asked at once, and each answer's body lets us wait."""
    head = {f"X-{number}": "a" * 32_000 for number in range(100)}
    all_began = anyio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers=head)
        await response.prepare(request)
        if len(server.seen) == 64:
            all_began.set()
        await all_began.wait()
        await anyio.sleep(0.5)
        return response

    async with site(answer) as server:
        ended = await appetite("heads", server.host, tmp_path)
    assert ended.peak < MOST // 2
    assert "no reply of HTTP: its head has more than 131072 bytes" in ended.said


@pytest.mark.parametrize("status", [400, 403, 404])
async def test_an_error_of_millions_of_nothings(tmp_path: Path, status: int) -> None:
    """As large as a list may be: what an error says takes far more to keep than to send."""
    body = b'{"errors":[' + b"{}," * (20 << 20) + b"{}]}"

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, body=body, content_type="application/json")

    async with site(answer) as server:
        ended = await appetite("list_tags", server.host, tmp_path)
    assert f"cannot be read: {status} " in ended.refused
    assert ended.peak < MOST // 2


async def test_referrers_without_end(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.Response:
        last = number_in(request)
        digests = [f"sha256:{number:0>64}" for number in range(last + 1, last + 1001)]
        manifests = [{"mediaType": "a/b", "digest": digest, "size": 1} for digest in digests]
        link = f'<{request.path}?last=t{last + 1000}>; rel="next"'
        return json_reply(json.dumps({"schemaVersion": 2, "manifests": manifests}).encode(), Link=link)

    async with site(answer) as server:
        ended = await appetite("referrers", server.host, tmp_path)
        assert len(server.seen) <= 12
    assert re.search(r"what refers to sha256:5{64} in .*team/app has more than 10,000", ended.refused)
    assert ended.peak < MOST // 2


def images(config_of: Callable[[int], bytes], number: int) -> Callable[[web.Request], web.Response]:
    """A repository of so many images; of each only the configuration is large."""
    configs = {f"sha256:{hashlib.sha256(config_of(each)).hexdigest()}": each for each in range(number)}
    manifests = {}
    for digest in configs:
        descriptor = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": 1}
        body = json.dumps({"schemaVersion": 2, "config": descriptor, "layers": []}).encode()
        manifests[f"sha256:{hashlib.sha256(body).hexdigest()}"] = body
    tags = dict(zip((f"t{each}" for each in range(number)), manifests, strict=True))

    def answer(request: web.Request) -> web.Response:
        kind, reference = request.path.split("/")[-2:]
        if kind == "tags":
            return json_reply(json.dumps({"name": "team/app", "tags": list(tags)}).encode())
        if kind == "blobs":
            return json_reply(config_of(configs[reference]))
        digest = tags.get(reference, reference)
        return json_reply(manifests[digest], **{"Docker-Content-Digest": digest})

    return answer


@pytest.mark.parametrize("where", ["history", "labels"])
async def test_large_configurations(tmp_path: Path, where: str) -> None:
    """As large as they may be, which whoever may push can make them: read at once, 240 MiB in all."""
    filling = "x" * (8 << 20)

    def config(number: int) -> bytes:
        text = filling[: -1024 - number]
        labels = {"werf": "shop", **({"comment": text} if where == "labels" else {})}
        return json.dumps({"config": {"Labels": labels}, "history": [text] if where == "history" else []}).encode()

    answer = images(config, 30)

    async def served(request: web.Request) -> web.Response:
        return answer(request)

    async with site(served) as server:
        ended = await appetite("read", server.host, tmp_path)
    assert ended.said == "30 tags, 30 configurations, 0 broken"
    assert ended.peak < MOST // 2
    assert _size(tmp_path) < 1 << 20


@pytest.mark.parametrize(("work", "count"), [("write_down", 130), ("write_down_many", 260)])
async def test_the_largest_manifests_that_whoever_may_push_can_make(tmp_path: Path, work: str, count: int) -> None:
    """Half a gigabyte of them, or a whole one, is to go: they are in the journal before that, and an undo can begin."""
    filling = "x" * (4000 << 10)

    def body(number: int) -> bytes:
        return json.dumps({"schemaVersion": 2, "manifests": [], "annotations": {"x": f"{number}{filling}"}}).encode()

    digests = {f"sha256:{hashlib.sha256(body(each)).hexdigest()}": each for each in range(count)}

    async def answer(request: web.Request) -> web.Response:
        reference = request.path.split("/")[-1]
        if reference == "list":
            return json_reply(json.dumps({"name": "team/app", "tags": list(digests)}).encode())
        media_type = "application/vnd.oci.image.index.v1+json"
        return web.Response(body=body(digests[reference]), content_type=media_type)

    async with site(answer) as server:
        ended = await appetite(work, server.host, tmp_path)
    assert (ended.refused, ended.said) == ("", f"{count} of {count}")
    assert ended.peak < MOST


async def test_what_no_bound_of_its_own_stops_is_stopped_in_words(tmp_path: Path) -> None:
    ended = await appetite("hoard", "localhost:1", tmp_path)
    assert ended.refused.startswith("Overrun (3): What this run has read takes more than 400 MiB")
    assert "Name fewer repositories" in ended.refused
    assert ended.peak < MOST * 1.2


async def test_memory_is_watched_as_long_as_it_takes() -> None:
    sizes = iter([10, 15, 20, 21, 10])
    assert "more than 0 MiB" in (await outgrown(10, lambda: next(sizes))).what
    assert list(sizes) == [10]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(outgrown(10, lambda: None), 0.2)
    assert (own_memory() or 0) > 10 << 20


async def test_a_run_without_end_is_ended_in_words() -> None:
    closed = []

    async def job() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            closed.append("yes")

    with pytest.raises(Overrun, match="more than 0 hours") as raised:
        await until_signal(job, bounds=[partial(overdue, 0.05)])
    assert (raised.value.exit_code, closed) == (3, ["yes"])
    assert "--log-verbose" in raised.value.what_to_do


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())
