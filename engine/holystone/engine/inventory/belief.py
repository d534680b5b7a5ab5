"""Tags that carry their content in their names (a signature of a build, the digest of what they sign) and so hardly
ever move: where they pointed when they were last looked at is good enough for showing what a run would do. Before it
does it, they are looked at."""

from collections.abc import Collection, Mapping
from typing import Final

from holystone.engine.errors import IncompleteSource
from holystone.engine.events import about
from holystone.engine.inventory.reader import WORKERS
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.references import Digest, Repository, Tag
from holystone.engine.model.sightings import LookedAt
from holystone.engine.ports import RepositorySession, TagMemory
from holystone.engine.scheduler import for_each


class _Nothing:
    async def recall(self, repository: Repository) -> Mapping[Tag, LookedAt]:
        return {}

    async def learn(self, repository: Repository, seen: Mapping[Tag, Digest], still: Collection[Tag] = ()) -> None:
        pass

    async def settle(self) -> None:
        pass


NO_MEMORY: Final = _Nothing()


class Unbelieving:
    """Learns, and tells nothing of what it knows: everything is looked at."""

    def __init__(self, memory: TagMemory) -> None:
        self._memory = memory

    async def recall(self, repository: Repository) -> Mapping[Tag, LookedAt]:
        return {}

    async def learn(self, repository: Repository, seen: Mapping[Tag, Digest], still: Collection[Tag] = ()) -> None:
        await self._memory.learn(repository, seen)

    async def settle(self) -> None:
        await self._memory.settle()


async def is_as_believed(session: RepositorySession, memory: TagMemory, snapshot: RepositorySnapshot) -> bool:
    """Looks at each tag that was not looked at. Where one points elsewhere, or cannot be looked at, nothing of the
    repository is believed any more. Raises what the registry raises."""
    wrong: list[Tag] = []

    async def look(tag: Tag) -> None:
        if wrong:
            return
        try:
            now = await session.resolve(tag)
        except IncompleteSource:  # whoever reads it again finds out whose fault that is
            now = None
        if now != snapshot.tags[tag]:
            wrong.append(tag)

    with about(repository=snapshot.repository):
        await for_each(sorted(snapshot.believed), look, workers=WORKERS)
    if wrong:
        await memory.learn(snapshot.repository, {})
        return False
    seen = {tag: snapshot.tags[tag] for tag in snapshot.believed}
    await memory.learn(snapshot.repository, seen, snapshot.tags.keys())
    return True
