"""What retention rules see of a repository and of the world: facts as values, unknown where they are not known."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from holystone.engine.model.history import GitReference, History
from holystone.engine.model.references import Commit, Digest, Repository, Tag
from holystone.policies.git_references import SelectedReference
from holystone.policies.retention.rules import CloneName, CommitsOf, Mentioned

TimeSource: TypeAlias = Literal["tag-pushed", "manifest-pushed", "annotation", "created", "first-seen", "restored"]


class Moment(msgspec.Struct, frozen=True):
    seconds: int
    """Unix."""
    source: TimeSource


class Candidate(msgspec.Struct, frozen=True):
    """A tag, as far as rules may judge it."""

    tag: Tag
    digest: Digest
    pushed: Moment | None
    """The later of all that is known; None: not known, which also a moment is that makes no sense (year 1, 1970, more
    than a day ahead)."""
    created: Moment | None = None
    """When it was built; None likewise."""
    pulled: Moment | None = None
    """The latest pull of tag, digest, a child or another tag; of what was never pulled the push. None: not known."""
    labels: Mapping[str, frozenset[str]] | None = {}
    """Labels and annotations; an index has those of its children, too. None: they cannot be read."""
    takes_place: bool = True
    """False: it counts in no `newest` (an archived image)."""


class AttachedTag(msgspec.Struct, frozen=True):
    """A tag that goes and stays with its subject, whatever the rules say, e.g. `sha256-….sig`."""

    tag: Tag
    digest: Digest
    subject: Digest
    subject_is_there: bool
    found: Moment | None
    """The later of its push and the first run that found its subject gone."""


class LooseManifest(msgspec.Struct, frozen=True):
    """A manifest without a tag that no index and no subject needs."""

    digest: Digest
    found: Moment | None
    """The later of its push and the first run that found it so."""


class Candidates(msgspec.Struct, frozen=True):
    """One repository, as rules see it."""

    repository: Repository
    tags: tuple[Candidate, ...]
    attached: tuple[AttachedTag, ...] = ()
    loose: tuple[LooseManifest, ...] = ()
    tells_pulls: bool = False


class CloneFacts(msgspec.Struct, frozen=True):
    """What a clone says. Branches are origin's."""

    branches: tuple[GitReference, ...]


class SelectedHistory(msgspec.Struct, frozen=True):
    """What keep policies select in a clone, and what of the asked commits that reaches."""

    selected: tuple[SelectedReference, ...]
    history: History


class Mentions(msgspec.Struct, frozen=True):
    tags: frozenset[Tag]
    digests: frozenset[Digest]


class Facts(msgspec.Struct, frozen=True):
    """What rules ask of the world; each was read completely, or the run ended before."""

    now: int
    """Unix seconds."""
    clones: Mapping[CloneName, CloneFacts] = {}
    histories: Mapping[CommitsOf, SelectedHistory] = {}
    mentions: Mapping[Mentioned, Mentions] = {}
    in_use: Mapping[Tag, str] = {}
    """Tags of this repository that somebody uses, with the user for people."""


AskedCommits: TypeAlias = Mapping[Tag, frozenset[Commit]]
"""The commits that a tag's image may be of, by one way to read them; empty where nothing is said."""
