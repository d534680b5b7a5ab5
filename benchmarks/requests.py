"""How many requests a cleanup makes on each registry, against the least by which it can be done at all, and the least
by which Holystone's promises can be kept. Counted by the emulators; `make requests` prints the report."""

import logging
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import anyio
import structlog

from benchmarks.lines import Line, line, write
from holystone.adapters.registries.implementations import VENDORS
from tests.contract.floors import Counted, count, floor
from tests.contract.stands import EMULATORS

TAGS, DOOMED = 5_000, 1_000
MOST = 1.05
"""Times the floor."""
_RESULTS = Path(__file__).with_name("results") / "requests.json"


async def measure_requests(tags: int = TAGS, doomed: int = DOOMED) -> Iterable[Line]:
    lines: list[Line] = []
    with tempfile.TemporaryDirectory() as name:
        for registry in EMULATORS:
            counted = await count(registry, Path(name), tags, doomed)
            lines += list(_lines(registry, counted, tags, doomed))
    return lines


def _lines(name: str, counted: Counted, tags: int, doomed: int) -> Iterator[Line]:
    profile = VENDORS[name].profile
    for temperature, made in (("cold", counted.cold), ("warm", counted.warm)):
        least = floor(name, profile.can.listing.page, profile.can.bulk, tags, doomed, warm=temperature == "warm")
        yield line(
            f"requests on {name}, {temperature}, times the floor",
            made / least.promised,
            f"{made:,} requests for {doomed:,} of {tags:,} tags, tokens left out. The floor of {least.promised:,} is "
            f"{least.bare:,} to list, read and delete (times that: {made / least.bare:.3f}) and what promises need: "
            "the bytes of what goes, a look before the deletion, a look at what stays, the question for rights.",
            goal=MOST,
        )


async def _main() -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    lines = list(await measure_requests())
    for each in lines:
        print(f"{each}\n    {each.how}")
    write(lines, _RESULTS)
    return int(any(each.met is False for each in lines))


if __name__ == "__main__":
    sys.exit(anyio.run(_main))
