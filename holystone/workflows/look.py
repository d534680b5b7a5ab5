"""A look at a repository for retention rules: what they see of it, what only the registry and earlier runs know
included."""

from collections.abc import Set

from holystone.engine.errors import Doubtful, IncompleteSource
from holystone.engine.inventory.reader import WORKERS
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.references import Digest
from holystone.engine.ports import RepositorySession, Sightings
from holystone.engine.scheduler import for_each
from holystone.policies.retention.candidates import Candidates
from holystone.policies.retention.rules import Policy
from holystone.workflows.candidates import find_candidates, missing_subjects, sights


async def look(
    session: RepositorySession,
    snapshot: RepositorySnapshot,
    policy: Policy,
    sightings: Sightings,
    now: int,
    *,
    used: Set[Digest],
) -> Candidates:
    """What the policy's rules see of a repository that was read as `reading_of` says. `sightings` may
    note it. `now`: Unix seconds; `used`: digests by which something runs anywhere. Raises HolystoneError where the look
    cannot be noted, and Doubtful."""
    absent = await _absent(session, snapshot) if policy.orphaned_after is not None else frozenset()
    seen = await sightings.look(snapshot.repository, sights(snapshot, absent), now)
    return find_candidates(snapshot, now, seen, absent, used)


async def _absent(session: RepositorySession, snapshot: RepositorySnapshot) -> frozenset[Digest]:
    """What something is attached to and that is not there. Each is asked for twice, since a 404 may be somebody else's;
    one that cannot be asked for is there."""
    absent: set[Digest] = set()

    async def ask(subject: Digest) -> None:
        try:
            if await session.resolve(subject) is None and await session.resolve(subject, alone=True) is None:
                absent.add(subject)
        except Doubtful:
            raise
        except IncompleteSource:
            return

    await for_each(sorted(missing_subjects(snapshot)), ask, workers=WORKERS)
    return frozenset(absent)
