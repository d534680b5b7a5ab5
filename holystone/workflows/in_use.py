"""What is in use somewhere: in the clusters of the user's Kubernetes configuration, and as the user's own lists say."""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

import anyio.to_thread
import msgspec

from holystone.adapters.http.reply import printable
from holystone.adapters.kubernetes.kubeconfig import KubeConfig
from holystone.adapters.kubernetes.reader import ImagesInUse, read_clusters
from holystone.adapters.kubernetes.targets import Target, choose_targets, find_config
from holystone.engine.errors import IncompleteSource, Refused, shell_word
from holystone.engine.model.in_use import UsedImage, Workload
from holystone.engine.model.notices import Notice
from holystone.engine.model.plan import ClustersAsked
from holystone.engine.model.references import Repository
from holystone.engine.model.source_notices import UsedByLists, UsedInClusters, WordsSkipped
from holystone.engine.names import may_name
from holystone.settings.values import KubernetesSettings

A_WHILE: Final = 60.0
"""Seconds after which clusters are asked again, by whoever goes on with what they said."""


class Users(msgspec.Struct, frozen=True):
    """Who uses images: clusters that are still to be asked, and what people listed."""

    clusters: tuple[Target, ...] = ()
    listed: Collection[UsedImage] = ()
    asked: ClustersAsked | None = None
    """For the plan, so that whoever carries it out later asks the same."""


class FoundInUse(msgspec.Struct, frozen=True):
    images: tuple[UsedImage, ...]
    notices: tuple[Notice, ...]
    moment: float
    """When it began to be asked; Unix seconds."""
    unfilled: Mapping[str, tuple[Workload, ...]] = {}
    """Words that name no image until somebody fills them in."""


async def find_users(settings: KubernetesSettings, listed: Collection[UsedImage], environ: Mapping[str, str]) -> Users:
    """Who is to be asked what is in use; nobody is asked yet. Raises UsageError, and Refused where there is no cluster
    to ask."""
    if settings.without or settings.said == "none":
        return Users(listed=listed)
    return _users(await _config(settings, environ), settings, listed)


async def _config(settings: KubernetesSettings, environ: Mapping[str, str]) -> KubeConfig:
    return await anyio.to_thread.run_sync(
        find_config, settings.config, settings.config_base64, settings.default_config, environ
    )


def _users(config: KubeConfig, settings: KubernetesSettings, listed: Collection[UsedImage]) -> Users:
    excluded = settings.excluded
    if isinstance(settings.said, tuple):
        if unknown := sorted({*settings.said} - config.contexts.keys() - {*excluded}):
            raise Refused(
                f"{_contexts(unknown)} {'is' if len(unknown) == 1 else 'are'} to be asked what is in use, and not in "
                "this Kubernetes configuration.",
                what_to_do="Name the right configuration with --kube-config.",
            )
        excluded = (*excluded, *sorted(config.contexts.keys() - {*settings.said, *excluded}))
    clusters = choose_targets(
        config, only=settings.context, excluded=excluded, own_namespace=settings.context_namespace_only
    )
    contexts = tuple(sorted({name for target in clusters for name in target.contexts}))
    asked = ClustersAsked(contexts, settings.context, excluded, settings.context_namespace_only)
    return Users(clusters, listed, asked)


async def find_users_again(
    then: ClustersAsked | None,
    settings: KubernetesSettings,
    listed: Collection[UsedImage],
    environ: Mapping[str, str],
) -> Users:
    """Who uses images now, for a plan that asked `then`: all clusters of today's configuration but those that were left
    out, or that are now; where a file of policies says who is asked, those that it says. Raises Refused also where one
    that was asked then is not known here, or the file does not say it any more."""
    if settings.without:
        return Users(listed=listed)
    if then is None:  # a plan for which nobody was asked needs nobody now, unless the user says so
        return await find_users(settings, listed, environ) if settings.said else Users(listed=listed)
    again = () if settings.context else sorted({*then.contexts} - {*settings.excluded})
    by_file = again if settings.said in (None, "all") else () if settings.said == "none" else settings.said
    if unsaid := [name for name in again if name not in by_file]:
        raise _unasked(unsaid, "the file of policies does not have it asked", "Say so there")
    if settings.said == "none":
        return Users(listed=listed)
    try:
        config = await _config(settings, environ)  # once: it may be a pipe
    except Refused as error:
        raise _unasked(then.contexts, error.message, "Name it with --kube-config") from error
    if missing := [name for name in again if name not in config.contexts]:
        why = "that is not in this Kubernetes configuration"
        raise _unasked(missing, why, "Name the right configuration with --kube-config")
    chosen = settings.context or (None if settings.said else then.only)
    known = {chosen} if chosen else config.contexts.keys()
    left_out = {name for name in settings.excluded if name in known or name not in then.contexts}
    if not settings.said:
        left_out |= {name for name in then.excluded if name in known}
    return _users(
        config,
        msgspec.structs.replace(
            settings,
            context=chosen,
            excluded=tuple(sorted(left_out)),
            context_namespace_only=settings.context_namespace_only or (then.own_namespace and not settings.said),
        ),
        listed,
    )


def _unasked(contexts: Sequence[str], why: str, what_to_do: str) -> Refused:
    return Refused(
        f"The plan was made with what runs in {_contexts(contexts)}, and {why.removesuffix('.')}. So it is not known "
        "what is in use now.",
        what_to_do=f"{what_to_do}, or leave it out with "
        + " ".join(f"--exclude-kube-context {shell_word(name)}" for name in contexts)
        + ", or say --without-kube. No variable says so for a plan that is made.",
    )


def _contexts(names: Sequence[str]) -> str:
    return f"context{'s' if len(names) > 1 else ''} {', '.join(map(printable, names))}"


async def read_in_use(users: Users, environ: Mapping[str, str]) -> FoundInUse:
    """Raises IncompleteSource."""
    moment = time.time()
    running = await read_clusters(users.clusters, environ)
    return FoundInUse((*running.images, *users.listed), tuple(_notices(users, running)), moment, running.unfilled)


def refuse_unfilled(in_use: FoundInUse, repositories: Iterable[Repository]) -> None:
    """Whatever such a word will be when it is filled in, it may be one of these repositories' tags if it has one's name
    in it. A word that has not says nothing of them. Raises IncompleteSource."""
    repositories = tuple(repositories)
    for word, users in in_use.unfilled.items():
        if any(may_name(word, each) for each in repositories):
            by = users[0]
            who = printable(f"{by.namespace}/{by.name}".lstrip("/"))
            raise IncompleteSource(
                f"Images in use in Kubernetes cannot be read, context {printable(by.context)}: {by.kind} {who} has the "
                f"image {printable(word)[:200]!r}, which may be one of {_named(word, repositories)}: which one, is "
                "not known.",
                what_to_do="Give it a name that can be pulled, or delete it. To go on without its cluster: "
                f"--exclude-kube-context {shell_word(by.context)}.",
            )


def _named(word: str, repositories: Iterable[Repository]) -> str:
    return next(str(each) for each in repositories if may_name(word, each))


def _notices(users: Users, running: ImagesInUse) -> Iterable[Notice]:
    if users.clusters:
        yield UsedInClusters(_distinct(running.images), sum(len(target.contexts) for target in users.clusters))
    if users.listed:
        yield UsedByLists(_distinct(users.listed))
    if running.skipped:
        yield WordsSkipped(len(running.skipped), running.skipped[0][:100])


def _distinct(images: Collection[UsedImage]) -> int:
    return len({(each.repository, each.tag, each.digest) for each in images})
