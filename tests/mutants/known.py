"""Mutants that nobody can notice, each with the reason: `equivalent.toml`."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.mutants.operators import Mutant

FILE: Final = Path(__file__).with_name("equivalent.toml")


@dataclass(frozen=True, slots=True)
class Known:
    module: str
    line: str
    """Its text: numbers change too often."""
    change: str
    why: str

    def is_one(self, mutant: Mutant) -> bool:
        return (self.module, self.line, self.change) == (mutant.module, mutant.text, mutant.change)


def known(file: Path = FILE) -> tuple[Known, ...]:
    return tuple(Known(**each) for each in tomllib.loads(file.read_text()).get("mutant", ()))


def stale(known: Iterable[Known], mutants: Iterable[Mutant]) -> list[Known]:
    """What is listed and not made any more."""
    every = [*mutants]
    return [each for each in known if not any(each.is_one(mutant) for mutant in every)]
