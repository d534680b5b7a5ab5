"""Other programs that delete images, where they are installed: on the PATH, or named by a variable."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.deleting import carry_out, client, prepare
from benchmarks.lines import Line, line
from benchmarks.seeds import PATH, TAGS, copied
from holystone.engine.model.references import Digest, RegistryHost, Tag

_DOOMED = 100
_Doomed = Sequence[tuple[Tag, Digest]]


@dataclass(frozen=True, slots=True)
class _Peer:
    name: str
    variable: str
    command: Callable[[RegistryHost, Tag, Digest], Sequence[str]]
    what: str


_PEERS = (
    _Peer(
        "crane",
        "HOLYSTONE_CRANE",
        lambda host, _, digest: ("delete", "--insecure", f"{host}/{PATH}@{digest}"),
        "`crane delete` of each digest",
    ),
    _Peer(
        "regctl",
        "HOLYSTONE_REGCTL",
        lambda host, tag, _: ("--host", f"reg={host},tls=disabled", "tag", "delete", f"{host}/{PATH}:{tag}"),
        "`regctl tag delete` of each tag, which leaves the manifests",
    ),
)


async def measure_peers(program: str, storage: Path, folder: Path, concurrency: int) -> Iterable[Line]:
    with copied(storage, program) as host:
        async with client(host, concurrency) as mine:
            prepared = await prepare(mine.session, _DOOMED, seed=2)
            ours = await carry_out(mine, prepared, folder)
    doomed = sorted(prepared.doomed_tags.items())
    return [_measure(peer, program, storage, folder, concurrency, doomed, ours) for peer in _PEERS]


def _measure(
    peer: _Peer, program: str, storage: Path, folder: Path, concurrency: int, doomed: _Doomed, ours: float
) -> Line:
    name = f"{peer.name}, {_DOOMED} of {TAGS:,} tags, times ours"
    found = os.environ.get(peer.variable) or shutil.which(peer.name)
    if found is None:
        how = f"{peer.name} is neither on the PATH nor named by {peer.variable}."
        return line(name, None, how, better="higher")
    environment = {**os.environ, "HOME": str(folder)}  # without anybody's credentials

    def succeeds(one: tuple[Tag, Digest]) -> bool:
        command = [found, *peer.command(host, *one)]
        return subprocess.run(command, env=environment, capture_output=True).returncode == 0

    with copied(storage, program) as host, ThreadPoolExecutor(concurrency) as pool:
        begun = time.perf_counter()
        failed = list(pool.map(succeeds, doomed)).count(False)
        seconds = time.perf_counter() - begun
    how = (
        f"{peer.what}, {concurrency} processes at once: {1000 * seconds / _DOOMED:.0f} ms a tag, {failed} failed. "
        f"Ours, safety steps and check included: {1000 * ours / _DOOMED:.0f} ms a tag."
    )
    return line(name, seconds / ours, how, better="higher")
