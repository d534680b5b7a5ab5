"""What docs/registries.md says of Azure Container Registry."""

from typing import Final

from holystone.adapters.registries.acr.listing import PAGE_SIZE
from holystone.adapters.registries.profile import Profile
from holystone.engine.model.capabilities import (
    SPARES_ALL,
    Capabilities,
    Cascade,
    DigestDeletion,
    ListingFacts,
    TagDeletion,
)
from holystone.engine.model.outlook import UndoOutlook

PROFILE: Final = Profile(
    hosts="NAME.azurecr.io, .azurecr.cn, .azurecr.us, .azurecr.sovcloud-azure.fr",
    can=Capabilities(
        implementation="acr",
        # "Untag": the manifest stays, even without any tag (container-registry-delete.md).
        tags=TagDeletion(SPARES_ALL),
        # A tombstone would need the right to push, and deleting a tag does all that it could.
        digests=DigestDeletion(tags_first=False, tombstones=None),
        # Azure/acr-cli, cmd/repository/image_functions.go: the server removes them with their subject.
        cascade=Cascade(referrers=True),
        listing=ListingFacts(digests=True, page=PAGE_SIZE, loose=True),
        undo=UndoOutlook(
            "push",
            doubt="if the registry's soft delete policy is on, which is not asked, undo also needs the action "
            "registries/deleted/restore",
        ),
    ),
    catalog="GET /acr/v1/_catalog, all of the registry; takes the role AcrPull on the registry, with ABAC "
    "Container Registry Repository Catalog Lister. Whether a repository with listEnabled false is in it "
    "is not documented",
    listing="GET /acr/v1/NAME/_tags, and GET /acr/v1/NAME/_manifests for manifests without a tag",
    shows="digest, time and locks of each tag",
    deletion="DELETE /v2/NAME/manifests/DIGEST; DELETE /acr/v1/NAME/_tags/TAG where the manifest stays",
    credentials="Docker's configuration (admin user, repository-scoped token, service principal, az acr login); "
    "without one Azure's own chain with holystone[acr] (AZURE_CLIENT_ID and the like, workload identity, managed "
    "identity, az login). Roles AcrPull and AcrDelete (AcrPush to undo), with ABAC Container Registry Repository "
    "Contributor",
    restore="where the soft delete policy (preview) is on: by Azure, for 1 to 90 days; else the journaled manifest is "
    "pushed again while its blobs are there",
    limits="published for each identity and minute, Basic and Standard (Premium): 5,000 (10,000) reads, 1,000 (2,000) "
    "writes, 500 (2,000) deletions, 250 (1,000) questions for referrers; replies say what is left; 429 with "
    "Retry-After",
    rules="hidden tags (listEnabled false) are found and kept; locks: of tags before planning, of the repository by "
    "the probe, of manifests when Azure refuses (405)",
)
