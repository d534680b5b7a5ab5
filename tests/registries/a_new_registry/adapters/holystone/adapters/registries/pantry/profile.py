"""What docs/registries.md says of Pantry."""

from typing import Final

from holystone.adapters.registries.profile import Profile
from holystone.engine.model.capabilities import SPARES_ALL, Capabilities, DigestDeletion, ListingFacts, TagDeletion
from holystone.engine.model.outlook import UndoOutlook

PROFILE: Final = Profile(
    hosts="*.pantry.example, pantry.*; others say what they are when asked",
    can=Capabilities(
        implementation="pantry",
        tags=TagDeletion(SPARES_ALL),
        digests=DigestDeletion(tags_first=False, tombstones=SPARES_ALL),
        listing=ListingFacts(digests=True),
        undo=UndoOutlook("push"),
    ),
    listing="GET /api/shelves/NAME",
    shows="the digest of each tag",
    catalog="GET /api/shelves: all, with any token",
    deletion="DELETE /api/shelves/NAME/jars/TAG, DELETE /v2/NAME/manifests/DIGEST",
    credentials="a token of the role keeper in --repo-pantry-token",
    restore="the journaled manifest is pushed again",
    limits="429 with Retry-After",
    rules="none",
)
