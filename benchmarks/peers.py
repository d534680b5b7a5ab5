"""Other programs that delete images, each at its best, on the storage that Holystone works on.

On distribution 2.8 a deletion by digest reads where every tag of the repository points, so that its cost grows evenly
with the tags that are left, and the mean of a deletion from the full and one from the emptied repository is the mean of
all. To delete 9,900 tags so takes ten minutes and more: `make bench` measures both ends, and `make bench-large` all.
"""

import os
import random
import shutil
import statistics
import subprocess
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from benchmarks.deleting import carry_out, client, delete_each, prepare
from benchmarks.lines import Line, line
from benchmarks.seeds import PATH, Stage, stage, stages
from benchmarks.servers import NO_REGISTRY, find_registry
from holystone.engine.model.references import Digest, RegistryHost
from tests.real.servers import built

_FEW: Final = (2_500, 100)
_MANY: Final = (10_000, 9_900)
"""Tags, and how many of them go."""
_ROUNDS: Final = 3
_SLICE: Final = 36
"""Deletions from the full repository and from the emptied one."""
_SWEEP: Final = (2, 4, 8, 16, 32)


@dataclass(frozen=True, slots=True)
class _Peer:
    name: str
    at_once: int
    """Processes, where it is quickest: by `make bench-large`, which tries others."""
    found: Callable[[], Path | None]
    command: Callable[[RegistryHost], Sequence[str]]
    """Deletes the digest that takes the place of `{}`."""

    @property
    def program(self) -> str | None:
        named = os.environ.get(f"HOLYSTONE_{self.name.upper()}") or shutil.which(self.name) or self.found()
        return str(named) if named else None

    def absent(self) -> str:
        return (
            f"{self.name} is not on the PATH, nor named by HOLYSTONE_{self.name.upper()}; `make servers` installs it."
        )

    def delete(self, host: RegistryHost, digests: Iterable[Digest], at_once: int | None = None) -> float:
        """Seconds. Raises RuntimeError if a deletion failed."""
        command = ["xargs", f"-P{at_once or self.at_once}", "-I{}", self.program or "", *self.command(host)]
        home = {**os.environ, "HOME": "/nonexistent"}  # without anybody's credentials
        begun = time.perf_counter()
        done = subprocess.run(command, input="\n".join(digests), env=home, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{self.name}: {done.stderr[-500:]}")
        return time.perf_counter() - begun


_PEERS: Final = (
    _Peer(
        "crane",
        8,
        lambda: built("ggcr"),
        lambda host: ("delete", "--insecure", f"{host}/{PATH}@{{}}"),
    ),
    _Peer(
        "regctl",
        4,
        lambda: built("regctl"),
        lambda host: ("--host", f"reg={host},tls=disabled", "manifest", "delete", f"{host}/{PATH}@{{}}"),
    ),
    _Peer(
        "skopeo",
        8,
        lambda: None,
        lambda host: ("delete", "--tls-verify=false", f"docker://{host}/{PATH}@{{}}"),
    ),
)


async def measure_few_deletions() -> AsyncIterator[Line]:
    """Where there is little to win by tombstones, and most of what promises cost is a look at what stays."""
    tags, doomed = _FEW
    where = f"{doomed:,} of {tags:,} tags"
    program = find_registry()
    if program is None:
        yield line(f"{where}, the fastest peer, times ours", None, NO_REGISTRY, goal=1, better="higher")
        return
    peers = [peer for peer in _PEERS if peer.program]
    found: dict[str, list[float]] = {"ours": [], **{peer.name: [] for peer in peers}}
    order: deque[_Peer | None] = deque([None, *peers])
    for turn in range(_ROUNDS):
        left = _shuffled(tags, turn)
        with stages(program, tags) as host:
            for peer in order:
                going = [*islice(left, doomed)]
                if peer:
                    found[peer.name].append(peer.delete(host, (each.digest for each in going)))
                else:
                    found["ours"].append(await _ours(host, going))
        order.rotate(1)
    ours = found.pop("ours")
    how = (
        f"{1000 * statistics.median(ours) / doomed:.1f} ms a tag, journal, comparison, guard and check included, "
        f"reading and deciding left out; median of {_ROUNDS} rounds, in each of which the programs take turns on one "
        "repository."
    )
    yield line(f"{where}, Holystone, s", statistics.median(ours), how)
    for peer in _PEERS:
        yield _times_ours(f"{where}, {peer.name}, times ours", peer, found.get(peer.name), ours, doomed)
    fastest = [min(each) for each in zip(*found.values(), strict=True)]
    ratio = statistics.median(_ratios(fastest, ours)) if peers else None
    yield line(f"{where}, the fastest peer, times ours", ratio, "Of those above.", goal=1, better="higher")


def _times_ours(name: str, peer: _Peer, theirs: Sequence[float] | None, ours: Sequence[float], doomed: int) -> Line:
    if not theirs:
        return line(name, None, peer.absent(), better="higher")
    ratios = _ratios(theirs, ours)
    how = (
        f"A deletion of each digest, {peer.at_once} processes at once: "
        f"{1000 * statistics.median(theirs) / doomed:.1f} ms a tag. "
        f"Rounds: {', '.join(f'{ratio:.2f}' for ratio in ratios)}."
    )
    return line(name, statistics.median(ratios), how, better="higher")


def _ratios(theirs: Sequence[float], ours: Sequence[float]) -> list[float]:
    return [other / own for own, other in zip(ours, theirs, strict=True)]


async def measure_many_deletions() -> AsyncIterator[Line]:
    """Peers delete their first slices from the full repository, Holystone does the whole of the work on what is left,
    and peers delete their last ones."""
    tags, doomed = _MANY
    where = f"{doomed:,} of {tags:,} tags"
    program = find_registry()
    if program is None:
        yield line(f"{where}, times faster than the fastest peer", None, NO_REGISTRY, goal=10, better="higher")
        return
    peers = [peer for peer in _PEERS if peer.program]
    spare = _SLICE * (len(peers) + 1)
    left = _shuffled(tags + 2 * spare, 1)
    with stages(program, tags + 2 * spare) as host:
        full = await _slices(host, peers, left)
        ours = await _ours(host, [*islice(left, doomed)])
        emptied = await _slices(host, peers, left)
    how = "From the journal's first record to the check after the last request; reading and deciding left out."
    yield line(f"{where}, Holystone, s", ours, how)
    whole = {name: doomed * (full[name] + emptied[name]) / 2 for name in full}
    for name, seconds in whole.items():
        who = "Our own adapter, with nothing promised" if name == _BARE else name
        yield line(
            f"{where}, {name}, s, by both ends",
            seconds,
            f"{who}: {1000 * full[name]:.0f} ms a deletion from the full repository and {1000 * emptied[name]:.0f} ms "
            f"from the emptied one, by {_SLICE} each; the cost falls evenly, so that their mean is that of all.",
        )
    del whole[_BARE]
    name = f"{where}, times faster than the fastest peer"
    if whole:
        fastest, seconds = min(whole.items(), key=lambda one: one[1])
        yield line(name, seconds / ours, f"{fastest}.", goal=10, better="higher")
    else:
        yield line(name, None, " ".join(peer.absent() for peer in _PEERS), goal=10, better="higher")


_BARE: Final = "each digest deleted"


async def _slices(host: RegistryHost, peers: Sequence[_Peer], left: Iterator[Stage]) -> Mapping[str, float]:
    """Seconds a deletion."""
    async with client(host) as mine:
        found = {_BARE: await delete_each(mine, [each.digest for each in islice(left, _SLICE)]) / _SLICE}
    for peer in peers:
        found[peer.name] = peer.delete(host, (each.digest for each in islice(left, _SLICE))) / _SLICE
    return found


async def measure_whole_peers() -> AsyncIterator[Line]:
    """How many processes serve each peer best, and whether both ends say how long all takes."""
    tags, doomed = _MANY
    program = find_registry()
    for peer in _PEERS if program else ():
        if not peer.program:
            yield line(f"{doomed:,} of {tags:,} tags, {peer.name}, s", None, peer.absent())
            continue
        spare = _SLICE * len(_SWEEP)
        left = _shuffled(tags + 2 * spare, 2)
        with stages(program or "", tags + 2 * spare) as host:
            full = {n: peer.delete(host, _digests(left, _SLICE), n) for n in _SWEEP}
            seconds = peer.delete(host, _digests(left, doomed))
            emptied = {n: peer.delete(host, _digests(left, _SLICE), n) for n in _SWEEP}
        means = ", ".join(f"{n}: {doomed * (full[n] + emptied[n]) / 2 / _SLICE:.0f} s" for n in _SWEEP)
        how = f"{peer.at_once} processes at once. By both ends, for so many processes: {means}."
        yield line(f"{doomed:,} of {tags:,} tags, {peer.name}, s", seconds, how)


def _shuffled(tags: int, seed: int) -> Iterator[Stage]:
    return map(stage, random.Random(seed).sample(range(tags), tags))


def _digests(left: Iterator[Stage], number: int) -> Iterator[Digest]:
    return (each.digest for each in islice(left, number))


async def _ours(host: RegistryHost, going: Sequence[Stage]) -> float:
    async with client(host) as mine:
        return await carry_out(mine, await prepare(mine.session, {each.tag for each in going}))
