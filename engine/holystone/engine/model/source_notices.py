"""Notices of what decides: git, earlier runs, clocks, who uses images, and the configuration. See `notices`."""

from typing import Literal

from holystone.engine.model.sources import Fewer, Number
from holystone.engine.model.value import Value


class ReferenceIgnored(Value, frozen=True, order=True, tag_field="kind", tag="reference-ignored"):
    """A branch or tag of git that leads to no commit."""

    reference: Literal["branch", "tag"]
    name: str
    dangling: bool
    """It is a symbolic one whose target does not exist."""


class OriginUnasked(Value, frozen=True, tag_field="kind", tag="origin-unasked"):
    """Whether the clone has all its branches and tags."""

    why: str


class LocalTags(Value, frozen=True, tag_field="kind", tag="local-tags"):
    """Git tags of the clone that did not count, since origin does not have them there."""

    number: Number
    example: str


class HistoryAccepted(Value, frozen=True, tag_field="kind", tag="history-accepted"):
    """A person says that another history than the images' is meant."""

    origin: str
    """Its address, without a password."""
    records: Number
    """Metadata records, which name the commits that nothing of origin reaches."""


class BaselineAbsent(Value, frozen=True, tag_field="kind", tag="baseline-absent"):
    """Nothing is remembered of an earlier run."""

    state_dir: str


class FewerInUse(Value, frozen=True, tag_field="kind", tag="fewer-in-use"):
    fewer: Fewer


class FewerAccepted(Value, frozen=True, tag_field="kind", tag="fewer-accepted"):
    """A person says that it is meant."""

    fewer: Fewer


class ClockApart(Value, frozen=True, tag_field="kind", tag="clock-apart"):
    """Our clock is apart from a registry's, and a person says that it is meant."""

    host: str
    theirs: int
    """Unix seconds."""
    ours: int


class CommitAhead(Value, frozen=True, tag_field="kind", tag="commit-ahead"):
    """The newest branch or tag is dated after our clock."""

    reference: Literal["branch", "tag"]
    name: str
    date: int
    """Unix seconds."""
    now: int
    registry_agrees: bool
    """With our clock; else no registry tells the time, and a person says that it is meant."""


class ClockUnwitnessed(Value, frozen=True, tag_field="kind", tag="clock-unwitnessed"):
    """No registry told the time."""


class UsedInClusters(Value, frozen=True, tag_field="kind", tag="used-in-clusters"):
    number: Number
    """Images."""
    contexts: Number


class UsedByLists(Value, frozen=True, tag_field="kind", tag="used-by-lists"):
    number: Number
    """Images."""


class LoginsNotGiven(Value, frozen=True, tag_field="kind", tag="logins-not-given"):
    """A plan was made with logins of a file of policies, and is carried out, or taken back, without that file."""

    hosts: tuple[str, ...]


class WordsSkipped(Value, frozen=True, tag_field="kind", tag="words-skipped"):
    """Words in Kubernetes name no image."""

    number: Number
    example: str
    """Cut."""


class ProjectRenamed(Value, frozen=True, tag_field="kind", tag="project-renamed"):
    """The project has another name by an option or a variable."""

    name: str
    configured: str
    source: str
    """The file that calls it so."""
    said_by: str = "an option or a variable"
    """What gives it the other name, for people: by its name, where that is known."""


class ConfigNotRead(Value, frozen=True, tag_field="kind", tag="config-not-read"):
    """Options stand in for it."""

    config: str


class PolicyMisnamed(Value, frozen=True, tag_field="kind", tag="policy-misnamed"):
    """A keep policy that begins as no name does."""

    reference: Literal["branch", "tag"]
    pattern: str


class TagsBelieved(Value, frozen=True, tag_field="kind", tag="tags-believed"):
    """Tags that carry their content in their names were not looked at again, and nothing is deleted that rests on
    them."""

    number: Number
    since: int
    """Unix seconds of the longest ago of their last looks."""
