"""`make torture`: schedules of faults and kills between the command and real registries. `--help` tells more."""

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from pathlib import Path

from tests.torture.bench import carry_out, distribution_3
from tests.torture.schedules import PARTS, Part, part_of, schedule
from tests.torture.trial import Outcome


def main() -> int:
    asked = _arguments()
    chosen = [schedule(asked.seed, part, number) for part, number in _chosen(asked)]
    if not asked.distribution_3:
        left_out = sum(1 for each in chosen if each.server == "distribution-3")
        chosen = [each for each in chosen if each.server != "distribution-3"]
        print(f"distribution 3 is absent, HOLYSTONE_DISTRIBUTION_3 names no program: {left_out} trials left out")
    report = _Report(asked.seed, len(chosen), asked.verbose, asked.told)
    asyncio.run(carry_out(chosen, asked.distribution_3, asked.jobs, report.add))
    return report.end()


class _Report:
    def __init__(self, seed: int, of: int, verbose: bool, told: Path | None) -> None:
        self._told = told
        self._seed = seed
        self._of = of
        self._verbose = verbose
        self._begun = time.monotonic()
        self._outcomes: list[Outcome] = []

    def add(self, outcome: Outcome) -> None:
        self._outcomes.append(outcome)
        if outcome.problems or self._verbose:
            print(f"\n{outcome.schedule}: {outcome.commands}, {outcome.faults} faults, {outcome.seconds:.1f} s")
            for problem in outcome.problems:
                print(f"  {problem}")
            name = f"{outcome.schedule.part}:{outcome.schedule.number}"
            print(f"  again: make torture SEED={self._seed} ONLY={name}")
            if outcome.problems and self._told:
                self._told.mkdir(parents=True, exist_ok=True)
                (self._told / f"{self._seed}-{name}.txt").write_text("\n".join(outcome.said))
        if self._verbose:
            print("\n".join(outcome.said))
        if len(self._outcomes) % 25 == 0:
            print(f"[{len(self._outcomes)} of {self._of}, {time.monotonic() - self._begun:.0f} s]", flush=True)

    def end(self) -> int:
        print(f"\nseed {self._seed}, {time.monotonic() - self._begun:.0f} s")
        for part in PARTS:
            mine = [each for each in self._outcomes if each.schedule.part == part]
            if not mine:
                continue
            codes = Counter(each.commands[0][1] if each.commands else None for each in mine)
            figures = {
                "trials": len(mine),
                "servers": dict(Counter(each.schedule.server for each in mine)),
                "commands": sum(len(each.commands) for each in mine),
                "faults": sum(each.faults for each in mine),
                "kills": sum(each.killed for each in mine),
                "locks left to go stale": sum(each.stale_locks for each in mine),
                "undone": sum(1 for each in mine if ("undo", 0) in each.commands),
                "first exit codes": {str(code): number for code, number in codes.most_common()},
                "longest, seconds": round(max(each.seconds for each in mine), 1),
                "with problems": sum(1 for each in mine if each.problems),
            }
            print(f"{part}: {json.dumps(figures)}")
        return 1 if any(each.problems for each in self._outcomes) else 0


def _chosen(asked: argparse.Namespace) -> list[tuple[Part, int]]:
    if asked.only:
        words = [word.partition(":") for word in asked.only.split(",")]
        return [(part, int(number)) for part, _, number in words]
    kills: list[tuple[Part, int]] = [("kills", number) for number in range(asked.kills)]
    return [(part_of(number), number) for number in range(asked.schedules)] + kills


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--schedules", type=int, default=1000, help="of faults and lies")
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--only", default="", help="PART:NUMBER,… as the report names them: faults, lies or kills")
    parser.add_argument("--jobs", type=int, default=6)
    parser.add_argument("--verbose", action="store_true", help="what each command said")
    parser.add_argument("--told", type=Path, help="a folder for what the commands of trials with problems said")
    parser.add_argument("--distribution-3", default=distribution_3(), help="its program")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
