"""What the policies have to know of the project's git: its history, or what images can be named after."""

from collections.abc import Iterable, Mapping

import anyio.to_thread

from holystone.adapters.git.references import References
from holystone.adapters.git.repository import GitRepository
from holystone.cleanup.decide import GitIntent, StrategyIntent
from holystone.engine.model.history import GitNames
from holystone.engine.model.project import ImageTag, MetadataRecord
from holystone.engine.naming import docker_tag_slug
from holystone.policies.git_history import commits_to_ask
from holystone.policies.git_references import heads_to_ask, select_references
from holystone.policies.keep_policies import KeepPolicy
from holystone.policies.tag_strategy import StrategyRules, named_commits


async def read_git(
    repository: GitRepository, policies: Iterable[KeepPolicy], records: Iterable[MetadataRecord], as_of: int
) -> tuple[GitIntent, References]:
    """The policies' view of the history, and all references it was selected from. Raises IncompleteSource."""
    references = await anyio.to_thread.run_sync(repository.references)
    selected = select_references(references.found, tuple(policies), as_of)
    history = await anyio.to_thread.run_sync(repository.history, heads_to_ask(selected), commits_to_ask(records))
    return GitIntent(selected, history), references


async def read_names(
    repository: GitRepository, tags: Iterable[ImageTag], rules: StrategyRules
) -> tuple[StrategyIntent, References]:
    """What of git the tags can be named after, and all references. Raises IncompleteSource."""
    references = await anyio.to_thread.run_sync(repository.references)
    history = await anyio.to_thread.run_sync(repository.history, (), named_commits(tags))
    names = GitNames(
        branches=_as_tags(references.branch_names),
        tags=_as_tags(references.tag_names),
        commits=frozenset(history.times),
        complete=history.complete,
    )
    return StrategyIntent(names, rules), references


def _as_tags(names: Iterable[str]) -> Mapping[str, str]:
    """What werf makes of each name → the name in valid Unicode."""
    return {docker_tag_slug(name): name.encode(errors="surrogateescape").decode(errors="replace") for name in names}
