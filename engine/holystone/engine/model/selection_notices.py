"""Notices of which repositories a run over many of them is about. See `notices`."""

from typing import TypeAlias

from holystone.engine.model.references import RegistryHost, Repository
from holystone.engine.model.sources import Number
from holystone.engine.model.value import Value


class RepositoriesUnclaimed(Value, frozen=True, tag_field="kind", tag="repositories-unclaimed"):
    """No policy is about them, so that they were left alone."""

    host: RegistryHost
    number: Number
    example: Repository


class ClaimedTwice(Value, frozen=True, tag_field="kind", tag="claimed-twice"):
    """Repositories that a later policy names as well; the first one decides."""

    number: Number
    example: Repository
    first: str
    """The policy that decides."""
    other: str


class OfProject(Value, frozen=True, tag_field="kind", tag="of-project"):
    """Repositories are a project's, which decides about them, and no policy does."""

    number: Number
    example: Repository
    project: str
    """As people call it."""


class BesideProject(Value, frozen=True, tag_field="kind", tag="beside-project"):
    """Repositories lie where a project keeps its images and stages, and are none that it knows: nobody judges them."""

    number: Number
    example: Repository
    project: str
    """As people call it."""


class LooksLikeProject(Value, frozen=True, tag_field="kind", tag="looks-like-project"):
    """The repository holds records of a build tool, and nobody says that it is a project's: it is left alone."""

    repository: Repository
    record: str
    config: str
    """How a person says what it is, for people."""


class PolicyMatchesNothing(Value, frozen=True, tag_field="kind", tag="policy-matches-nothing"):
    """No repository that was found is one of the policy's."""

    policy: str


class EntryUnmatched(Value, frozen=True, tag_field="kind", tag="entry-unmatched"):
    """No tag that could be read matches the entry; some could not be read."""

    policy: str
    entry: Number
    """Position in the policy, counted from 1."""
    tags: str
    """As the entry has them."""


class NamesOdd(Value, frozen=True, tag_field="kind", tag="names-odd"):
    """The catalog has names that no repository can have."""

    host: RegistryHost
    number: Number
    example: str


class UntaggedUnlisted(Value, frozen=True, tag_field="kind", tag="untagged-unlisted"):
    """A policy says that manifests without a tag go, and the registry does not list them."""

    host: RegistryHost
    policy: str


class ReadsCountAsPulls(Value, frozen=True, tag_field="kind", tag="reads-count-as-pulls"):
    """A policy goes by when images were pulled, and the registry takes what was read for the first time for pulled."""

    host: RegistryHost
    number: Number
    """Of manifests."""


SelectionNotice: TypeAlias = (
    RepositoriesUnclaimed
    | ClaimedTwice
    | OfProject
    | BesideProject
    | LooksLikeProject
    | PolicyMatchesNothing
    | EntryUnmatched
    | NamesOdd
    | UntaggedUnlisted
    | ReadsCountAsPulls
)
