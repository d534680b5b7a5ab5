"""What stands behind the ports of engine/ports/state.py, and what can befall it.

Another store is one more class that is a `Stand`, and a name for it in `stands.py`: the tests of this folder use
nothing else than the ports and what is said here."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Final, Literal, Protocol, TypeAlias

from holystone.engine.model.capabilities import Quota
from holystone.engine.ports import Baselines, DigestCache, Locks, RateBudget, RunStore, Sightings

Record: TypeAlias = Literal[
    "run",
    "head",
    "plan",
    "half of the plan",
    "tombstone",
    "manifest",
    "step",
    "outcome",
    "mark",
    "loss",
    "counted",
    "digest",
    "sighting",
]
"""What there is one of, or more, for each run: `run` is its own row, `head` what its plan says of all repositories,
`plan` that of one repository; `step` is what an outcome is of. The last three belong to no run."""

NOW: Final = 1_795_450_320.0


def still() -> float:
    return NOW


def drawn() -> str:
    return secrets.token_hex(4)


class Stand(Protocol):
    """What several processes keep together. Nothing is there when a test begins."""

    @property
    def script(self) -> str:
        """Lines of Python that make `stand` in another process."""
        ...

    @property
    def shares_budgets(self) -> bool:
        """Whether all budgets for a lane are one, or each process has its own."""
        ...

    def store(
        self,
        *,
        now: Callable[[], float] = still,
        token: Callable[[], str] = drawn,
        locks: Callable[[Locks], Locks] = lambda locks: locks,
    ) -> AbstractAsyncContextManager[RunStore]:
        """As another process opens it, with such a clock, such ends of new runs' ids, and its locks behind what is
        handed in. Leaving it ends what that process had. A plan, or the manifests of a
        repository, take more than one write, however small they are."""
        ...

    def locks(self) -> Locks:
        """As another process has them."""
        ...

    def cache(self) -> AbstractAsyncContextManager[DigestCache]: ...

    def baselines(self) -> Baselines: ...

    def sightings(self) -> AbstractAsyncContextManager[Sightings]: ...

    def recalled(self) -> Sightings:
        """As whoever is no run has them."""
        ...

    def budget(self, quota: Quota, now: float) -> RateBudget:
        """As another process has it for the same lane. It is asked by the clock of the event loop."""
        ...

    async def damage(self, record: Record, run_id: str = "") -> bool:
        """Somebody, or a bad disk, makes each such record of the run one that nobody wrote. False if the store itself
        does not let that be."""
        ...

    async def damage_all(self) -> None:
        """Nothing that is kept can be read any more."""
        ...

    def full(self, room: int = 0) -> AbstractContextManager[None]:
        """Meanwhile there is room for about so many bytes, and then for nothing that is written."""
        ...

    def broken_off(self, work: Callable[[RunStore], Awaitable[None]]) -> AsyncIterator["Stand"]:
        """What is left of `work` after each of its writes, and in the middle of it, where a machine loses power or a
        process is killed: from none of it to all, each a stand of its own until the next is asked for. `work` may be
        called more than once, and then finds the same clock and gets the same ids."""
        ...
