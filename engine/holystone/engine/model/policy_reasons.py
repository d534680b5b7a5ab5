"""Why entries of a policy keep a tag or do not, as values."""

from typing import Literal, TypeAlias

from holystone.engine.model.references import Digest, Tag
from holystone.engine.model.value import Value

TimeSource: TypeAlias = Literal["tag-pushed", "manifest-pushed", "annotation", "created", "first-seen", "restored"]
"""What said when something was pushed."""

EntryKey: TypeAlias = Literal[
    "tags",
    "except",
    "branch-exists-in",
    "branch-head-of",
    "commits-of",
    "mentioned-in",
    "label",
    "pushed-within",
    "pulled-within",
    "same-commit",
    "newest",
    "semver",
    "prereleases",
    "until-released",
    "thin",
    "groups",
    "with-siblings",
]
"""What an entry asks for, as people write it."""

Doubt: TypeAlias = Literal[
    "time",
    "pull",
    "labels",
    "provenance",
    "commit",
    "branch",
    "version",
    "release-time",
    "history",
    "commit-of-another",
]
"""What is not known, so that an entry cannot judge a tag: when it was pushed or pulled; its labels or its provenance,
which cannot be read; a commit, a branch or a version, which nothing says; when its release was pushed; whether a commit
is in the history; of which commit another tag is, which stays."""


class Place(Value, frozen=True, gc=False):
    """Where a tag's image stands among those that an entry counts."""

    by: Literal["newest", "semver", "prereleases", "groups", "daily", "weekly", "monthly"]
    number: int
    """Counted from 1, the newest first."""
    of: int
    """So many stay."""
    group: str = ""
    """Among which it was counted; empty: among all."""


class Age(Value, frozen=True, gc=False):
    seconds: int
    source: TimeSource | None = None
    """None: it was pulled then."""
    within: int | None = None
    """Seconds, up to which the entry keeps; None: it says nothing of them."""


class KeptByEntry(Value, frozen=True, tag="kept-by-entry", gc=False):
    """Everything that the entry asks for holds."""

    policy: str
    entry: int
    """Position in the policy, counted from 1."""
    keys: tuple[EntryKey, ...] = ()
    """Of what it asks for, that which no place and no age shows. Empty, with neither: it keeps every tag."""
    place: Place | None = None
    age: Age | None = None
    like: Tag | None = None
    """A tag that stays, whose image or commit it has."""


class CannotJudge(Value, frozen=True, tag="cannot-judge", gc=False):
    """The entry might keep it: what it asks for is not known."""

    policy: str
    entry: int
    why: Doubt


class NothingKeeps(Value, frozen=True, tag="nothing-keeps", gc=False):
    """No entry of the policy is about it."""

    policy: str


class NotKeptBy(Value, frozen=True, tag="not-kept-by", gc=False):
    """The entry is about such tags, and does not keep this one."""

    policy: str
    entry: int
    key: EntryKey
    """The first that does not hold."""
    place: Place | None = None
    age: Age | None = None


class Orphaned(Value, frozen=True, tag="orphaned", gc=False):
    """What it was attached to is gone."""

    subject: Digest
    age: int
    """Seconds since it was pushed, or found so."""
    after: int
    """Seconds, after which the policy lets such go."""


class Untagged(Value, frozen=True, tag="untagged", gc=False):
    """No tag, no index and no subject needs the manifest."""

    age: int
    """Seconds since it was pushed, or found so."""
    after: int
    """Seconds, after which the policy lets such go."""
