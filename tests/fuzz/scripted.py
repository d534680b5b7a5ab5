"""A registry of which the input is all replies. One is written as

    200
    Link: </v2/team/app/tags/list?last=b>; rel="next"

    {"name": "team/app", "tags": ["a"]}

and the next follows behind a line `%%`; without a head it is a body with status 200. After the last one comes 404.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar, cast

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from holystone.adapters.http.reply import Reply
from holystone.adapters.http.transport import RegistryHttp
from holystone.engine.errors import Doubtful, HolystoneError
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath
from holystone.engine.scheduler import Lane

T = TypeVar("T")
HOST: Final = RegistryHost("registry.example")
REPOSITORY: Final = Repository(HOST, RepositoryPath("team/app"))
LANE: Final = cast("Lane", None)
"""Nobody waits here."""
_LOOP: Final = asyncio.new_event_loop()


def reply_of(text: bytes, asked: str = "https://registry.example/v2/team/app/tags/list?n=1000") -> Reply:
    head, separator, body = text.partition(b"\n\n")
    if not separator:
        head, body = b"", text
    status, *lines = head.decode("utf-8", "surrogateescape").split("\n")
    headers = CIMultiDict[str]()
    for line in lines:
        name, _, value = line.partition(":")
        # What the HTTP parser lets through (RFC 9110, 5.5).
        headers.add(name.strip(), "".join(c for c in value.strip() if c.isprintable() or c == "\t" or ord(c) > 126))
    number = int(status) if status.isascii() and status.isdecimal() and len(status) == 3 else 200
    return Reply(number, CIMultiDictProxy(headers), body, URL(asked), URL(asked))


class Script:
    """In the place of a RegistryHttp."""

    def __init__(self, data: bytes) -> None:
        self._replies = [part for part in data.split(b"\n%%\n") if part] if data else []
        self.asked = 0

    def __repr__(self) -> str:
        return f"<Script of {len(self._replies)}>"

    @property
    def http(self) -> RegistryHttp:
        return cast("RegistryHttp", self)

    async def request(self, _method: str, path: str, **_: Any) -> Reply:
        text = self._replies[self.asked] if self.asked < len(self._replies) else b"404\n\n"
        self.asked += 1
        return reply_of(text, f"https://registry.example{path}")

    async def get(self, path: str, *_: Any, **__: Any) -> Reply:
        return await self.request("GET", path)

    async def granted(self, *_: Any, **__: Any) -> dict[str, Any]:
        return {}

    host = HOST

    def doubt(self, what: str) -> Doubtful:
        return Doubtful(what)


def run(work: Coroutine[Any, Any, T]) -> T | None:
    """None for what was refused in words."""
    try:
        return _LOOP.run_until_complete(work)
    except HolystoneError:
        return None
