"""A repository of a run as the journal has it once all that is needed to undo it is written down."""

from collections.abc import Sequence

from holystone.adapters.state.sqlite import Journal, rows
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.records import RepositoryRecord, Tombstone
from holystone.engine.model.references import Digest, Repository
from holystone.engine.ports import RepositoryJournal, Run, RunStore


async def begin_repository(
    run: Run, repository: Repository, manifests: Sequence[RawManifest], tombstone: Tombstone | None
) -> RepositoryJournal:
    begun = await run.open_repository(repository, tombstone)
    await begun.keep(manifests)
    await begun.seal()
    return begun


async def recorded(store: RunStore, run_id: str) -> tuple[RepositoryRecord, ...]:
    """Of the repositories that were begun, sorted by name."""
    plans = (await store.plan(run_id)).repositories
    found = [await store.recorded(run_id, each) for each in plans]
    return tuple(each for each in found if each)


async def manifests(journal: Journal, run_id: str, repository: Repository) -> dict[Digest, RawManifest]:
    """Whoever works on the run."""
    return await journal._writer.do(
        lambda database: {digest: raw for digest, raw in rows.stored_manifests(database, run_id, repository) if raw}
    )
