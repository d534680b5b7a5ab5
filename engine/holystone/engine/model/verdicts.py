"""A verdict: keep or delete, for one tag, with the reasons."""

from collections.abc import Mapping
from typing import Final, TypeAlias

import msgspec

from holystone.engine.model.delete_reasons import DeleteReason
from holystone.engine.model.reasons import KeepReason
from holystone.engine.model.references import Tag

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
