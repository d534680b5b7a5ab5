"""What closing a repository's graph gives: values only."""

from collections.abc import Mapping

import msgspec

from holystone.engine.model.reasons import ManifestReason
from holystone.engine.model.references import Digest, Tag
from holystone.engine.model.verdicts import Verdict


class Closed(msgspec.Struct, frozen=True):
    verdicts: Mapping[Tag, Verdict]
    """The final verdict on every tag, broken ones too. A doomed tag may point to a kept manifest: then the tag
    goes without it."""
    kept: Mapping[Digest, ManifestReason]
    """Everything that kept tags need, and why; also digests that an index lists and the snapshot lacks."""
    doomed: Mapping[Digest, ManifestReason]
    """Manifests that only doomed tags held. Disjoint from `kept`; each is in the snapshot."""
    levels: tuple[tuple[Digest, ...], ...]
    """The doomed manifests in the order of deletion: an index before its children, a subject before its referrers
    and before the fallback index that lists them."""
