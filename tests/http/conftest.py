"""Lanes that do not wait, and registries that are used through them."""

import itertools
import random
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from holystone.adapters.credentials.credential import Anonymous, Credential
from holystone.adapters.http.transport import RegistryHttp, Reply
from holystone.engine.model.references import RegistryHost
from holystone.engine.scheduler import Lane, Limits, Scheduler
from tests.support.programs import require


async def _no_sleep(_: float) -> None:
    await anyio.lowlevel.checkpoint()


async def until(condition: Callable[[], object]) -> None:
    with anyio.fail_after(5):
        while not condition():
            await anyio.lowlevel.checkpoint()


class Client:
    def __init__(self, http: RegistryHttp, lane: Lane) -> None:
        self.http = http
        self.lane = lane

    async def get(self, path: str = "/v2/a/b/x", **more: Any) -> Reply:
        return await self.send("GET", path, **more)

    async def send(self, method: str, path: str, **more: Any) -> Reply:
        more.setdefault("limit", 4096)
        more.setdefault("scope", "repository:a/b:pull,delete")
        return await self.http.request(method, path, lane=self.lane, **more)


Connect = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture
def connect() -> Connect:
    """Opens a client; two attempts a request, so that the host is never paused."""

    @asynccontextmanager
    async def opened(host: RegistryHost, credential: Credential | None = None, **more: Any) -> AsyncIterator[Client]:
        limits = Limits(in_flight=64, attempts=2, longest_wait=5.0)
        lane = Scheduler(
            limits, clock=itertools.count(1000.0, 2.0).__next__, sleep=_no_sleep, rng=random.Random(1)
        ).lane(host, "test", "read")
        async with RegistryHttp(host, credential or Anonymous(), **more) as http:
            yield Client(http, lane)

    return opened


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """Of a server that nobody vouches for."""
    folder: Path = tmp_path_factory.mktemp("tls")
    key, file = folder / "key.pem", folder / "cert.pem"
    command = (
        f"{require('openssl')} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=x"
    )
    subprocess.run([*command.split(), "-keyout", str(key), "-out", str(file)], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key)
    return context
