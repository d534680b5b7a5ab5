"""A plan: the verdicts of one run made concrete. Apply reads the plan only, so no policy runs twice.

A plan is a value: the same inventory gives the same plan, byte for byte.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Final, Literal, NewType, Self, TypeAlias

import msgspec

from holystone.engine.model.delete_reasons import DeleteReason
from holystone.engine.model.notices import Notice
from holystone.engine.model.outlook import UndoOutlook
from holystone.engine.model.reasons import KeepReason, ManifestReason
from holystone.engine.model.references import Digest, RegistryHost, Repository, Tag
from holystone.engine.model.refusals import Promise, Refusal
from holystone.engine.model.set_aside import SetAside
from holystone.engine.model.sources import Counted, Moment
from holystone.engine.model.value import Value

Place: TypeAlias = Literal["images", "stages"]
"""Which of the project's two places a repository belongs to: credentials may differ."""

DetectedBy: TypeAlias = Literal["user", "name", "registry", "file"]
"""Who said which implementation a registry is: the user, the name of its host, the registry itself, which could say
anything, or a file, by which the user or the name had said so."""

How: TypeAlias = Literal["delete", "anchor", "tombstone"]
"""How a tag goes: by its name; by its name, after its manifest was pushed by its digest and thus stays; by pushing a
tombstone over it."""


FORMAT: Final = 2
"""Of plans, in files and in the journal. What had another one was not read as this one is."""

MOST_BYTES: Final = (1 << 63) - 1
"""What a size can be, as Go's registries and clients hold it: whoever pushes a manifest may write any number there."""


StepId = NewType("StepId", str)
"""What a step removes: a tag, or a manifest's digest, which a colon tells from any tag. In a repository's plan each is
there once."""


class Untag(Value, frozen=True, tag="untag"):
    """Remove one tag and leave its manifest and its sibling tags alone."""

    tag: Tag
    digest: Digest
    """What the tag pointed to when it was planned; if it points elsewhere at apply, it is skipped."""
    how: How
    reasons: tuple[DeleteReason, ...]

    @property
    def id(self) -> StepId:
        return StepId(self.tag)

    @property
    def tags(self) -> tuple[Tag, ...]:
        """What goes by this step, as every step says it."""
        return (self.tag,)


class Remove(Value, frozen=True, tag="remove"):
    """Delete one manifest by digest. Tags that still point to it go with it."""

    digest: Digest
    media_type: str
    size: Annotated[int, msgspec.Meta(ge=0, le=MOST_BYTES)]
    """Bytes of manifest and layers, as an upper bound of what garbage collection can free."""
    tags: tuple[Tag, ...]
    """Doomed tags that go with the manifest, i.e. that no Untag of this plan removed before."""
    reasons: tuple[DeleteReason, ...]

    @property
    def id(self) -> StepId:
        return StepId(self.digest)


Step: TypeAlias = Untag | Remove


class Pass(Value, frozen=True):
    """Steps that need no order among themselves. A pass begins when the one before it has ended."""

    kind: Literal["untag", "tombstone", "manifests"]
    """`untag`: by name, anchored or not."""
    steps: tuple[Step, ...]


class Kept(Value, frozen=True):
    tag: Tag
    digest: Digest | None
    """None for a broken tag."""
    reasons: tuple[KeepReason, ...]
    written_once: bool = False
    """Nobody moves the tag, so that where it points need not be asked again before something else goes."""


