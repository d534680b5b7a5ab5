"""Which requests Azure counts together, each identity by itself (MicrosoftDocs, container-registry-skus.md of 2026).

| a minute      | Basic, Standard | Premium |
|---------------|-----------------|---------|
| reads         | 5,000           | 10,000  |
| writes        | 1,000           | 2,000   |
| deletions     | 500             | 2,000   |
| ListReferrers | 250             | 1,000   |

The tier is not to be had: the lesser figures are declared, and what a reply says is left raises them.
"""

from dataclasses import dataclass
from typing import Final, Self

from holystone.adapters.registries.endpoint import GetLane
from holystone.engine.model.capabilities import Quota
from holystone.engine.scheduler import Lane

_READS: Final = Quota(rate=80, burst=80)
_PUSHES: Final = Quota(rate=16, burst=16)
_DELETIONS: Final = Quota(rate=8, burst=8)
_REFERRERS: Final = Quota(rate=4, burst=4)


@dataclass(frozen=True, slots=True)
class Lanes:
    reads: Lane
    pushes: Lane
    deletions: Lane
    referrers: Lane

    @classmethod
    def of(cls, lane: GetLane, *, published: bool) -> Self:
        """`published`: Azure's own figures hold, since it is Azure."""
        return cls(
            reads=lane("read", _READS if published else None),
            pushes=lane("write", _PUSHES if published else None),
            deletions=lane("delete", _DELETIONS if published else None),
            referrers=lane("referrers", _REFERRERS if published else None),
        )
