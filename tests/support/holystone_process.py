"""Holystone as people run it: a process of its own, with a home, a journal and a cache of its own."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import anyio.abc

from holystone.demo.published import PublishedProject


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Of `--output json`."""
        return json.loads(self.out)


class Holystone:
    """`folder` takes everything that a run leaves behind; `environ` is what else it is told."""

    def __init__(
        self,
        folder: Path,
        host: str,
        project: PublishedProject,
        credentials: tuple[str, str] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._environ = environ or {}
        self.state = folder / "state"
        self._home = folder / "home"
        docker = folder / "docker"
        for each in (self._home, docker):
            each.mkdir(parents=True)
        if credentials:
            auth = base64.b64encode(":".join(credentials).encode()).decode()
            (docker / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))
        self._folders = (
            f"--state-dir={self.state}",
            f"--cache-dir={folder / 'cache'}",
            f"--docker-config={docker}",
        )
        self.places = (
            f"--images-repo={host}/{project.images_repo}",
            f"--stages-storage={host}/{project.stages_storage}",
        )
        """Also for commands that have their addresses from a plan or the journal, which vouch for nobody."""
        self._project = (*self.places, f"--images-repo-mode={project.mode}", f"--dir={project.path}")

    async def cleanup(self, *options: str, only: str = "") -> Ended:
        """`only`: `images` or `stages`."""
        return await self.run(*self.cleanup_arguments(*options, only=only))

    def cleanup_arguments(self, *options: str, only: str = "") -> tuple[str, ...]:
        return (*((only,) if only else ()), "cleanup", *self._project, *options)

    async def run(self, *arguments: str) -> Ended:
        async with await self.start(*arguments) as process:
            return await finished(process)

    async def start(self, *arguments: str) -> anyio.abc.Process:
        # What the developer has set for himself must not reach the program.
        environment = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        folders = self._folders[:1] if arguments[0] == "runs" else self._folders  # which takes no other
        return await anyio.open_process(
            (sys.executable, "-m", "holystone.cli", *arguments, *folders),
            stdin=subprocess.DEVNULL,
            env={**environment, "HOME": str(self._home), "WERF_WITHOUT_KUBE": "true", **self._environ},
        )


async def finished(process: anyio.abc.Process) -> Ended:
    said: dict[str, bytes] = {}

    async def collect(name: str, stream: anyio.abc.ByteReceiveStream | None) -> None:
        assert stream is not None
        said[name] = b"".join([chunk async for chunk in stream])

    async with anyio.create_task_group() as group:
        group.start_soon(collect, "out", process.stdout)
        group.start_soon(collect, "err", process.stderr)
    return Ended(await process.wait(), said["out"].decode(), said["err"].decode())
