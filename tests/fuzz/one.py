"""One target under the coverage-guided fuzzer: `python -m tests.fuzz.one TARGET [libFuzzer's options]`."""

import random
import sys

import atheris

with atheris.instrument_imports(include=["holystone"]):
    from tests.fuzz.spoil import spoil
    from tests.fuzz.target import load

    TARGET = load(sys.argv[1])


def mutate(data: bytes, largest: int, seed: int) -> bytes:
    """Half of the changes are libFuzzer's own: those find what nobody thought of."""
    chance = random.Random(seed)
    changed = spoil(data, chance) if chance.random() < 0.5 else atheris.Mutate(data, largest)
    return changed[:largest]


if __name__ == "__main__":
    atheris.Setup([sys.argv[0], *sys.argv[2:]], TARGET.try_input, custom_mutator=mutate)
    atheris.Fuzz()
