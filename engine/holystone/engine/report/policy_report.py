"""What is told of policies and of a trial of one, as values."""

from typing import Literal

import msgspec

from holystone.engine.model.policy_reasons import Doubt
from holystone.engine.model.references import Tag


class PolicyEntry(msgspec.Struct, frozen=True):
    place: str
    """Where it stands, e.g. `holystone.yaml:15`."""
    entry: str
    """The entry on one line."""


class PolicySummary(msgspec.Struct, frozen=True):
    name: str
    repositories: tuple[str, ...]
    entries: tuple[PolicyEntry, ...]


class NotJudged(msgspec.Struct, frozen=True):
    why: Doubt
    text: str
    tags: int


class TriedEntry(PolicyEntry, frozen=True):
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
