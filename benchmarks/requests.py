"""How many requests a cleanup makes on each registry, against the least by which it can be done at all, and the least
by which Holystone's promises can be kept. Counted by the emulators; `make requests` prints the report.

Requests grow with pages and tags and are the same each time, so that a fifth of 50,000 tags shows what 50,000 cost, if
what exceeds the floor does not grow: it is counted for a small repository, too. `python -m benchmarks.requests 50000`
counts those themselves, in an hour."""

import logging
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Final

import anyio
import structlog

from benchmarks.lines import Line, line, record, verdict
from holystone.adapters.registries.implementations import VENDORS
from tests.contract.floors import Counted, count, floor
from tests.contract.stands import EMULATORS

TAGS: Final = 10_000
_SMALL: Final = 1_000
_DOOMED: Final = 0.2
_MOST: Final = 1.02
"""Times the floor."""
_MINUTES: Final = 10
_RESULTS: Final = Path(__file__).with_name("results") / "requests.json"


def measure_requests(tags: int = TAGS) -> Iterator[Line]:
    """Each registry in a process of its own, as many at once as there are cores."""
    begun = time.monotonic()
    with ProcessPoolExecutor() as processes:
        for done in as_completed([processes.submit(_counted, name, tags) for name in EMULATORS]):
            yield from _lines(*done.result(), tags)
    yield line("all of this, minutes", (time.monotonic() - begun) / 60, "Wall time.", goal=_MINUTES)


def _counted(name: str, tags: int) -> tuple[str, Counted, Counted]:
    _quiet()
    with tempfile.TemporaryDirectory() as folder:
        found, small = (anyio.run(count, name, Path(folder), each, int(_DOOMED * each)) for each in (tags, _SMALL))
    return name, found, small


def _lines(name: str, found: Counted, small: Counted, tags: int) -> Iterator[Line]:
    profile = VENDORS[name].profile
    for warm in (False, True):
        (made, least), (few, little) = (
            (
                counted.warm if warm else counted.cold,
                floor(name, profile.can.listing.page, profile.can.bulk, each, int(_DOOMED * each), warm=warm),
            )
            for counted, each in ((found, tags), (small, _SMALL))
        )
        yield line(
            f"requests on {name}, {'warm' if warm else 'cold'}, times the floor",
            made / least.promised,
            f"{made:,} requests for {int(_DOOMED * tags):,} of {tags:,} tags, tokens left out. The floor of "
            f"{least.promised:,} is {least.bare:,} to list, read and delete (times that: {made / least.bare:.3f}) and "
            "what promises need: the bytes of what goes, a look before the deletion, a look at what stays, the "
            f"question for rights. {made - least.promised:+,}; of {_SMALL:,} tags {few - little.promised:+,}.",
            goal=_MOST,
        )


def _quiet() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))


def main(words: Sequence[str]) -> int:
    _quiet()
    if words:
        lines = anyio.run(record, [lambda: measure_requests(int(words[0]))], None)
    else:
        lines = anyio.run(record, [measure_requests], _RESULTS)
    for each in lines:
        print(f"{each.name}: {each.how}")
    return verdict(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
