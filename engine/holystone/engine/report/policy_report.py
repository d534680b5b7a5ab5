"""What is told of policies, of a trial of one, and of what they would do to repositories, as values."""

from typing import Literal, TypeAlias

import msgspec

from holystone.engine.model.policy_reasons import Doubt
from holystone.engine.model.references import Repository, Tag
from holystone.engine.model.set_aside import SetAside


class PolicyEntry(msgspec.Struct, frozen=True):
    place: str
    """Where it stands, e.g. `holystone.yaml:15`."""
    entry: str
    """The entry on one line."""


class PolicySummary(msgspec.Struct, frozen=True):
    name: str
    repositories: tuple[str, ...]
    entries: tuple[PolicyEntry, ...]


class ProjectSummary(msgspec.Struct, frozen=True):
    """A project of the file, which decides about its own repositories."""

    project: str
    """As people call it."""
    images_repo: str
    stages_storage: str


class NotJudged(msgspec.Struct, frozen=True):
    why: Doubt
    text: str
    tags: int


class CountedEntry(PolicyEntry, frozen=True):
    matched: int
    """Tags that it is about."""
    alone: int
    """Tags that it keeps, and no other entry does."""
    together: int
    """Tags that others keep, too."""
    not_judged: tuple[NotJudged, ...]
    """Those with most tags first."""
    groups: int
    """Values of the named groups by which it counts."""
    groups_of_one: int
    """Those that one tag has."""


class TriedEntry(CountedEntry, frozen=True):
    needs: str
    """What it asks for that a list of tags does not say; else empty."""


class TriedTag(msgspec.Struct, frozen=True):
    tag: Tag
    outcome: Literal["stay", "go", "open"]
    """`open`: it stays if an entry keeps it that asks for more than a list of tags says."""
    why: tuple[str, ...]


class PolicyTrial(msgspec.Struct, frozen=True):
    """What a policy says of a list of tags."""

    policy: str
    repository: str
    as_of: int
    """Unix seconds."""
    stay: int
    go: int
    open: int
    entries: tuple[TriedEntry, ...]
    tags: tuple[TriedTag, ...]
    refusals: tuple[str, ...]
    """Why a run would be refused, whatever the open entries say."""
    notices: tuple[str, ...]


class CheckedEntry(CountedEntry, frozen=True):
    without_branch: int
    """Groups that are no branch of the clone that it asks."""
    examples: tuple[str, ...]
    """Some of those."""


class CheckedPolicy(msgspec.Struct, frozen=True):
    name: str
    repositories: tuple[str, ...]
    """Its patterns."""
    decides_for: int
    """Repositories that were found and that it decides for. Those that are left alone count, too, if they could be
    read."""
    entries: tuple[CheckedEntry, ...]


class CheckedProject(ProjectSummary, frozen=True):
    decides_for: int | None
    """Repositories, also those that are not there by now; null where it could not be read, or is refused."""


class CheckedRepository(msgspec.Struct, frozen=True):
    repository: Repository
    policy: str
    """Empty where a project decides."""
    project: str
    """Empty where a policy decides."""
    stay: int
    go: int
    new: bool
    """No run has been through it by now, though one has been through others."""


EntryAnswer: TypeAlias = Literal["keeps", "cannot-judge", "does-not-keep", "not-about"]
"""What an entry says of a tag. `not-about`: its `tags` are others."""
TagOutcome: TypeAlias = Literal["stay", "go", "absent", "left-alone"]
"""What becomes of a tag by a run. `left-alone`: with its repository, of whatever tags that has."""


class EntryOfTag(PolicyEntry, frozen=True):
    answer: EntryAnswer
    why: tuple[str, ...]


class CheckedTag(msgspec.Struct, frozen=True):
    repository: Repository
    tag: Tag
    outcome: TagOutcome
    why: tuple[str, ...]
    """Beside what entries say: that it is in use, that something which stays needs it, that it is locked."""
    entries: tuple[EntryOfTag, ...]
    """All of its policy, in their order; empty where none judges it."""
    project: str
    """That decides about it; empty where none does."""


class PolicyCheck(msgspec.Struct, frozen=True):
    """What a run would do by a file of policies, and which entry has a part in it."""

    file: str
    as_of: int
    """Unix seconds."""
    policies: tuple[CheckedPolicy, ...]
    """In the order in which they are asked; where only some repositories are read, those that concern them."""
    projects: tuple[CheckedProject, ...]
    """Likewise."""
    repositories: tuple[CheckedRepository, ...]
    """Those that a run would go through, by name."""
    tags: tuple[CheckedTag, ...]
    """Those that were named."""
    set_aside: tuple[SetAside, ...]
    """What a run would leave alone."""
    notices: tuple[str, ...]
