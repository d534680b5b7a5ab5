"""What is in use somewhere: in the clusters of the user's Kubernetes configuration, and as the user's own lists say."""

from collections.abc import Collection, Iterable, Mapping

import anyio.to_thread
import msgspec

from holystone.adapters.kubernetes.reader import ImagesInUse, read_clusters
from holystone.adapters.kubernetes.targets import Target, choose_targets, find_config
from holystone.engine.model.in_use import UsedImage
from holystone.engine.report.words import count
from holystone.settings.values import KubernetesSettings


class InUse(msgspec.Struct, frozen=True):
    images: tuple[UsedImage, ...] = ()
    notices: tuple[str, ...] = ()


async def find_targets(settings: KubernetesSettings, environ: Mapping[str, str]) -> tuple[Target, ...]:
    """Whom to ask, before anybody is asked. Raises UsageError, and Refused where there is nobody."""
    if settings.without:
        return ()
    config = await anyio.to_thread.run_sync(
        find_config, settings.config, settings.config_base64, settings.default_config, environ
    )
    return choose_targets(
        config, only=settings.context, excluded=settings.excluded, own_namespace=settings.context_namespace_only
    )


async def read_in_use(targets: Collection[Target], listed: Collection[UsedImage], environ: Mapping[str, str]) -> InUse:
    """Raises IncompleteSource."""
    running = await read_clusters(targets, environ)
    return InUse((*running.images, *listed), tuple(_notices(targets, running, listed)))


def _notices(targets: Collection[Target], running: ImagesInUse, listed: Collection[UsedImage]) -> Iterable[str]:
    if targets:
        contexts = sum(len(target.contexts) for target in targets)
        yield f"{_distinct(running.images)} in use in {count(contexts, 'Kubernetes context')}"
    if listed:
        yield f"{_distinct(listed)} in use by --in-use"
    if running.skipped:
        number, first = len(running.skipped), running.skipped[0][:100]
        yield f"words in Kubernetes that name no image and were skipped: {number:,}, e.g. {first!r}"


def _distinct(images: Collection[UsedImage]) -> str:
    return count(len({(each.repository, each.tag, each.digest) for each in images}), "image")
