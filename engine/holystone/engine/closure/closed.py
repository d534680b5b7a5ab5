"""What closing a repository's graph gives: values only."""

from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from holystone.engine.model.reasons import ChildOf, IndexOf, MayBeNeededBy, ReferrerOf, SubjectOf
from holystone.engine.model.references import Digest, Tag
from holystone.engine.model.verdicts import Verdict


class Tagged(msgspec.Struct, frozen=True, tag="tagged"):
    """A tag that stays (or goes) points to the manifest; of several, the first in the order of their names."""

    tag: Tag


Because: TypeAlias = Tagged | ChildOf | ReferrerOf | SubjectOf | IndexOf | MayBeNeededBy


class Closed(msgspec.Struct, frozen=True):
    verdicts: Mapping[Tag, Verdict]
    """The final verdict on every tag, broken ones too. A doomed tag may point to a kept manifest: then the tag
    goes without it."""
    kept: Mapping[Digest, Because]
    """Everything that kept tags need, and why; also digests that an index lists and the snapshot lacks."""
    doomed: Mapping[Digest, Because]
    """Manifests that only doomed tags held. Disjoint from `kept`; each is in the snapshot."""
    levels: tuple[tuple[Digest, ...], ...]
    """The doomed manifests in the order of deletion: an index before its children, a subject before its referrers
    and before the fallback index that lists them."""
