"""Whether tombstones spare a server quadratic work, where the manifests of the tags go anyway.

What deletes cost on a server where each one by digest reads every tag of the repository was measured as in
benchmarks/deleting.py against distribution 2.8.2, file system storage, 16 requests at a time, in a repository of 2,500
tags of which 2,000 go; processor time of server and client together, halved for two cores. A delete by digest takes 27
ms on average on the way from 2,500 tags to 500, and 9.7 ms once 500 are left, thus `PER_DELETE + PER_TAG · tags left`;
the same gives the 81 s that 2,900 of 3,000 took. With tombstones everything took 26 s instead of 54 s, of which the
deletes are 19 s: the rest is a tombstone's look at its tag, its push, its share of their deletion, and the second look
at the tags that stay. Only the ratio of the two ways matters to the choice, not the speed of a particular server.
"""

from typing import Final

PER_DELETE: Final = 0.00096
"""Seconds."""
PER_TAG: Final = 0.0000174
"""Seconds."""
PER_TOMBSTONE: Final = 0.0037
"""Seconds."""
MARGIN: Final = 1.5
"""A tombstone needs the right to push and overwrites a tag, so it must be clearly faster, not just faster."""


def tombstones_pay(tags: int, doomed: int, manifests: int, tombstones: int) -> bool:
    return tombstone_seconds(tags, doomed, manifests, tombstones) * MARGIN < plain_seconds(tags, doomed, manifests)


def plain_seconds(tags: int, doomed: int, manifests: int) -> float:
    """Seconds for `manifests` deletes by digest in a repository of `tags` tags, in the course of which `doomed` tags
    go."""
    return manifests * (PER_DELETE + PER_TAG * (tags - doomed / 2))


def tombstone_seconds(tags: int, doomed: int, manifests: int, tombstones: int) -> float:
    """Seconds for the same deletes after `tombstones` of the doomed tags were pushed over and deleted at once."""
    left = plain_seconds(tags - tombstones, doomed - tombstones, manifests + 1)
    return tombstones * PER_TOMBSTONE + left
