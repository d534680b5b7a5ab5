"""`python -m tests.torture.doubled`: whole runs before which somebody answers a few requests twice, 3 ms later, or one
of all, 20 ms later. On docker-registry, on four worlds, half of them with what an earlier run has read."""

import argparse
import asyncio
import json
import random
import sys
from collections import Counter

from tests.torture.bench import carry_out
from tests.torture.schedules import Rule, Schedule
from tests.torture.trial import Outcome
from tests.torture.world import WORLDS

SEED = 14
_FEW, _ONE = 0.02, 600
"""The share of the requests; the number up to which the one is drawn (a run has 370 to 590)."""


def doubled(seed: int, number: int) -> Schedule:
    """Even ones double a few replies, odd ones one."""
    dice = random.Random(f"{seed}/doubled/{number}")
    rule = (
        Rule(("dup",), since=dice.randint(1, _ONE), times=1, seconds=0.02)
        if number % 2
        else Rule(("dup",), _FEW, seconds=0.003)
    )
    half = bool(number // (2 * WORLDS) % 2)
    return Schedule(
        seed,
        number,
        "faults",
        "docker-registry",
        world=number // 2 % WORLDS,
        lock=False,
        one_at_a_time=False,
        warm=half,
        rules=(rule,),
    )


def schedules(seed: int, runs: int) -> list[Schedule]:
    return [doubled(seed, number) for number in range(runs)]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.torture.doubled", description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--verbose", action="store_true")
    asked = parser.parse_args()
    done: list[Outcome] = []

    def add(outcome: Outcome) -> None:
        done.append(outcome)
        if outcome.problems or asked.verbose:
            print(f"{outcome.schedule}: {outcome.commands}, {outcome.faults} doubled, {outcome.problems}", flush=True)
        if asked.verbose:
            print("\n".join(outcome.said))

    # At the usual speed of time: what is late is late by the clock of the one that waits.
    asyncio.run(carry_out(schedules(asked.seed, asked.runs), "", asked.jobs, add, quickly=1.0))
    figures = {
        "runs": len(done),
        "replies doubled": sum(each.faults for each in done),
        "first exit codes": dict(Counter(str(each.commands[0][1]) for each in done if each.commands)),
        **{
            what.strip(": ").lower(): sum(1 for each in done if any(p.startswith(what) for p in each.problems))
            for what in ("LOST", "FALSE SUCCESS", "not healed", "never ends", "TRACEBACK", "the harness")
        },
    }
    print(f"seed {asked.seed}: {json.dumps(figures)}")
    return 1 if any(each.problems for each in done) else 0


if __name__ == "__main__":
    sys.exit(main())
