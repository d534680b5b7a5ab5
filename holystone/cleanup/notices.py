"""What a person should know of the repositories themselves, whatever was decided about their tags."""

from collections.abc import Iterable

from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.report.words import count


def repository_notices(snapshots: Iterable[RepositorySnapshot]) -> Iterable[str]:
    for snapshot in snapshots:
        if snapshot.unseen:
            yield (
                f"{snapshot.repository} is not there or may not be read, which its registry does not tell apart; since "
                "no record says that anything was published there, it counts as not there"
            )
        elif not snapshot.exists:
            yield f"{snapshot.repository} does not exist in the registry: there is nothing to clean"
        if snapshot.broken:
            first = min(snapshot.broken)
            yield (
                f"{snapshot.repository}: {count(len(snapshot.broken), 'broken tag')} left alone, e.g. {first}: "
                f"{snapshot.broken[first]}"
            )
