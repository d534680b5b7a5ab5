"""What docs/registries.md says of Quay."""

from typing import Final

from holystone.adapters.registries.profile import Profile
from holystone.engine.model.capabilities import Capabilities, Cascade, LastTag, ListingFacts, Quota, TagDeletion
from holystone.engine.model.outlook import UndoOutlook

HOSTED: Final = "quay.io"
"""The one host whose limits are known to be on: self-hosted Quay limits nothing unless its operator says so, and there
the lanes find out."""
API_QUOTA: Final = Quota(rate=4, burst=20)
"""nginx lets 5 a second and 25 in a burst through (quay/quay:conf/nginx/server-base.conf.jnj): a little less, since it
counts by address and not by credential."""
TAGS_QUOTA: Final = Quota(rate=4, burst=2)
MANIFESTS_QUOTA: Final = Quota(rate=40, burst=5)
"""nginx lets 50 a second and 10 in a burst through (same template), counted by address and shared with whoever else
pulls from behind it, so that some is left over."""

PROFILE: Final = Profile(
    hosts="quay.io, quay.*.com; others say what they are when asked",
    can=Capabilities(
        implementation="quay",
        # A manifest lives by a tag, or by a live index that lists it; one with a subject that was pushed by its digest
        # by a hidden tag of its own (data/model/oci/manifest.py, seen). What is attached goes along since 2026-08
        # (data/model/oci/tag.py, quay/quay#6650, seen); before that it did not.
        tags=TagDeletion(LastTag("goes-unlisted", takes_attached=True)),
        cascade=Cascade(children=True),
        # Quay collects what has no tag by itself; a manifest without one (a child of an index) cannot be deleted at
        # all (404, quay/quay:endpoints/v2/manifest.py, delete_manifest_by_digest).
        digests=None,
        listing=ListingFacts(digests=True, page=100),
        undo=UndoOutlook("restore"),
        quota=MANIFESTS_QUOTA,
    ),
    catalog="GET /api/v1/repository?namespace=NAMESPACE with an API token (repo:read): those that its user may "
    "see; GET /v2/_catalog without: those that the robot may",
    listing="GET /api/v1/repository/NAME/tag/ with an API token, GET /v2/NAME/tags/list without",
    shows="with an API token digest, time, expiry and immutability of each tag; without nothing: each tag is looked "
    "up by HEAD",
    deletion="DELETE /v2/NAME/manifests/TAG; before Quay 3.13 by the API, or by digest where there is no API token",
    credentials="OAuth access token of an application with repo:read and repo:write (--repo-quay-token), and its user "
    "needs the role Write; or a robot or user with the role Write from Docker's configuration, for /v2 only",
    restore="with an API token by Quay's time machine, within the namespace's expiry of deleted tags (two weeks if "
    "nobody changed it)",
    limits="quay.io, by address: 5 requests a second for the API and tag lists, 50 for manifests, of which we take 40; "
    "429 with an HTML page and no Retry-After",
    rules="immutable tags: known before with an API token, 409 without; read-only and mirror state, role and scope: "
    "asked before planning",
)
