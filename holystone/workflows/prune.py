"""From policies to a plan of many repositories."""

from collections.abc import Collection

from holystone.adapters.registries.connections import Connections
from holystone.adapters.state.sqlite.sightings import SqliteSightings
from holystone.engine.inventory.belief import NO_MEMORY
from holystone.engine.model.in_use import UsedImage
from holystone.engine.planner.refusals import FuseLimits
from holystone.engine.ports import DigestCache, TagMemory
from holystone.policies.retention.judge import judge
from holystone.policies.retention.rules import RetentionFile
from holystone.settings.prune import PruneSettings
from holystone.settings.values import KubernetesSettings
from holystone.workflows.gathered import PruneOptions
from holystone.workflows.judging import judge_repositories
from holystone.workflows.prepare import Prepared


def options_of(settings: PruneSettings, as_of: int) -> PruneOptions:
    """`as_of`: Unix seconds."""
    run = settings.run
    return PruneOptions(
        as_of=as_of,
        fuse=None if run.yes_delete_that_many else FuseLimits(),
        folder=run.cache_dir,
        state_dir=run.state_dir,
        is_only_shown=run.is_only_shown,
        only_looks=run.only_looks,
        accept_new_baseline=run.accept_new_baseline,
        allow_clock_skew=settings.allow_clock_skew,
        synchronize=settings.synchronize,
    )


async def prepare_prune(
    connections: Connections,
    cache: DigestCache,
    retention: RetentionFile,
    kubernetes: KubernetesSettings,
    options: PruneOptions,
    listed: Collection[UsedImage] = (),
    memory: TagMemory = NO_MEMORY,
) -> Prepared:
    """The plan as `judge_repositories` makes it; what is seen meanwhile is noted. Raises as that does."""
    with SqliteSightings(options.state_dir) as sightings:
        made = await judge_repositories(
            connections, cache, retention, kubernetes, options, listed, sightings, judge, memory
        )
    return made.prepared
