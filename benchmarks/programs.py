"""How long the program takes as a user sees it: `--help`, `runs`, and the demo."""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.lines import Line, line

_STARTS = 10
_QUICKEST = f"Of a new process, the quickest of {_STARTS}."
_HOLYSTONE = str(Path(sys.executable).with_name("holystone"))


def measure_programs() -> Iterator[Line]:
    bare, helped = [], []
    _seconds([_HOLYSTONE, "--help"])  # writes the bytecode
    for _ in range(_STARTS):
        bare.append(_seconds([sys.executable, "-c", "pass"]))
        helped.append(_seconds([_HOLYSTONE, "--help"]))
    how = f"Wall time of a new process, the quickest of {_STARTS}, each beside a start of the bare interpreter."
    yield line("holystone --help, ms", 1000 * min(helped), how, goal=150)
    yield line("holystone --help, times a bare interpreter", min(helped) / min(bare), how)
    yield line("holystone --help, s of processor time", _used([_HOLYSTONE, "--help"]), _QUICKEST, goal=0.1)
    with tempfile.TemporaryDirectory(prefix="holystone-bench-") as folder:
        runs = _used([_HOLYSTONE, "runs", "--state-dir", f"{folder}/state"])
    yield line("holystone runs, s of processor time", runs, _QUICKEST, goal=0.25)
    yield line("holystone demo, s", _seconds([_HOLYSTONE, "demo"]), "Wall time of one whole demo.", goal=60)


def _used(command: Sequence[str]) -> float:
    """Seconds of processor time."""
    used = []
    for _ in range(_STARTS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        _seconds(command)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(used)


def _seconds(command: Sequence[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - begun
