"""All images in use in all clusters that are asked, or an error that says which of them could not be read."""

from bisect import insort
from collections.abc import Collection, Mapping
from typing import Any, Final, TypeAlias

import msgspec
import structlog

from holystone.adapters.http.reply import printable
from holystone.adapters.kubernetes.api import REQUESTS_AT_ONCE, ApiServer
from holystone.adapters.kubernetes.identity import Identity
from holystone.adapters.kubernetes.listing import list_all
from holystone.adapters.kubernetes.objects import KINDS, Kind
from holystone.adapters.kubernetes.targets import Target
from holystone.engine.errors import IncompleteSource
from holystone.engine.model.in_use import UsedImage, Workload
from holystone.engine.model.references import InvalidName
from holystone.engine.naming import parse_used_image
from holystone.engine.scheduler import Limits, Scheduler, for_each

_TARGETS_AT_ONCE: Final = 4
_USERS: Final = 3
"""Workloads that are remembered of each image: a big cluster runs one image ten thousand times."""
LIMITS: Final = Limits(
    in_flight=REQUESTS_AT_ONCE, attempts=6, host_patience=60.0, first_patience=5.0, longest_wait=120.0
)
_Users: TypeAlias = list[tuple[str, str, str, str]]
log: structlog.stdlib.BoundLogger = structlog.get_logger()


class ImagesInUse(msgspec.Struct, frozen=True):
    images: tuple[UsedImage, ...] = ()
    skipped: tuple[str, ...] = ()
    """Words that name no image, such as a template that a controller fills in."""


async def read_clusters(
    targets: Collection[Target], environ: Mapping[str, str], *, scheduler: Scheduler | None = None
) -> ImagesInUse:
    """Raises IncompleteSource (Unauthorized, Unreachable) for the first that cannot be read completely."""
    scheduler = scheduler or Scheduler(limits=LIMITS)
    found: dict[str, _Users] = {}

    async def read(target: Target) -> None:
        try:
            await _read_target(target, environ, scheduler, found)
        except IncompleteSource as error:
            raise _of_target(target, error) from error

    await for_each(targets, read, workers=_TARGETS_AT_ONCE)
    return _parsed(found)


async def _read_target(
    target: Target, environ: Mapping[str, str], scheduler: Scheduler, found: dict[str, _Users]
) -> None:
    if target.cluster is None or target.user is None:
        what = "cluster" if target.cluster is None else "user"
        raise IncompleteSource(f"its {what} is not in the Kubernetes configuration")
    first = target.contexts[0]
    identity = Identity(target.user, target.cluster, environ)
    async with ApiServer(target.cluster, identity, first, scheduler) as server:

        async def read(kind: Kind) -> None:
            objects = 0

            def take(each: Any) -> None:
                nonlocal objects
                objects += 1
                user = (first, each.metadata.namespace, kind.name, each.metadata.name)
                for word in each.images():
                    if word:
                        _remember(found.setdefault(word, []), user)

            await list_all(server, kind, target.namespace, take)
            log.info("workloads read", context=first, kind=kind.name, objects=objects)

        await for_each(KINDS, read, workers=REQUESTS_AT_ONCE)


def _remember(users: _Users, user: tuple[str, str, str, str]) -> None:
    """The first ones by name, whatever the order of pages."""
    if user not in users:
        insort(users, user)
        del users[_USERS:]


def _parsed(found: Mapping[str, _Users]) -> ImagesInUse:
    images: list[UsedImage] = []
    skipped: list[str] = []
    for word, users in sorted(found.items()):
        try:
            first = parse_used_image(word, Workload(*users[0]))
        except InvalidName:
            skipped.append(word)
        else:
            images.extend(msgspec.structs.replace(first, by=Workload(*user)) for user in users)
    return ImagesInUse(tuple(images), tuple(skipped))


def _of_target(target: Target, error: IncompleteSource) -> IncompleteSource:
    """The same with the context's name, and with how to go on without it."""
    exclude = " ".join(f"--exclude-kube-context {printable(name)}" for name in target.contexts)
    return type(error)(
        f"Images in use in Kubernetes cannot be read, {target.shown}: {error.message.rstrip('.')}.",
        what_to_do=f"{error.what_to_do} To go on without it: {exclude}.".strip(),
    )
