"""What the policies have to know of the project's git history."""

from collections.abc import Iterable

import anyio.to_thread

from holystone.adapters.git.references import References
from holystone.adapters.git.repository import GitRepository
from holystone.cleanup.decide import GitIntent
from holystone.engine.model.project import MetadataRecord
from holystone.policies.git_history import commits_to_ask
from holystone.policies.git_references import heads_to_ask, select_references
from holystone.policies.keep_policies import KeepPolicy


async def read_git(
    repository: GitRepository, policies: Iterable[KeepPolicy], records: Iterable[MetadataRecord], as_of: int
) -> tuple[GitIntent, References]:
    """The policies' view of the history, and all references it was selected from. Raises IncompleteSource."""
    references = await anyio.to_thread.run_sync(repository.references)
    selected = select_references(references.found, tuple(policies), as_of)
    history = await anyio.to_thread.run_sync(repository.history, heads_to_ask(selected), commits_to_ask(records))
    return GitIntent(selected, history), references
