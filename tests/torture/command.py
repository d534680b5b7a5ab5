"""The command as a process, beside the one that watches it."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    out: str
    err: str


class Launcher:
    """Processes of the command, one at a time; `factor`: how much faster time passes for them."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self._process = process
        self._folder = folder
        self.pid: int | None = None
        """Of the command that runs now."""

    async def run(self, home: Path, *words: str) -> Ended:
        # What the developer has set for himself must not reach the program.
        environment = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        environment |= {"HOME": str(home), "WERF_WITHOUT_KUBE": "true"}
        out, err = self._folder / "out", self._folder / "err"
        for file in (out, err):  # it may be killed before it opens them
            file.write_bytes(b"")
        asked = {"words": words, "environment": environment, "out": str(out), "err": str(err)}
        assert self._process.stdin
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        self.pid = (await self._answer())["pid"]
        try:
            code = (await self._answer())["code"]
        finally:
            self.pid = None
        return Ended(code, out.read_text(errors="replace"), err.read_text(errors="replace"))

    async def _answer(self) -> dict[str, int]:
        assert self._process.stdout
        line = await self._process.stdout.readline()
        answer: dict[str, int] = json.loads(line)
        return answer


@asynccontextmanager
async def launcher(folder: Path, factor: float) -> AsyncIterator[Launcher]:
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.torture.launcher",
        str(factor),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    started = Launcher(process, folder)
    try:
        await started._answer()
        yield started
    finally:
        if started.pid:
            os.kill(started.pid, signal.SIGKILL)
        assert process.stdin
        process.stdin.close()
        await process.wait()
