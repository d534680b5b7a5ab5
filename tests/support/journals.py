"""A repository of a run as the journal has it once all that is needed to undo it is written down."""

from collections.abc import Sequence

from holystone.engine.journal import Run, SliceJournal, Tombstone
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.references import Repository


async def begin_repository(
    run: Run, repository: Repository, manifests: Sequence[RawManifest], tombstone: Tombstone | None
) -> SliceJournal:
    begun = await run.open_repository(repository, tombstone)
    await begun.keep(manifests)
    await begun.seal()
    return begun
