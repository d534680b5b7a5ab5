"""Which requests AWS counts together: it limits each operation by itself.

Published rates: ECR user guide, service-quotas. DescribeImages, BatchDeleteImage and DescribeRepositories have none, so
that their lanes find theirs.
"""

from dataclasses import dataclass
from typing import Self

from holystone.adapters.registries.endpoint import GetLane
from holystone.engine.model.capabilities import Quota
from holystone.engine.scheduler import Lane


@dataclass(frozen=True, slots=True)
class Lanes:
    lists: Lane
    manifests: Lane
    deletions: Lane
    blobs: Lane
    """/v2, which has the docker tools' own limits: 429."""
    pushes: Lane

    @classmethod
    def of(cls, lane: GetLane) -> Self:
        return cls(
            lists=lane("DescribeImages"),
            manifests=lane("BatchGetImage", Quota(rate=2000, burst=2000)),
            deletions=lane("BatchDeleteImage"),
            blobs=lane("read"),
            pushes=lane("PutImage", Quota(rate=10, burst=10)),
        )