class RepositoryPlan(Value, frozen=True):
    repository: Repository
    implementation: str
    passes: tuple[Pass, ...]
    kept: tuple[Kept, ...]
    kept_manifests: Mapping[Digest, ManifestReason]
    """Everything that the kept tags need, each with what needs it: must still be there afterwards."""
    place: Place = "images"
    detected_by: DetectedBy = "user"
    """Its implementation."""
    image_ids: Mapping[Digest, Digest] = {}
    """Of the manifests that go, the digest of the configuration, by which some runtimes name what runs."""
    manners: str = ""
    """A fingerprint of what the registry was seen to do when it was planned."""
    marks: Mapping[Tag, Tag] = {}
    """Tags that go only when another one is gone: without the mark on it a rejected stage would be used."""
    undo: UndoOutlook | None = None
    """Whether and for how long what goes can be put back; None where nothing goes."""
    doomed_written_once: tuple[Tag, ...] = ()
    """Tags to go that nobody moves, so that one which points elsewhere contradicts the plan. Sorted."""

    @property
    def doomed_tags(self) -> tuple[Tag, ...]:
        return tuple(sorted(tag for step in self.steps for tag in step.tags))

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(step for each in self.passes for step in each.steps)

    def claimed(self) -> "RepositoryPlan":
        """The plan as it counts once it comes out of a file: whoever can write that could say anything about who told
        what a registry is. Raises ValueError for a step that is there twice: what came of one would be taken for what
        came of the other."""
        ids = [step.id for step in self.steps]
        if len(ids) != len(set(ids)):
            twice = min(each for each, times in Counter(ids).items() if times > 1)
            raise ValueError(f"{self.repository}: {twice} is removed twice")
        detected_by: DetectedBy = "registry" if self.detected_by == "registry" else "file"
        return msgspec.structs.replace(self, detected_by=detected_by)


class ClustersAsked(Value, frozen=True):
    """Which Kubernetes contexts were asked what is in use, and how they were chosen."""

    contexts: tuple[str, ...]
    """Sorted."""
    only: str | None = None
    """The one that the user named; None: all of the configuration."""
    excluded: tuple[str, ...] = ()
    own_namespace: bool = False
    """Only the namespace that each context names."""


class PlanHead(Value, frozen=True):
    """All of a plan but its repositories."""

    as_of: Moment
    """The moment at which the policies judged ages."""
    command: str
    notices: tuple[Notice, ...] = ()
    """What a person should know: things skipped, broken or ambiguous."""
    refusals: tuple[Refusal, ...] = ()
    clusters: ClustersAsked | None = None
    """None: no cluster was asked, because the user said so or because none is concerned."""
    lists: tuple[str, ...] = ()
    """Where people had listed what is in use, for the plan, so that whoever carries it out later asks them again."""
    logins: tuple[RegistryHost, ...] = ()
    """Registries to which it was made with the login that a file of policies has. Sorted."""
    counted: tuple[Counted, ...] = ()
    """What there was to decide by. Sorted."""
    set_aside: tuple[SetAside, ...] = ()
    """What was to be judged as well, and is left alone: it has no part in the repositories below. In order."""
    format: Literal[2] = FORMAT

    def claimed(self, repositories: Iterable[Repository]) -> Self:
        """The plan as it counts once it comes out of a file (`RepositoryPlan.claimed`): it says nothing about how much
        another project has."""
        own = {each.canonical for each in repositories}
        return msgspec.structs.replace(self, counted=tuple(each for each in self.counted if each.key.repository in own))


class Plan(PlanHead, frozen=True, kw_only=True):
    repositories: Sequence[RepositoryPlan]
    """In order of their names, each once. They may be read anew each time: whoever needs one for long holds it."""

    def __post_init__(self) -> None:
        """Raises ValueError for repositories out of order, or twice: their steps would run beside each other. What is
        not in memory has been put in order by whoever keeps it."""
        if isinstance(self.repositories, tuple | list):
            names = [each.repository for each in self.repositories]
            if names != sorted(names) or len(names) != len({each.canonical for each in names}):
                raise ValueError("a repository is there twice, or they are not in order of their names")

    @classmethod
    def of(cls, head: PlanHead, repositories: Sequence[RepositoryPlan]) -> "Plan":
        return cls(**{name: getattr(head, name) for name in PlanHead.__struct_fields__}, repositories=repositories)

    @property
    def head(self) -> PlanHead:
        return PlanHead(**{name: getattr(self, name) for name in PlanHead.__struct_fields__})

    @property
    def applyable(self) -> bool:
        return not self.refusals

    def without_refusals(self, *promises: Promise) -> "Plan":
        """Once a person has lifted them."""
        return msgspec.structs.replace(
            self, refusals=tuple(each for each in self.refusals if each.promise not in promises)
        )

    @property
    def is_empty(self) -> bool:
        return not any(each.passes for each in self.repositories)


class PlanEnd(Value, frozen=True):
    """The last line of a plan file, after the head and a line for each repository: so that nothing of it is missing."""

    repositories: int
    hash: str
    """Of all that is said in the lines before, whatever their layout: `sha256:…`."""
