"""`python -m benchmarks`: prints each measurement when it is made, and writes them to results/latest.json. With `large`
those that take longer than ten minutes, into results/large.json; with names of parts only these, which writes nothing.
Ends with 1 if a goal was missed."""

import importlib.util
import logging
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import anyio
import structlog

from benchmarks.deleting import measure_deleting
from benchmarks.lines import Line, Measure, line, record, verdict
from benchmarks.open_files import measure_open_files
from benchmarks.peers import measure_few_deletions, measure_many_deletions, measure_whole_peers
from benchmarks.plans import measure_plans
from benchmarks.programs import measure_programs
from benchmarks.pruning import measure_large_pruning, measure_pruning
from benchmarks.quotas import measure_quotas
from benchmarks.rates import measure_rates
from benchmarks.reads import measure_reads
from benchmarks.scheduling import measure_scheduling
from benchmarks.warm import measure_warm
from benchmarks.werf_runs import measure_werf_runs

_RESULTS: Final = Path(__file__).with_name("results")
USUAL: Final[Mapping[str, Measure]] = {
    "programs": measure_programs,
    "plans": measure_plans,
    "quotas": measure_quotas,
    "reads": measure_reads,
    "scheduling": measure_scheduling,
    "rates": measure_rates,
    "warm": measure_warm,
    "werf": measure_werf_runs,
    "few": measure_few_deletions,
    "open-files": measure_open_files,
    "pruning": measure_pruning,
    "many": measure_many_deletions,
}
LARGE: Final[Mapping[str, Measure]] = {
    "large-pruning": measure_large_pruning,
    "deleting": measure_deleting,
    "peers": measure_whole_peers,
}
_MOST: Final = 10.0
"""Minutes, for all that is usual."""


def _whole(parts: Mapping[str, Measure]) -> Sequence[Measure]:
    begun = time.monotonic()

    async def minutes() -> AsyncIterator[Line]:
        goal = _MOST if parts is USUAL else None
        yield line("all of this, minutes", (time.monotonic() - begun) / 60, "Wall time.", goal=goal)

    return [*parts.values(), minutes]


def main(words: Sequence[str]) -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    parts = {**USUAL, **LARGE}
    file: Path | None
    match words:
        case []:
            measures, file = _whole(USUAL), _RESULTS / "latest.json"
        case ["large"]:
            measures, file = _whole(LARGE), _RESULTS / "large.json"
        case _ if all(word in parts for word in words):
            measures, file = [parts[word] for word in words], None
        case _:
            print(f"Parts are {', '.join(parts)}; `large` is all of {', '.join(LARGE)}.", file=sys.stderr)
            return 2
    uvloop = importlib.util.find_spec("uvloop") is not None
    return verdict(anyio.run(record, measures, file, backend_options={"use_uvloop": uvloop}))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
