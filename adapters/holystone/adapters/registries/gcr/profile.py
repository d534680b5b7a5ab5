"""What docs/registries.md says of Google's registries."""

from typing import Final

from holystone.adapters.registries.profile import Profile
from holystone.engine.model.capabilities import (
    SPARES_ALL,
    Capabilities,
    DigestDeletion,
    ListingFacts,
    Quota,
    TagDeletion,
)
from holystone.engine.model.outlook import UndoOutlook

LONGEST: Final = 10_000
"""Entries that one tags/list shows at most (docs.cloud.google.com/artifact-registry/quotas, "limits";
google/go-containerregistry#1645)."""
READS: Final = Quota(rate=650.0, burst=20_000.0)
DELETES: Final = Quota(rate=200.0, burst=6_000.0)
"""60,000 requests and 18,000 deletions a minute, for a project in a region
(docs.cloud.google.com/artifact-registry/quotas): a third of it at once, and the rest so that no minute has more. Pushes
have a quota of their own of the same size: they share the lane of the deletions."""

PROFILE: Final = Profile(
    hosts="gcr.io, *.gcr.io, *.pkg.dev",
    can=Capabilities(
        implementation="gcr",
        # A deleted tag leaves its manifest untagged (both manifests references).
        tags=TagDeletion(SPARES_ALL),
        digests=DigestDeletion(tags_first=True, tombstones=SPARES_ALL),
        protects_children=True,  # GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE
        listing=ListingFacts(digests=True, page=LONGEST, loose=True),
        undo=UndoOutlook(
            "push",
            doubt="whether the credential may push (artifactregistry.repositories.uploadArtifacts, which the role "
            "Artifact Registry Writer has) is not asked",
        ),
        quota=DELETES,
    ),
    catalog="the Artifact Registry API's packages of a project's repositories, by project: all, with the role Artifact "
    "Registry Reader; the API must be enabled, and a _json_key takes holystone[gcr]",
    listing="GET /v2/NAME/tags/list (Google's extended answer, one request); from 10,000 entries on the Artifact "
    "Registry API (packages/…/tags and …/versions)",
    shows="digests, push times, media types, untagged manifests",
    deletion="DELETE /v2/NAME/manifests/TAG takes the tag only; by digest once no tag and no index needs it",
    credentials="Docker's configuration (oauth2accesstoken, _json_key, helpers), else Application Default Credentials: "
    "a file (needs holystone[gcr]) or the metadata server; role roles/artifactregistry.repoAdmin",
    restore="the journaled manifest is pushed again while Google still has the blobs",
    limits="60,000 requests and 18,000 deletions a minute for a project in a region; 429 TOOMANYREQUESTS or "
    "RESOURCE_EXHAUSTED",
    rules="immutable tags: read before planning where the Artifact Registry API may be used; indexes and tags protect "
    "their manifests",
)
