"""Whatever may stand behind the ports, by its name."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Final, TypeAlias

from tests.state.conformance.sqlite_stand import SqliteStand
from tests.state.conformance.stand import Stand

NewStand: TypeAlias = Callable[[], AbstractContextManager[Stand]]
STANDS: Final[Mapping[str, NewStand]] = {"sqlite": SqliteStand.new}
