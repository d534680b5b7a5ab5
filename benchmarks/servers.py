"""A real docker-registry (distribution) for a benchmark: a process of its own on a free loopback port."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from holystone.engine.model.references import RegistryHost

NO_REGISTRY: Final = "docker-registry is not installed; `make servers` does that."
_PATIENCE: Final = 15.0
"""Seconds to come up."""


def find_registry() -> str | None:
    return shutil.which("docker-registry")


@contextmanager
def docker_registry(program: str, storage: Path, log: Path | None = None) -> Iterator[RegistryHost]:
    """Serves `storage`. As Debian configures it, but for the address, the password and the log: a line a request goes
    to `log`."""
    port = _free_port()
    configuration = {
        "version": "0.1",
        "log": {"level": "error", "accesslog": {"disabled": log is None}},
        "storage": {
            "cache": {"blobdescriptor": "inmemory"},
            "filesystem": {"rootdirectory": str(storage)},
            "delete": {"enabled": True},
        },
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    file = storage.with_suffix(".yml")
    file.write_text(json.dumps(configuration))  # JSON is YAML
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")}
    with (
        (log or Path(os.devnull)).open("wb") as told,
        subprocess.Popen(
            [program, "serve", str(file)],
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=subprocess.DEVNULL,
            env=environment | {"OTEL_TRACES_EXPORTER": "none"},
        ) as process,
    ):
        try:
            _await_port(process, port)
            yield RegistryHost.parse(f"127.0.0.1:{port}")
        finally:
            process.kill()


def _await_port(process: "subprocess.Popen[bytes]", port: int) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"docker-registry did not come up on port {port}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
