"""Tags that stand for a relation between manifests instead of a name that somebody chose.

OCI distribution specification 1.1, "Referrers tag schema": `<algorithm>-<hex, cut to 64>` lists the referrers of a
manifest. sigstore/cosign, specs/SIGNATURE_SPEC.md: the same with `.sig`, `.att` or `.sbom` is a signature of it.
"""

import re
from typing import Final

from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.references import Digest, Tag

_ATTACHED: Final = re.compile(r"((?:sha256|sha512)-[0-9a-f]{64})(?:\.(?:sig|att|sbom))?")


def is_attached_name(tag: str) -> bool:
    """Whether nobody chose the name."""
    return bool(_ATTACHED.fullmatch(tag))


def attached_tags(snapshot: RepositorySnapshot) -> dict[Tag, Digest | None]:
    """Attached tags that were read, each with the manifest it belongs to, or None if the snapshot has no such manifest.

    64 hex digits name one manifest even where they are half of a SHA-512: two contents cannot be made to share them.
    """
    manifests = {f"{digest.algorithm}-{digest.hex[:64]}": digest for digest in snapshot.manifests}
    return {
        tag: manifests.get(match[1])
        for tag, digest in snapshot.tags.items()
        if (match := _ATTACHED.fullmatch(tag)) and tag not in snapshot.broken and digest in snapshot.manifests
    }
