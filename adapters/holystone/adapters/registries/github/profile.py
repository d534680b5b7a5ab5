"""What docs/registries.md says of GitHub Packages."""

from typing import Final

from holystone.adapters.registries.profile import Profile
from holystone.engine.model.capabilities import SPARES_ALL, Capabilities, DigestDeletion, ListingFacts, Quota
from holystone.engine.model.outlook import DAY, UndoOutlook

PAGE_SIZE: Final = 100
"""The most that GitHub gives (github/docs, REST reference of packages)."""
READ_QUOTA: Final = Quota(rate=14.6, burst=15.0, pool="points")
WRITE_QUOTA: Final = Quota(rate=2.92, burst=3.0, pool="points", weight=5.0)
"""The secondary limit is 900 points a minute, a read is 1, a write 5 (github/docs, rate-limits-for-the-rest-api.md).
Together they stay below it in any minute, whenever GitHub lets its minutes begin: 60 times 14.6, the burst, and four
points by which a write may be early."""

PROFILE: Final = Profile(
    hosts="ghcr.io, containers.SUB.ghe.com; containers.HOST and docker.HOST of an Enterprise Server when they are "
    "named. docker.pkg.github.com is shut since 2025-02-24",
    can=Capabilities(
        implementation="github",
        tags=None,
        # An overwritten tag leaves an untagged version (actions/delete-package-versions is made for those).
        digests=DigestDeletion(tags_first=False, tombstones=SPARES_ALL, keeps_last_tagged=True),
        listing=ListingFacts(digests=True, page=PAGE_SIZE, loose=True),
        undo=UndoOutlook("restore", 30 * DAY),
        quota=WRITE_QUOTA,
        bulk=1,
    ),
    catalog="GET /orgs/OWNER/packages or /user/packages, by owner: those that a classic token with read:packages "
    "may see; a workflow's GITHUB_TOKEN may not list, and of another's personal account only public ones "
    "are shown, which is refused",
    listing="GET …/packages/container/NAME/versions",
    shows="digest, push time, untagged manifests; no types and no labels",
    deletion="DELETE …/versions/ID, which takes all tags of a digest; one tag of several by a tombstone",
    credentials="classic token with read:packages, delete:packages and write:packages (for tombstones and for undo) of "
    "an admin of the package; a workflow's GITHUB_TOKEN with packages: write, if the package gives its repository the "
    "role Admin. Private packages of a personal account: a classic token of that account",
    restore="POST …/versions/ID/restore, 30 days; it needs write:packages",
    limits="5,000 requests an hour for a user, 1,000 for a workflow's token; 900 points a minute, of which a deletion "
    "takes 5; 403 or 429 with x-ratelimit-reset or retry-after. None on an Enterprise Server by default",
    rules="The last tagged version stays: known before. Versions of public packages with more than 5,000 downloads "
    "stay: found out when they are to be deleted",
)
