"""What is in use somewhere: in the clusters of the user's Kubernetes configuration, and as the user's own lists say."""

from collections.abc import Collection, Iterable, Mapping

import anyio.to_thread
import msgspec

from holystone.adapters.kubernetes.reader import ImagesInUse, read_clusters
from holystone.adapters.kubernetes.targets import Target, choose_targets, find_config
from holystone.engine.model.in_use import UsedImage
from holystone.engine.report.words import count
from holystone.settings.values import KubernetesSettings


class Users(msgspec.Struct, frozen=True):
    """Who uses images: clusters that are still to be asked, and what people listed."""

    clusters: tuple[Target, ...] = ()
    listed: Collection[UsedImage] = ()


class InUse(msgspec.Struct, frozen=True):
    images: tuple[UsedImage, ...]
    notices: tuple[str, ...]


async def find_users(settings: KubernetesSettings, listed: Collection[UsedImage], environ: Mapping[str, str]) -> Users:
    """Before anybody is asked. Raises UsageError, and Refused where there is no cluster to ask."""
    if settings.without:
        return Users(listed=listed)
    config = await anyio.to_thread.run_sync(
        find_config, settings.config, settings.config_base64, settings.default_config, environ
    )
    clusters = choose_targets(
        config, only=settings.context, excluded=settings.excluded, own_namespace=settings.context_namespace_only
    )
    return Users(clusters, listed)


async def read_in_use(users: Users, environ: Mapping[str, str]) -> InUse:
    """Raises IncompleteSource."""
    running = await read_clusters(users.clusters, environ)
    return InUse((*running.images, *users.listed), tuple(_notices(users, running)))


def _notices(users: Users, running: ImagesInUse) -> Iterable[str]:
    if users.clusters:
        contexts = sum(len(target.contexts) for target in users.clusters)
        yield f"{_distinct(running.images)} in use in {count(contexts, 'Kubernetes context')}"
    if users.listed:
        yield f"{_distinct(users.listed)} in use by --in-use"
    if running.skipped:
        number, first = len(running.skipped), running.skipped[0][:100]
        yield f"words in Kubernetes that name no image and were skipped: {number:,}, e.g. {first!r}"


def _distinct(images: Collection[UsedImage]) -> str:
    return count(len({(each.repository, each.tag, each.digest) for each in images}), "image")
