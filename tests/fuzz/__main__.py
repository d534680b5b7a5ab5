"""`make fuzz`: every parser of something from outside under a coverage-guided fuzzer, one after the other, within a
limit of memory and a limit of time for each input. Findings are left in `--into`, and named."""

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.fuzz.target import Target, load, names

GROWTH: Final = 256
"""MiB that a target may grow by."""
_HANG: Final = 60
"""Seconds by the clock, for what waits and does not work; work is bounded by `target.PATIENCE`."""
_LONGEST: Final = 16_384
"""Bytes of an input."""


@dataclass(frozen=True, slots=True)
class Ended:
    target: str
    runs: int
    coverage: int
    peak: int
    """MiB."""
    grown: int
    """MiB."""
    findings: list[Path]


def main() -> int:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600, help="in all, shared out evenly (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=int(time.time()) % 1_000_000, help="of libFuzzer")
    parser.add_argument("--only", action="append", metavar="TARGET", choices=names(), help="may be repeated")
    parser.add_argument(
        "--into", type=Path, default=Path("build/fuzz"), help="where findings go (default: %(default)s)"
    )
    given = parser.parse_args()
    chosen = given.only or names()
    each = max(1, int(given.seconds / len(chosen)))
    given.into.mkdir(parents=True, exist_ok=True)
    print(f"seed {given.seed}, {each} s each, inputs of up to {_LONGEST} bytes, {GROWTH} MiB of growth\n")
    print(f"{'target':<20} {'inputs':>10} {'edges':>6} {'peak MiB':>8} {'grown':>6}  findings")
    ended = [_fuzz(load(name), each, given.seed, given.into) for name in chosen]
    print(f"\n{sum(one.runs for one in ended):,} inputs, {sum(len(one.findings) for one in ended)} findings")
    return 1 if any(one.findings for one in ended) else 0


def _fuzz(target: Target, seconds: int, seed: int, into: Path) -> Ended:
    base = _size_at_rest(target)
    with tempfile.TemporaryDirectory(prefix="holystone-fuzz-") as folder:
        corpus = Path(folder)
        for number, data in enumerate((*target.seeds, *(file.read_bytes() for file in target.kept))):
            (corpus / f"seed-{number}").write_bytes(data)
        before = {*into.iterdir()}
        options = {
            "max_total_time": seconds,
            "seed": seed,
            "rss_limit_mb": base + GROWTH,
            "timeout": _HANG,
            "report_slow_units": 10 * _HANG,
            "max_len": _LONGEST,
            "artifact_prefix": f"{into}/{target.name}-",
            "print_final_stats": 1,
            "verbosity": 1,
        }
        command = [
            sys.executable,
            "-m",
            "tests.fuzz.one",
            target.name,
            *(f"-{k}={v}" for k, v in options.items()),
            folder,
        ]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        said = done.stdout.decode(errors="replace")
        findings = sorted({*into.iterdir()} - before)
        if done.returncode and not findings:
            findings = [into / f"{target.name}-ended-with-{done.returncode}.txt"]
        if done.returncode:
            (into / f"{target.name}.txt").write_text(said)
    peak = _figure(said, "stat::peak_rss_mb:")
    ended = Ended(
        target.name,
        _figure(said, "stat::number_of_executed_units:"),
        _covered(said),
        peak,
        max(0, peak - base),
        findings,
    )
    named = " ".join(file.name for file in findings) or "none"
    print(
        f"{ended.target:<20} {ended.runs:>10,} {ended.coverage:>6} {ended.peak:>8} {ended.grown:>6}  {named}",
        flush=True,
    )
    return ended


def _size_at_rest(target: Target) -> int:
    """MiB, of the fuzzer with the target loaded and its seeds tried once."""
    command = [sys.executable, "-m", "tests.fuzz.one", target.name, "-runs=1", "-print_final_stats=1"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return _figure(done.stdout.decode(errors="replace"), "stat::peak_rss_mb:")


def _figure(said: str, name: str) -> int:
    found = [line.partition(name)[2] for line in said.splitlines() if line.startswith(name)]
    return int(found[-1]) if found else 0


def _covered(said: str) -> int:
    found = [line.partition(" cov: ")[2].split()[0] for line in said.splitlines() if " cov: " in line]
    return int(found[-1]) if found else 0


if __name__ == "__main__":
    sys.exit(main())
