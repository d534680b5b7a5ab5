"""What deletes cost on a server where each one by digest reads every tag of the repository.

Measured against distribution 2.8.2, file system storage, two cores, 16–32 requests at a time, in a repository of
3,000 tags of which 2,900 go: plain deletes by digest 81 s; tombstones first 23 s, with deletes at 370/s once 100 tags
are left. A delete thus takes `PER_DELETE + PER_TAG · tags left` (2.7 ms at 100 tags, 27.9 ms at 1,550, the mean of the
plain run), and a tombstone what remains of the 23 s: its push at about 400/s and the look at the tag before.
Only the ratio of the two ways matters to the choice, not the speed of a particular server.
"""

from typing import Final

PER_DELETE: Final = 0.00096
"""Seconds."""
PER_TAG: Final = 0.0000174
"""Seconds."""
PER_TOMBSTONE: Final = 0.0052
"""Seconds."""
MARGIN: Final = 1.5
"""A tombstone needs the right to push and overwrites a tag, so it must be clearly faster, not just faster."""


def plain_seconds(tags: int, doomed: int, manifests: int) -> float:
    """`manifests` deletes by digest in a repository of `tags` tags, in the course of which `doomed` tags go."""
    return manifests * (PER_DELETE + PER_TAG * (tags - doomed / 2))


def tombstone_seconds(tags: int, doomed: int, manifests: int, tombstones: int) -> float:
    """The same after `tombstones` of the doomed tags were pushed over and deleted at once."""
    left = plain_seconds(tags - tombstones, doomed - tombstones, manifests + 1)
    return tombstones * PER_TOMBSTONE + left


def tombstones_pay(tags: int, doomed: int, manifests: int, tombstones: int) -> bool:
    return tombstone_seconds(tags, doomed, manifests, tombstones) * MARGIN < plain_seconds(tags, doomed, manifests)
