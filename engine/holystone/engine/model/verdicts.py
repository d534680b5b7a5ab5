"""A verdict: keep or delete, for one tag, with the reasons."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

import msgspec

from holystone.engine.model.delete_reasons import DeleteReason, LooseReason
from holystone.engine.model.reasons import KeepReason
from holystone.engine.model.references import Digest, Tag

NAMED: Final = 20
"""Reasons of one kind that a verdict has at most. Whoever may push can make thousands of branches, records or stages
that each are a reason for each of thousands of tags, and a plan is written with all of them."""


class Keep(msgspec.Struct, frozen=True, tag="keep"):
    reasons: tuple[KeepReason, ...]


class Delete(msgspec.Struct, frozen=True, tag="delete"):
    reasons: tuple[DeleteReason, ...]


Verdict: TypeAlias = Keep | Delete
Verdicts: TypeAlias = Mapping[Tag, Verdict]
"""The verdicts of one repository. A tag without one is kept."""
LooseVerdicts: TypeAlias = Mapping[Digest, LooseReason]
"""The manifests without a tag that are to go, of one repository."""
NO_LOOSE: Final[LooseVerdicts] = MappingProxyType({})
