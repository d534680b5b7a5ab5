"""How many requests run at once where the user sets no limit, by how many files a process may have open."""

import asyncio
import resource
from pathlib import Path
from unittest import mock

import pytest
from aiohttp import web
from yarl import URL

from holystone.adapters.http.wire import Wire
from holystone.workflows import session
from tests.support.http_site import site

MAY_BE_OPEN, OURS = 100, 20


async def test_there_are_sockets_for_all_of_them_before_the_deletions_and_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (MAY_BE_OPEN, MAY_BE_OPEN))
    at_once = session._unbounded()
    all_are_here = asyncio.Barrier(at_once)

    async def answer(_: web.Request) -> web.Response:
        await all_are_here.wait()
        return web.Response(headers={"Content-Length": "0"})

    async with site(answer) as here, Wire(connections=at_once) as wire:
        before = _open_files()
        for _ in range(2):
            for method in ("HEAD", "GET"):
                asked = (wire.send(method, URL(here.url), limit=1, headers={}) for _ in range(at_once))
                await asyncio.wait_for(asyncio.gather(*asked), 5)
            wire.watch.renew()
        sockets = (_open_files() - before) // 2  # the server has as many
        assert at_once * 4 <= sockets <= MAY_BE_OPEN - OURS


def test_no_more_than_are_of_use_where_there_is_no_limit() -> None:
    with mock.patch.object(resource, "getrlimit", return_value=(resource.RLIM_INFINITY, resource.RLIM_INFINITY)):
        assert session._unbounded() == session._UNBOUNDED


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
