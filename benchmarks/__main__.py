"""`python -m benchmarks`: prints each measurement and writes them all to results/latest.json. Ends with 1 if a goal
was missed."""

import importlib.util
import logging
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import anyio
import structlog

from benchmarks.deleting import measure_deleting
from benchmarks.lines import Line, line, write
from benchmarks.open_files import measure_open_files
from benchmarks.peers import measure_peers
from benchmarks.plans import measure_plans
from benchmarks.programs import measure_programs
from benchmarks.pruning import measure_pruning
from benchmarks.reads import measure_reads
from benchmarks.scheduling import measure_scheduling
from benchmarks.seeds import push_stages
from benchmarks.servers import find_registry
from benchmarks.warm import measure_warm

_RESULTS = Path(__file__).with_name("results") / "latest.json"
_CONCURRENCY = 16


async def _measure() -> list[Line]:
    lines: list[Line] = []

    def take(measured: Iterable[Line]) -> None:
        for each in measured:
            lines.append(each)
            print(each, flush=True)

    take(measure_programs())
    take(measure_plans())
    take(measure_open_files())
    take(measure_pruning())
    take(measure_warm())
    take(await measure_reads())
    program = find_registry()
    if program is None:
        how = "docker-registry is not installed; `make servers` does that."
        take([line("deletions on a real registry", None, how, goal=2, better="higher")])
        return lines
    with tempfile.TemporaryDirectory(prefix="holystone-bench-", dir="/tmp") as name:
        folder = Path(name)
        storage = folder / "storage"
        await push_stages(storage, program)
        take(await measure_scheduling(program, storage, _CONCURRENCY))
        take(await measure_peers(program, storage, folder, _CONCURRENCY))
        take(await measure_deleting(program, storage, folder, _CONCURRENCY))
    return lines


def main() -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    uvloop = importlib.util.find_spec("uvloop") is not None
    lines = anyio.run(_measure, backend_options={"use_uvloop": uvloop})
    write(lines, _RESULTS)
    missed = [each.name for each in lines if each.met is False]
    print(f"MISSED: {'; '.join(missed)}" if missed else "All goals that could be measured are met.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
