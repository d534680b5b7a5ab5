"""What outlives a run, as the engine needs it: wherever it is kept, these promises hold.

A record is where it is to be when the method that writes it returns, and whoever is cancelled while it waits may find
it written all the same.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from typing import Protocol

from holystone.engine.model.capabilities import Quota
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.outcomes import Loss, Outcome
from holystone.engine.model.plan import Plan, RepositoryPlan, StepId
from holystone.engine.model.records import Journaled, RepositoryRecord, RunRecord, RunState, Tombstone
from holystone.engine.model.references import Digest, Repository, Tag
from holystone.engine.model.sightings import LookedAt, Seen, Sight
from holystone.engine.model.sources import Counted, Key, Remembered


class RepositoryJournal(Protocol):
    """What is recorded of one repository in one run. Every method raises HolystoneError if it cannot be written."""

    @property
    def known(self) -> RepositoryRecord:
        """What was recorded when this attempt began."""
        ...

    async def journaled(self) -> Journaled: ...

    async def manifest(self, digest: Digest) -> RawManifest | None:
        """A manifest that was kept; None if its bytes are not there, or not what its digest says."""
        ...

    async def keep(self, manifests: Sequence[RawManifest]) -> None: ...

    async def seal(self) -> None:
        """All that is needed to finish or undo the repository is kept."""
        ...

    async def record(self, outcomes: Mapping[StepId, Outcome]) -> None:
        """Records what came of steps. A later outcome of a step replaces an earlier one, and asks for another check."""
        ...

    async def mark_tombstoned(self, steps: Collection[StepId]) -> None:
        """These tags point to the tombstone now, so that they are ours if they are gone later."""
        ...

    async def record_check(self, losses: Sequence[Loss]) -> None:
        """What was to stay and is gone, of which such bytes as are known are kept, for `undo`. Losses that an earlier
        check recorded remain."""
        ...


class Run(Protocol):
    """A run that this process alone works on, as it does on all its repositories."""

    @property
    def record(self) -> RunRecord: ...

    @property
    def plan(self) -> Plan:
        """The run's plan, whose repositories are read anew each time."""
        ...

    @property
    def id(self) -> str: ...

    async def repository(self, plan: RepositoryPlan) -> RepositoryJournal | None:
        """What an earlier attempt wrote down, or None if it did not get to the first request. `plan`: the run's, of
        the repository. Raises Damaged, also for what came of a step that the plan has not."""
        ...

    async def open_repository(self, repository: Repository, tombstone: Tombstone | None) -> RepositoryJournal:
        """A place for everything that is needed to finish or undo the repository, which is kept before its first
        request is sent. It counts as begun only once it is sealed; a half-written one of an earlier attempt is taken
        up."""
        ...

    async def may_lock(self, *, wanted: bool) -> bool:
        """Whether locks are held in its repositories: they are `wanted` now, or some of an earlier attempt may be left
        there. Written down before the first is pushed."""
        ...

    async def begin_undo(self) -> None:
        """Says that an undo begins: from here on only `undo` takes the run up, however this attempt ends."""
        ...

    async def finish(self, state: RunState = "finished") -> None:
        """There is nothing left for `resume`. Gives the locks back."""
        ...

    def release(self) -> None:
        """Leaves the run as it is, for another process to take up."""
        ...


class RunStore(Protocol):
    """All runs, each written down before the wire: what `resume`, `undo` and reports live on."""

    async def begin(self, plan: Plan, command: str) -> Run:
        """A new run, kept with its whole plan when this returns. Runs that ended long ago are forgotten. Raises Busy
        if another run is at work in one of its repositories."""
        ...

    async def load(self, run_id: str | None = None) -> Run:
        """Takes up a run, the latest open one if no id is given. Raises UsageError if there is none, Damaged if its
        record is, Busy if it is still alive or another is at work in one of its repositories."""
        ...

    async def give_up(self, run_id: str) -> RunRecord:
        """Ends an open run for good; one in any other state is left as it is. Its plan need not be readable. Raises
        UsageError if there is none, Busy if it is still alive."""
        ...

    async def runs(self) -> tuple[RunRecord, ...]:
        """Newest first."""
        ...

    async def record(self, run_id: str) -> RunRecord:
        """Raises UsageError if there is no such run."""
        ...

    async def plan(self, run_id: str) -> Plan:
        """Like the other reading methods, this needs no lock. Raises UsageError if there is no such run, Damaged."""
        ...

    async def recorded(self, run_id: str, plan: RepositoryPlan) -> RepositoryRecord | None:
        """What a run recorded of the repository of which this is its plan; None for one that was not begun. Raises
        Damaged as `Run.repository`."""
        ...


