"""What a run tells of itself while it works, as values: for progress, logs, metrics and whoever else listens."""

from dataclasses import dataclass
from typing import TypeAlias

from holystone.engine.model.references import RegistryHost, Repository


@dataclass(frozen=True, slots=True)
class Listed:
    """The tags of a repository."""

    repository: Repository
    tags: int
    exists: bool


@dataclass(frozen=True, slots=True)
class Read:
    """A whole repository, as a plan is made of it."""

    repository: Repository
    tags: int
    manifests: int
    configs: int
    broken: int


@dataclass(frozen=True, slots=True)
class Planned:
    repository: Repository
    kept: int
    """Tags."""
    doomed: int
    """Tags."""
    steps: int


@dataclass(frozen=True, slots=True)
class Begun:
    """A run begins to delete, or an undo to put back."""

    run: str
    steps: int
    """Of the whole run; 0 where that is not known before its repositories tell their own."""


@dataclass(frozen=True, slots=True)
class Step:
    """`done` of `of` steps of the repository have an outcome."""

    repository: Repository
    done: int
    of: int


@dataclass(frozen=True, slots=True)
class Throttled:
    """The server said "later" to a request."""

    host: RegistryHost
    api: str
    why: str
    after: float | None
    """Seconds that it named; None if it named none."""


@dataclass(frozen=True, slots=True)
class Paused:
    """Nothing is sent to the host for so many seconds, but a probe now and then if it is down."""

    host: RegistryHost
    why: str
    seconds: float
    """Infinitely many while it is probed."""


@dataclass(frozen=True, slots=True)
class Retried:
    """A request is sent once more."""

    host: RegistryHost
    api: str
    attempt: int
    """2 is the first one after the first."""
    why: str


@dataclass(frozen=True, slots=True)
class Checked:
    """After the last deletion of a repository."""

    repository: Repository
    lost: int
    moved: int


@dataclass(frozen=True, slots=True)
class Done:
    """A repository has been worked on, to its end or until something stopped it."""

    repository: Repository
    not_tried: int
    stopped: str
    """Why; empty if nothing did."""


Event: TypeAlias = Listed | Read | Planned | Begun | Step | Throttled | Paused | Retried | Checked | Done
