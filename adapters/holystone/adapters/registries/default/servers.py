"""What the servers that are cleaned as `default` do beside what they are asked to do, and where that was seen. What
nobody has shown is taken to be the worst."""

from typing import Final

import msgspec

from holystone.adapters.registries.default.proof import Distribution
from holystone.adapters.registries.detection import RECOGNIZABLE
from holystone.adapters.registries.fingerprint import Fingerprint, the_one
from holystone.adapters.registries.implementations import VENDORS
from holystone.engine.model.capabilities import (
    SPARES_ALL,
    Capabilities,
    Cascade,
    DigestDeletion,
    LastTag,
    TagDeletion,
)
from holystone.engine.model.outlook import UndoOutlook

UNKNOWN: Final = Capabilities(
    "default",
    tags=TagDeletion(),
    digests=DigestDeletion(tombstones=LastTag()),
    cascade=Cascade(referrers=True, children=True),
    undo=UndoOutlook("push", doubt="the registry does not say what it is, and some keep nothing without a tag"),
)
"""Whatever a registry is known to take along, one that is not known may take along, too."""
_DISTRIBUTION: Final = Capabilities(
    "default",
    tags=TagDeletion(SPARES_ALL),
    digests=DigestDeletion(tombstones=SPARES_ALL),
    undo=UndoOutlook("push"),
)
"""Measured on 2.8.2, 3.0.0 and 3.1; the tests run on 2.8.2."""
_GITEA_LAST: Final = LastTag("goes-unanchored", takes_attached=False)
"""Each tag is a version of its own that holds the manifest and its blobs, and so is a digest under which the manifest
was pushed (routers/api/packages/container/manifest.go). When the last one goes, or is pushed over, manifest and blobs
are gone at once. All seen."""
_GITEA: Final = Capabilities(
    "default",
    tags=TagDeletion(_GITEA_LAST),
    digests=DigestDeletion(tombstones=_GITEA_LAST),
    undo=UndoOutlook("none"),
)
"""Seen on a main of summer 2026, after 1.27. Forgejo by its source of 2025-06."""
_ZOT: Final = msgspec.structs.replace(UNKNOWN, protects_children=True, undo=UndoOutlook("push"))
"""Seen on 2.1.20: an overwritten tag drops its manifest. Its DELETE of a tag spares manifest and siblings from 2.1.2
on, and no reply tells the version, so that nothing is concluded from that."""


def _is_gitea(shown: Fingerprint) -> bool:
    """Gitea and Forgejo: routers/api/packages/container/container.go, `apiUnauthorizedError`; seen on Gitea 1.27."""
    return shown.service == "container_registry" and shown.realm.path.endswith("/v2/token")


def _is_zot(shown: Fingerprint) -> bool:
    """Whether it is zot, by the own header of its user interface (project-zot/zot, pkg/api/constants/consts.go; seen on
    2.1.20)."""
    return "x-zot-api-client" in shown.allows


_OURS: Final = {"gitea": (_is_gitea, _GITEA), "zot": (_is_zot, _ZOT)}
_KNOWN: Final = {**RECOGNIZABLE, **{name: is_its for name, (is_its, _) in _OURS.items()}}


def of_distribution(version: Distribution) -> Capabilities:
    if version == "3":
        # registry/handlers/manifests.go, DeleteManifest: a tag's link is removed and nothing else.
        return _DISTRIBUTION
    # A delete by digest reads every tag's link (registry/storage/tagstore.go, Lookup).
    return msgspec.structs.replace(
        _DISTRIBUTION, tags=None, digests=DigestDeletion(tombstones=SPARES_ALL, cost_grows=True)
    )


def server(shown: Fingerprint) -> str | None:
    """The one server whose ways are known and whose fingerprint this is: an implementation, or one that is cleaned as
    `default`."""
    return the_one(shown, _KNOWN)


def of_other(shown: Fingerprint, *, by_tag: bool) -> Capabilities:
    """What is known of a server that was not proven to be distribution. `by_tag`: it deletes tags by their names."""
    name = server(shown)
    can = _OURS[name][1] if name in _OURS else UNKNOWN
    if name in RECOGNIZABLE:
        can = msgspec.structs.replace(can, protects_children=True, warnings=(_told(name),))
    return can if by_tag else msgspec.structs.replace(can, tags=None)


def _told(name: str) -> str:
    return (
        f"the server says that it is {VENDORS[name].spoken}, and is cleaned as any other registry: more may stay than "
        f"has to; leave --repo-implementation out, or say {name}"
    )