class Held(Protocol):
    """What `Locks.take` gave."""

    def release(self) -> None:
        """Gives all of it back; once more does nothing. Whoever asks next finds it free. Neither raises nor waits for
        the event loop, so that no cancellation can cut it short."""
        ...


class Locks(Protocol):
    """Who works on a run, and on which repositories. A lock lasts until it is released or its owner dies, however it
    dies: none is judged stale by its age."""

    async def take(self, run_id: str, repositories: Iterable[Repository] = ()) -> Held:
        """Takes the run and all these repositories, or none of them. Another spelling of a repository is the same
        repository. Raises Busy if somebody else has one of them, HolystoneError if that cannot be found out; then, and
        if it is cancelled, nothing is held."""
        ...

    async def refuse_if_busy(self, repository: Repository) -> None:
        """To be asked by whoever is going to work on a repository later: raises Busy if a run does now. Nothing is held
        afterwards."""
        ...


class DigestCache(Protocol):
    """What was read by digest. A digest's content never changes, so what was read once is never fetched again. It can
    cost time and cannot change a decision: what is lost or damaged is not there."""

    def manifests(self, digests: Collection[Digest]) -> AsyncIterator[RawManifest]:
        """The manifests that are known, one by one: together they may be gigabytes."""
        ...

    async def manifest(self, digest: Digest) -> RawManifest | None: ...

    async def blob(self, digest: Digest) -> bytes | None: ...

    async def learn_manifests(self, manifests: Iterable[RawManifest]) -> None: ...

    async def learn_blob(self, digest: Digest, body: bytes) -> None: ...


class TagMemory(Protocol):
    """What tags that carry their content in their names pointed to when they were last looked at. It can cost time and
    cannot change what is deleted: whatever rests on it is looked at before anything goes. What is lost or damaged is
    not there."""

    async def recall(self, repository: Repository) -> Mapping[Tag, LookedAt]:
        """What is known of looks that are not long ago."""
        ...

    async def learn(self, repository: Repository, seen: Mapping[Tag, Digest], still: Collection[Tag] = ()) -> None:
        """What was looked at just now. Of what was known before, that about `still` remains, and no more. None of it
        counts for later runs before `settle`."""
        ...

    async def settle(self) -> None:
        """What was learned until now was read without a doubt about the answers."""
        ...


class Baselines(Protocol):
    """What runs have counted of each source that were checked to their end. Every method raises HolystoneError."""

    async def read(self, keys: Iterable[Key]) -> Mapping[Key, Remembered]:
        """What is remembered of the sources that are known."""
        ...

    async def remember(self, counted: Iterable[Counted], as_of: int, run: str) -> None:
        """What a run of this reading has left. A later reading is not overwritten, since a run may be resumed days
        after its plan was made; but one of a time that is yet to come is: a clock was ahead."""
        ...


class Sightings(Protocol):
    """What runs have seen of each repository, and since when. Every method raises HolystoneError. For whoever is no
    run, one that notes and forgets nothing gives the same."""

    async def look(self, repository: Repository, seen: Collection[Sight], now: int) -> Mapping[Sight, Seen]:
        """Notes what a complete look at a repository at `now` (Unix seconds) has seen, forgets what it has not, and
        gives since when each of `seen` is there. What was seen by a clock that was ahead was seen now. Repositories
        that nobody has looked at for long are forgotten."""
        ...


class RateBudget(Protocol):
    """What a lane asks before it sends. A port, so that several machines can share one in a common store."""

    def declare(self, quota: Quota, now: float) -> None: ...

    def ready_at(self, now: float) -> float:
        """When the next token is there; `now` or earlier if one is there already."""
        ...

    def take(self, now: float) -> None:
        """Takes a token; only to be called when `ready_at(now) <= now`."""
        ...

    def give_back(self) -> None:
        """The token of a request that was never sent."""
        ...

    def accepted(self, now: float) -> None: ...

    def throttled(self, sent: float, now: float) -> None: ...
