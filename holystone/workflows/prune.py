"""From policies to a plan of many repositories."""

from collections.abc import Collection

from holystone.adapters.registries.connections import Connections
from holystone.adapters.state.sqlite.sightings import SqliteSightings
from holystone.engine.model.in_use import UsedImage
from holystone.engine.ports import DigestCache
from holystone.policies.retention.judge import judge
from holystone.policies.retention.rules import RetentionFile
from holystone.settings.values import KubernetesSettings
from holystone.workflows.gathered import PruneOptions
from holystone.workflows.judging import judge_repositories
from holystone.workflows.prepare import Prepared


async def prepare_prune(
    connections: Connections,
    cache: DigestCache,
    retention: RetentionFile,
    kubernetes: KubernetesSettings,
    options: PruneOptions,
    listed: Collection[UsedImage] = (),
) -> Prepared:
    """The plan as `judge_repositories` makes it; what is seen meanwhile is noted. Raises as that does."""
    with SqliteSightings(options.state_dir) as sightings:
        made = await judge_repositories(connections, cache, retention, kubernetes, options, listed, sightings, judge)
    return made.prepared
