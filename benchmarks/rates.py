"""How many manifests a second come from a registry on this machine, against a load generator written in C."""

import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from itertools import cycle, islice
from typing import Final

from benchmarks.deleting import Client, client
from benchmarks.lines import Line, line
from benchmarks.seeds import PATH, stage, stages
from benchmarks.servers import find_registry
from holystone.adapters.registries.oci_reading import ACCEPT
from holystone.engine.model.references import Digest, RegistryHost
from holystone.engine.scheduler import for_each

_MANIFESTS: Final = 1_000
_AT_ONCE: Final = 16
_GETS: Final = 2_000
_SECONDS: Final = 2
_ROUNDS: Final = 3
_NAME: Final = "GETs of manifests a second, times wrk"


async def measure_rates() -> AsyncIterator[Line]:
    program, generator = find_registry(), shutil.which("wrk")
    if program is None or generator is None:
        how = "docker-registry or wrk is not installed; `make bench` installs them where it may."
        yield line(_NAME, None, how, goal=0.85, better="higher")
        return
    digests = [stage(number).digest for number in range(_MANIFESTS)]
    ours, theirs, used = [], [], []
    with stages(program, _MANIFESTS) as host:
        async with client(host, _AT_ONCE) as mine:
            await _get(mine, digests)  # the registry has read all of them
            for _ in range(_ROUNDS):
                theirs.append(_wrk(generator, host, digests))
                begun, processor = time.perf_counter(), time.process_time()
                await _get(mine, islice(cycle(digests), _GETS))
                ours.append(_GETS / (time.perf_counter() - begun))
                used.append((time.process_time() - processor) / _GETS)
                theirs.append(_wrk(generator, host, digests))
    around = [(before + after) / 2 for before, after in zip(theirs[::2], theirs[1::2], strict=True)]
    ratios = [own / other for own, other in zip(ours, around, strict=True)]
    how = (
        f"{statistics.median(ours):,.0f} against {statistics.median(theirs):,.0f}, {_AT_ONCE} connections each, in "
        f"turns; median of {_ROUNDS}. A GET takes {1e6 * statistics.median(used):.0f} µs of our processor time; wrk, "
        "which reads nothing of the replies, leaves the registry both cores."
    )
    yield line(_NAME, statistics.median(ratios), how, goal=0.85, better="higher")


async def _get(mine: Client, digests: Iterable[Digest]) -> None:
    async def get(digest: Digest) -> None:
        await mine.session.read_manifests([digest])

    await for_each(digests, get, workers=_AT_ONCE)


def _wrk(generator: str, host: RegistryHost, digests: Sequence[Digest]) -> float:
    """Replies a second. Raises RuntimeError if there were others than 200."""
    listed = ", ".join(f'"/v2/{PATH}/manifests/{digest}"' for digest in digests)
    script = f"""
        local paths, n = {{ {listed} }}, 0
        function request() n = n % #paths + 1; return wrk.format("GET", paths[n], {{ Accept = "{ACCEPT}" }}) end
    """
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        words = [generator, "-t1", f"-c{_AT_ONCE}", f"-d{_SECONDS}s", "-s", file.name, f"http://{host}"]
        told = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    found = re.search(r"Requests/sec:\s+([\d.]+)", told)
    if not found or "Non-2xx" in told:
        raise RuntimeError(told)
    return float(found[1])
