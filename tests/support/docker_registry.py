"""A real docker-registry (distribution) on a free loopback port, for as long as a block lasts."""

import asyncio
import json
import os
import shutil
import socket
import ssl
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.support.certificates import Pair
from tests.support.programs import require

USER = "holystone"
PASSWORD = "scrub-the-deck"
# htpasswd -nbB -C 4: bcrypt is the only kind that distribution reads, and low cost keeps the tests quick.
_HTPASSWD = "holystone:$2y$04$iKDd0ZdUboNNcmYShXd5Xuw5IUXIeRSx75TJS5qeLdCrbhtPu50du\n"


@dataclass(frozen=True, slots=True)
class DockerRegistry:
    url: str
    host: str
    """`127.0.0.1:PORT`."""
    storage: Path
    log: Path


@asynccontextmanager
async def docker_registry(
    folder: Path,
    *,
    delete: bool = True,
    basic_auth: bool = False,
    program: str | None = None,
    certificate: Pair | None = None,
) -> AsyncIterator[DockerRegistry]:
    """Keeps its configuration and log in `folder`, its storage in memory where possible: twice as quick.
    With `basic_auth`, only USER with PASSWORD may do anything. With a `certificate` it speaks TLS.
    `program` is another build of distribution than the installed docker-registry."""
    program = program or require("docker-registry")
    storage = _storage(folder)
    config: dict[str, Any] = {
        "version": "0.1",
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(storage)}, "delete": {"enabled": delete}},
        "http": {"headers": {"X-Test": [storage.name]}},
    }
    if basic_auth:
        passwords = folder / "htpasswd"
        passwords.write_text(_HTPASSWD)
        config["auth"] = {"htpasswd": {"realm": "test", "path": str(passwords)}}
    if certificate:
        file, key = certificate.write(folder, "registry")
        config["http"]["tls"] = {"certificate": str(file), "key": str(key)}
    try:
        async with _running(folder, storage, program, config) as registry:
            yield registry
    finally:
        shutil.rmtree(storage, ignore_errors=True)


@asynccontextmanager
async def _running(folder: Path, storage: Path, program: str, config: dict[str, Any]) -> AsyncIterator[DockerRegistry]:
    scheme = "https" if "tls" in config["http"] else "http"
    for _ in range(5):  # somebody may take the port between finding it and using it
        port = _free_port()
        process = await _start(program, folder, config, port)
        try:
            if await _is_ready(process, port, storage.name, tls=scheme == "https"):
                host = f"127.0.0.1:{port}"
                yield DockerRegistry(f"{scheme}://{host}", host, storage, folder / "registry.log")
                return
        finally:
            if process.returncode is None:
                process.kill()
            with anyio.CancelScope(shield=True):
                await process.wait()
    pytest.fail(f"{program} did not start:\n{(folder / 'registry.log').read_text()[-2000:]}", pytrace=False)


async def _start(program: str, folder: Path, config: dict[str, Any], port: int) -> asyncio.subprocess.Process:
    file = folder / "config.yml"
    http = {**config["http"], "addr": f"127.0.0.1:{port}"}
    file.write_text(json.dumps({**config, "http": http}))  # JSON is YAML
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")}
    with (folder / "registry.log").open("ab") as log:
        return await asyncio.create_subprocess_exec(
            program,
            "serve",
            str(file),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment | {"OTEL_TRACES_EXPORTER": "none"},
        )


async def _is_ready(process: asyncio.subprocess.Process, port: int, mark: str, *, tls: bool) -> bool:
    """Whether this very process answers on the port, which only the mark in its headers can tell."""
    trust = ssl._create_unverified_context() if tls else None
    with anyio.move_on_after(10):
        while process.returncode is None:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust)
            except OSError:
                await anyio.sleep(0.01)
                continue
            try:
                writer.write(b"GET /v2/ HTTP/1.0\r\n\r\n")
                return mark.encode() in await reader.read()
            finally:
                writer.close()
                await writer.wait_closed()
    return False


def _storage(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="holystone-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else folder))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
