"""Pushes to any registry over HTTP. It plays werf's part, so it shares nothing with the adapters that clean up."""

import base64
import io
import urllib.parse
from collections.abc import Iterable
from types import TracebackType
from typing import Self

import aiohttp
import anyio
import msgspec

from holystone.demo.images import Built
from holystone.engine.errors import RegistryFailure
from holystone.engine.model.references import Digest, RepositoryPath, Tag


class Push(msgspec.Struct, frozen=True):
    repository: RepositoryPath
    reference: Tag | Digest
    built: Built
    wave: int = 0
    """A push begins when all of the waves before its own have ended: children before their index."""


class Publisher:
    """`url` is `http://host:port`. `token` is for registries that take no password. At most `at_once` requests are in
    flight."""

    def __init__(
        self, url: str, *, credentials: tuple[str, str] | None = None, token: str = "", at_once: int = 16
    ) -> None:
        self._url = url.rstrip("/")
        self._headers: dict[str, str] = {"Authorization": f"Bearer {token}"} if token else {}
        if credentials and not token:
            encoded = base64.b64encode(":".join(credentials).encode()).decode()
            self._headers["Authorization"] = f"Basic {encoded}"
        self._at_once = at_once
        self._pushed: dict[tuple[str, Digest], anyio.Lock] = {}
        self._there: set[tuple[str, Digest]] = set()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=self._at_once)
        self._session = aiohttp.ClientSession(connector=connector, headers=self._headers)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def push_all(self, pushes: Iterable[Push]) -> None:
        """Raises RegistryFailure, in an ExceptionGroup."""
        by_wave: dict[int, list[Push]] = {}
        for push in pushes:
            by_wave.setdefault(push.wave, []).append(push)
        for _, wave in sorted(by_wave.items()):
            async with anyio.create_task_group() as group:
                for push in wave:
                    group.start_soon(self.push, push.repository, push.reference, push.built)

    async def push(self, repository: RepositoryPath, reference: Tag | Digest, built: Built) -> None:
        """Raises RegistryFailure."""
        for blob in built.blobs:
            await self.push_blob(repository, blob)
        url = f"{self._url}/v2/{repository}/manifests/{reference}"
        await self._send("PUT", url, built.manifest, {"Content-Type": built.media_type})

    async def push_blob(self, repository: RepositoryPath, blob: bytes) -> None:
        """Pushes a blob, once per repository. Raises RegistryFailure."""
        key = (repository, Digest.of(blob))
        if key in self._there:
            return
        async with self._pushed.setdefault(key, anyio.Lock()):
            if key in self._there:
                return
            start = f"{self._url}/v2/{repository}/blobs/uploads/"
            location = urllib.parse.urljoin(start, await self._send("POST", start))
            url = f"{location}{'&' if '?' in location else '?'}digest={urllib.parse.quote(key[1])}"
            await self._send("PUT", url, blob, {"Content-Type": "application/octet-stream"})
            self._there.add(key)

    async def _send(
        self, method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> str:
        """The reply's `Location`. What was not answered is sent once more, on another connection: a server may end one
        that it kept just then, and each of these requests may be repeated."""
        try:
            return await self._sent(method, url, body, headers)
        except aiohttp.ServerDisconnectedError:
            return await self._sent(method, url, body, headers)

    async def _sent(self, method: str, url: str, body: bytes | None, headers: dict[str, str] | None) -> str:
        if self._session is None:
            raise RuntimeError("a Publisher works inside `async with`")
        data = None if body is None else io.BytesIO(body)
        async with self._session.request(method, url, data=data, headers=headers) as response:
            if response.status not in (201, 202):
                said = (await response.content.read(1000)).decode(errors="replace")
                raise RegistryFailure(f"{method} {url} was answered with {response.status}: {said}")
            return response.headers.get("Location", "")
