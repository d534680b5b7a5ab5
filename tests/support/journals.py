"""A repository of a run as the journal has it once all that is needed to undo it is written down."""

from collections.abc import Sequence

from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.records import Tombstone
from holystone.engine.model.references import Repository
from holystone.engine.ports import RepositoryJournal, Run


async def begin_repository(
    run: Run, repository: Repository, manifests: Sequence[RawManifest], tombstone: Tombstone | None
) -> RepositoryJournal:
    begun = await run.open_repository(repository, tombstone)
    await begun.keep(manifests)
    await begun.seal()
    return begun
