"""`make mutants`: breaks line after line where a mistake deletes what is wanted. Each time a test must fail."""

import argparse
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.mutants.bench import Bench, Measured
from tests.mutants.known import known, stale
from tests.mutants.operators import Mutant, mutants
from tests.mutants.rooms import ROOMS, TOP, Room

_CONTROLS: Final = 40
"""Of so many mutants one is tried with nothing changed: a test that fails then would catch anything."""


@dataclass(slots=True)
class Came:
    """What came of a room."""

    room: Room
    made: int
    listed: int
    tried: int = 0
    caught: int = 0
    controls: int = 0
    survivors: list[Mutant] = field(default_factory=list)
    unreliable: list[str] = field(default_factory=list)
    """Tests that failed with nothing changed."""
    seconds: float = 0.0


def main() -> int:
    asked = _arguments()
    every = {name: _made(ROOMS[name]) for name in ROOMS}
    lists = known()
    for each in stale(lists, (mutant for room in every.values() for mutant in room)):
        print(f"listed, and made no more: {each.module}: {each.line}\n    {each.change}")
    chosen = {name: [each for each in every[name] if _is_asked(asked.only, name, each)] for name in ROOMS}
    wanted = [mutant for room in chosen.values() for mutant in room if not any(one.is_one(mutant) for one in lists)]
    if asked.sample and asked.sample < len(wanted):
        wanted = random.Random(asked.seed).sample(wanted, asked.sample)
    drawn = {*wanted}
    came = []
    for name, made in chosen.items():
        listed = sum(1 for mutant in made if any(one.is_one(mutant) for one in lists))
        came.append(_try(ROOMS[name], [each for each in made if each in drawn], asked, len(made), listed))
    return _report(came, asked.seed, bool(stale(lists, (mutant for room in every.values() for mutant in room))))


def _is_asked(only: Sequence[str], room: str, mutant: Mutant) -> bool:
    return not only or any(part == room or ("/" in part and part in mutant.module) for part in only)


def _made(room: Room) -> list[Mutant]:
    return [mutant for module in room.modules() for mutant in mutants(module, (TOP / module).read_text())]


def _try(room: Room, chosen: Sequence[Mutant], asked: argparse.Namespace, made: int, listed: int) -> Came:
    came = Came(room, made, listed)
    if not chosen:
        return came
    begun = time.monotonic()
    for said in Bench(TOP, room.tests, asked.jobs, asked.seed).try_out(chosen, _CONTROLS):
        if isinstance(said, Measured):
            came.unreliable += said.failed
            print(f"{room.name}: {len(said.seconds)} tests, {sum(said.seconds.values()):.0f} s; {len(chosen)} mutants")
        elif not said.changed:
            came.controls += 1
            came.unreliable += [said.by] if said.by else []
        else:
            came.tried += 1
            came.caught += bool(said.by)
            if not said.by:
                came.survivors.append(said.mutant)
            if not said.by or asked.verbose:
                print(f"{said.by or f'not noticed by {said.tests} tests'}: {said.mutant}", flush=True)
    came.seconds = time.monotonic() - begun
    print(f"{room.name}: {came.caught} of {came.tried} caught, {came.seconds:.0f} s", flush=True)
    return came


def _report(came: Sequence[Came], seed: int, any_stale: bool) -> int:
    print(f"\nseed {seed}, {sum(each.seconds for each in came):.0f} s\n")
    print("| room | made | listed | tried | caught | controls failed |\n|---|---|---|---|---|---|")
    for each in [each for each in came if each.made]:
        failed = f"{len(each.unreliable)} of {each.controls}"
        print(f"| {each.room.name} | {each.made} | {each.listed} | {each.tried} | {each.caught} | {failed} |")
    for name in sorted({name for each in came for name in each.unreliable}):
        print(f"fails with nothing changed: {name}")
    missed = any(each.survivors or each.unreliable for each in came)
    return 1 if missed or any_stale else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the sample, and of what tests draw")
    parser.add_argument("--sample", type=int, default=0, help="so many mutants, drawn from all (default: all)")
    rooms = ", ".join(ROOMS)
    parser.add_argument("--only", default=[], type=lambda text: text.split(","), help=f"of {rooms}, or parts of paths")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--verbose", action="store_true", help="which test caught each")
    asked = parser.parse_args()
    if unknown := [part for part in asked.only if part not in ROOMS and "/" not in part]:
        parser.error(f"there is no room {', '.join(unknown)}")
    return asked


if __name__ == "__main__":
    sys.exit(main())
