"""What retention rules see of a repository and of the world: facts as values, unknown where they are not known."""

from collections.abc import Mapping

import msgspec

from holystone.engine.model.history import GitReference, History
from holystone.engine.model.policy_reasons import TimeSource
from holystone.engine.model.reasons import InUse
from holystone.engine.model.references import Digest, Repository, Tag
from holystone.policies.git_references import SelectedReference
from holystone.policies.retention.rules import CloneName, CommitsOf, Mentioned


class Moment(msgspec.Struct, frozen=True, order=True):
    seconds: int
    """Unix."""
    source: TimeSource


class Candidate(msgspec.Struct, frozen=True):
    """A tag, as far as rules may judge it."""

    tag: Tag
    digest: Digest
    pushed: Moment | None
    """The later of all that is known and makes sense (`moments.sane`); None: not known."""
    created: Moment | None = None
    """When it was built; of an index, when its newest image was. None: not known."""
    pulled: Moment | None = None
    """The latest pull of tag, digest, a child or another tag; of what was never pulled the push. None: not known."""
    labels: Mapping[str, frozenset[str]] | None = {}
    """Labels and annotations; an index has those of its children, too. None: they cannot be read."""
    provenance: frozenset[str] | None = frozenset()
    """Commits that attached provenance names. None: it cannot be read."""
    archived: bool = False
    """Put away by the registry: it stays, and takes no place where images are counted."""


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
    subject: Digest | None = None
    """What it was attached to, and is gone: `orphaned_after` decides, not `untagged_after`."""


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
    """Of what `commits.commits_to_ask` names; where that is the beginning of an id, of all commits that begin so."""


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
    in_use: Mapping[Tag, tuple[InUse, ...]] = {}
    """Tags of this repository that somebody uses."""
    loose_in_use: frozenset[Digest] = frozenset()
    """Its manifests without a tag that somebody uses: what was deployed by a tag runs on when the tag has moved."""
