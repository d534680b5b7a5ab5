"""What the registry said it deleted and gives out all the same: a deletion counts when it is seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from holystone.engine.executor.work import WORKERS
from holystone.engine.model.references import Digest, Tag
from holystone.engine.ports import Listing, RepositorySession
from holystone.engine.scheduler import Sleep, for_each

_PAUSE: Final = 2.0
"""Seconds before what should be gone is asked for once more: some registries answer from several machines."""
_ONE_IN: Final = 200
_AT_LEAST: Final = 8
_AT_MOST: Final = 50
"""So many of the deleted manifests are looked for, evenly spread, since each costs a request and no listing shows them.
A registry that deletes nothing shows that with any of them, and then all are looked for. What was said not to be there,
though it was read for this plan, is always looked for."""


@dataclass(frozen=True, slots=True)
class Deletions:
    """What the registry said is gone."""

    tags: Mapping[Tag, Digest]
    """Tags, with what they pointed to."""
    manifests: tuple[Digest, ...] = ()
    """Manifests that it says it deleted, without tags that went with them."""
    absent: tuple[Digest, ...] = ()
    """Manifests of which it said that they were not there, when they were to be deleted."""
    tombstone: frozenset[Digest] = frozenset()
    """What tags that were pushed over pointed to last."""

    @property
    def sample(self) -> tuple[Digest, ...]:
        count = len(self.manifests)
        wanted = min(count, _AT_MOST, max(_AT_LEAST, 1 + count // _ONE_IN))
        return self.manifests[:: count // wanted][:wanted] if wanted else ()

    def failed(self, what: Tag | Digest, now: Digest | None) -> bool:
        if isinstance(what, Digest):
            return now is not None
        return now == self.tags[what] or now in self.tombstone


@dataclass(frozen=True, slots=True)
class Seen:
    renewed: tuple[Tag, ...]
    """Tags on another manifest: somebody else's."""
    served: tuple[Tag | Digest, ...]


async def look_for(session: RepositorySession, listing: Listing, deletions: Deletions, sleep: Sleep) -> Seen:
    """A tag that is listed and resolves to nothing is only in a listing that lags behind. Raises what the registry
    raises."""
    now: dict[Tag | Digest, Digest | None] = {}

    async def ask(what: Tag | Digest) -> None:
        now[what] = await session.resolve(what)

    async def look(what: Tag | Digest) -> None:
        told = listing.tags.get(what) if isinstance(what, Tag) else None
        if told and not deletions.failed(what, told):
            now[what] = told
        else:
            await ask(what)

    listed = sorted(deletions.tags.keys() & listing.tags.keys())
    asked: list[Tag | Digest] = [*listed, *deletions.absent, *deletions.sample]
    await for_each(asked, look, workers=WORKERS)
    suspects = [what for what, digest in now.items() if deletions.failed(what, digest)]
    if suspects:
        await sleep(_PAUSE)
        if any(isinstance(what, Digest) for what in suspects):
            suspects = list(dict.fromkeys((*suspects, *deletions.manifests)))
        await for_each(suspects, ask, workers=WORKERS)
    return Seen(
        tuple(tag for tag in listed if now[tag] is not None and not deletions.failed(tag, now[tag])),
        tuple(sorted(what for what in suspects if deletions.failed(what, now[what]))),
    )
