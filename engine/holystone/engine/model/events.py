"""What a run tells of itself while it works, as values: for progress, logs, metrics and whoever else listens."""

from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from holystone.engine.model.references import Digest, RegistryHost, Repository, Tag


class Listed(msgspec.Struct, frozen=True):
    """The tags of a repository."""

    repository: Repository
    tags: int
    exists: bool


class Read(msgspec.Struct, frozen=True):
    """A whole repository, as a plan is made of it."""

    repository: Repository
    tags: int
    manifests: int
    configs: int
    broken: int


class Planned(msgspec.Struct, frozen=True):
    repository: Repository
    kept: int
    """Tags."""
    doomed: int
    """Tags."""
    steps: int


class Refused(msgspec.Struct, frozen=True):
    """Something forbids to carry a plan out: told once for each refusal, where nothing is carried out for it."""

    promise: str
    """E.g. `fuse`."""
    refusal: str
    """Its kind, e.g. `share-exceeded`."""


class Begun(msgspec.Struct, frozen=True):
    """A run begins to delete, or an undo to put back."""

    run: str
    steps: int
    """Of the whole run; 0 where that is not known before its repositories tell their own."""


class Step(msgspec.Struct, frozen=True):
    """A step of a repository has an outcome, or what an undo puts back has one. Told again where another attempt or
    another look changes it: the last one counts."""

    repository: Repository
    digest: Digest
    tag_names: tuple[Tag, ...]
    """The tags that go with it, or come back; none for a manifest that has none."""
    outcome: str
    """Its kind, e.g. `deleted`."""
    done: int
    """Steps of the repository that have an outcome by now, of `of`."""
    of: int


class Sent(msgspec.Struct, frozen=True):
    """A request goes out. A few (is there a token already?) are answered without the server."""

    host: RegistryHost
    api: str
    """Requests that the registry counts together, e.g. `read` or `delete`."""


class Throttled(msgspec.Struct, frozen=True):
    """The server said "later" to a request."""

    host: RegistryHost
    api: str
    why: str
    after: float | None
    """Seconds that it named; None if it named none."""


class Paused(msgspec.Struct, frozen=True):
    """Nothing is sent to the host for so many seconds, but a probe now and then if it is down."""

    host: RegistryHost
    why: str
    seconds: float
    """Infinitely many while it is probed."""


class Retried(msgspec.Struct, frozen=True):
    """A request is sent once more."""

    host: RegistryHost
    api: str
    attempt: int
    """2 is the first one after the first."""
    why: str


class Checked(msgspec.Struct, frozen=True):
    """After the last deletion of a repository."""

    repository: Repository
    lost: int
    moved: int
    looked_at: int
    """Tags and manifests, one by one, of what was to stay."""
    left_out: int
    """Tags and manifests that were to stay and of which only a sample was looked at, without that."""


class Done(msgspec.Struct, frozen=True):
    """A repository has been worked on, to its end or until something stopped it."""

    repository: Repository
    not_tried: int
    stopped: str
    """Why; empty if nothing did."""
    gone: int
    """Tags that the run has taken away, in earlier attempts too."""
    outcomes: Mapping[str, int]
    """Steps by the kind of their outcome, e.g. `deleted`, those of earlier attempts too."""


class Halted(msgspec.Struct, frozen=True):
    """The budget of a run is spent, and what had begun by then has ended."""

    budget: str
    """What of it is used up: `time` or `requests`."""
    settled: int
    """Steps of which this attempt has left nothing to do."""
    not_tried: int
    """Steps that are left for the next attempt."""


class Ended(msgspec.Struct, frozen=True):
    """The last one: a command of the command line is over."""

    command: str
    exit_code: int


Event: TypeAlias = (
    Listed
    | Read
    | Planned
    | Refused
    | Begun
    | Step
    | Sent
    | Throttled
    | Paused
    | Retried
    | Checked
    | Done
    | Halted
    | Ended
)
