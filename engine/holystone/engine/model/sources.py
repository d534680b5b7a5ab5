"""How much there was of what a plan was decided by, so that a later run can tell when a source has shrunk."""

from typing import Annotated, Literal, TypeAlias

import msgspec

from holystone.engine.model.references import Repository
from holystone.engine.model.value import Value

Number: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]
Moment: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799)]
"""Unix seconds, of four-digit years."""
Source: TypeAlias = Literal["references", "commits", "managed-images", "in-use", "tags"]
"""`references`: branches and tags of origin; `commits`: those that metadata records name and a branch or tag of origin
reaches; `in-use`: tags of the project that something uses; `tags`: of one repository."""


class Key(Value, frozen=True, order=True):
    source: Source
    repository: Repository
    """Canonical; the stages storage for what is the whole project's."""
    project: str = ""
    """Its name, of what comes from the project's clone or runs: two projects may share a stages storage. For `prune`
    what its file of policies calls the clone."""


class Counted(Value, frozen=True, order=True):
    key: Key
    number: Number
    """As read, before anything was deleted."""
    left: Number
    """Once the plan is carried out."""


class Fewer(Value, frozen=True):
    """A source holds fewer than an earlier run has left."""

    key: Key
    number: Number
    before: Number
    as_of: Moment
    """When that run read it."""


class Remembered(msgspec.Struct, frozen=True):
    """What a run has left that was checked to its end."""

    number: Number
    as_of: Moment
    """When that was read."""
    run: str = ""
    """Its id; empty if it had nothing to delete."""
