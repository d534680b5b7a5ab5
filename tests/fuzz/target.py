"""What is fuzzed: one module a parser in `targets`, each with

    SEEDS   sound inputs to begin with
    parse   takes bytes as a stranger could send them, catches what the parser's docstring says that it raises, and
            nothing else: whatever leaves it is a finding

A finding is mended, and its input kept in `corpora/TARGET/`, from where `test_parsers.py` replays it for ever."""

import importlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
PATIENCE: Final = 1.0
"""Seconds of processor time for one input. By the clock a busy machine would find hangs of its own."""


class TooSlow(AssertionError):
    pass


@dataclass(frozen=True, slots=True)
class Target:
    name: str
    seeds: Sequence[bytes]
    _parse: Callable[[bytes], None]

    @property
    def kept(self) -> Sequence[Path]:
        """Inputs that were findings once."""
        return sorted((HERE / "corpora" / self.name).glob("*"))

    def try_input(self, data: bytes) -> None:
        begun = time.process_time()
        self._parse(data)
        if (taken := time.process_time() - begun) > PATIENCE:
            raise TooSlow(f"{taken:.1f} s of processor time for {len(data)} bytes")


def load(name: str) -> Target:
    module = importlib.import_module(f"tests.fuzz.targets.{name}")
    return Target(name, module.SEEDS, module.parse)


def names() -> list[str]:
    return sorted(each.stem for each in (HERE / "targets").glob("*.py"))
