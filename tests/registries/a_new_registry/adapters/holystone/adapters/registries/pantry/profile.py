"""What docs/registries.md says of Pantry."""

from typing import Final

from holystone.adapters.registries.profile import Profile
from holystone.engine.model.capabilities import Capabilities
from holystone.engine.model.outlook import UndoOutlook

PROFILE: Final = Profile(
    hosts="*.pantry.example, pantry.*; others say what they are when asked",
    can=Capabilities(
        implementation="pantry",
        can_delete=True,
        tag_delete=True,
        tag_delete_spares_siblings=True,
        last_tag="leaves-manifest",
        last_tag_takes_attached=False,
        tags_first=False,
        overwrite="leaves-manifest",
        digests_in_listing=True,
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
