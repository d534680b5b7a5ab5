"""A plain client for tests: one request, the whole reply."""

import io
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from multidict import CIMultiDictProxy

ALL_TYPES = (
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json"
)


@dataclass(frozen=True, slots=True)
class Got:
    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The first OCI error code; empty if there is none."""
        try:
            return str(json.loads(self.body)["errors"][0]["code"])
        except (ValueError, KeyError, TypeError, IndexError):
            return ""


class Client:
    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self.url = url

    async def send(
        self, method: str, path: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Got:
        """`path` may be a whole URL. Redirects are not followed. A multidict of `headers` may have a name twice."""
        url = path if path.startswith("http") else self.url + path
        async with self._session.request(
            method, url, data=io.BytesIO(body) if body else None, headers=headers or {}, allow_redirects=False
        ) as response:
            return Got(response.status, response.headers, await response.read())


@asynccontextmanager
async def client(url: str) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession(skip_auto_headers=["Accept", "Content-Type"]) as session:
        yield Client(session, url)
