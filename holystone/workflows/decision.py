"""What is decided from what: the values that go into `decide`, and what comes out of it."""

from collections.abc import Mapping
from typing import Self, TypeAlias

import msgspec

from holystone.engine.errors import UsageError
from holystone.engine.model.history import GitNames, History
from holystone.engine.model.notices import Notice
from holystone.engine.model.references import Repository, Tag
from holystone.engine.model.refusals import Refusal
from holystone.engine.model.verdicts import Verdict
from holystone.engine.planner.facts import TagFacts
from holystone.policies.git_references import SelectedReference
from holystone.policies.werf.v1.tag_strategy import StrategyRules

RepositoryVerdicts: TypeAlias = Mapping[Repository, Mapping[Tag, Verdict]]


class Scope(msgspec.Struct, frozen=True):
    """Which half of the project may be touched. The other half is read and protects."""

    images: bool = True
    stages: bool = True

    @classmethod
    def of(cls, *, images: bool, stages: bool) -> Self:
        """Raises UsageError."""
        if not (images or stages):
            raise UsageError("A plan is of images or stages, or of both.")
        return cls(images, stages)

    def named(self, command: str) -> str:
        """The command that does its work in this scope: `images cleanup`."""
        if self.images and self.stages:
            return command
        return f"{'images' if self.images else 'stages'} {command}"


class GitIntent(msgspec.Struct, frozen=True):
    """What the project's git history says, as far as the policies asked."""

    selected: tuple[SelectedReference, ...]
    history: History


class StrategyIntent(msgspec.Struct, frozen=True):
    """What there is in git that images can be named after."""

    names: GitNames
    rules: StrategyRules
    folding: frozenset[Repository] = frozenset()
    """Where the registry knows no capital letters in tags."""


Intent: TypeAlias = GitIntent | StrategyIntent


class Rules(msgspec.Struct, frozen=True):
    v1_2: bool
    """Tags without metadata go."""
    v1_2_confirmed: bool
    """The user asked for it, so that an image without any metadata is no sign of a wrong stages storage."""
    stages_grace: int
    """Seconds."""
    as_of: int
    """Unix seconds."""


class Decision(msgspec.Struct, frozen=True):
    verdicts: RepositoryVerdicts
    """Of every repository that may be touched; a tag without a verdict is somebody else's."""
    facts: Mapping[Repository, TagFacts]
    notices: tuple[Notice, ...]
    refusals: tuple[Refusal, ...]
