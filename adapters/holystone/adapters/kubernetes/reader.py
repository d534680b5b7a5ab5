"""All images in use in all clusters that are asked, or an error that says which of them could not be read."""

from bisect import insort
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

import msgspec

from holystone.adapters.http.bodies import Bodies
from holystone.adapters.http.reply import printable
from holystone.adapters.kubernetes.api import REQUESTS_AT_ONCE, ApiServer
from holystone.adapters.kubernetes.identity import ClusterIdentity
from holystone.adapters.kubernetes.listing import list_all
from holystone.adapters.kubernetes.objects import KINDS, ObjectKind
from holystone.adapters.kubernetes.targets import Target
from holystone.engine import events
from holystone.engine.errors import IncompleteSource, shell_word
from holystone.engine.model.in_use import UsedImage, Workload
from holystone.engine.model.references import InvalidName
from holystone.engine.names import image_id_names, parse_image_id, parse_used_image
from holystone.engine.scheduler import Limits, Scheduler, for_each

_TARGETS_AT_ONCE: Final = 4
_DIFFERENT: Final = 200_000
"""Names of images that are specified, or run, in all clusters; 150,000 pods are the most that one can have."""
_LONGEST: Final = 16_384
"""Characters by which one is named, with all its names together (`imageID`)."""
_LETTERS: Final = 1 << 24
"""Characters of all of them: the longest that are allowed would be gigabytes."""
_NAME: Final = 1_000
"""Characters of an object's namespace and name, which have 63 and 253 at most (kubernetes.io, "Object Names and
IDs")."""
_USERS: Final = 3
"""Workloads that are remembered of each image: a big cluster runs one image ten thousand times."""
LIMITS: Final = Limits(
    in_flight=REQUESTS_AT_ONCE, attempts=6, host_patience=60.0, first_patience=5.0, longest_wait=120.0
)
_User: TypeAlias = tuple[str, str, str, str]
"""The fields of a `Workload`."""
_Users: TypeAlias = list[_User]
log: Final = events.logger()


class ImagesInUse(msgspec.Struct, frozen=True):
    images: tuple[UsedImage, ...] = ()
    unfilled: Mapping[str, tuple[Workload, ...]] = {}
    """Words of specifications that name no image, such as a variable that a controller fills in, with some of those
    that have them. Nothing runs by such a word: kubelet refuses it (`InvalidImageName`) by the same grammar."""

    @property
    def skipped(self) -> tuple[str, ...]:
        return tuple(self.unfilled)


class _Words:
    """Names of images as they stand in the clusters, each with who has it."""

    def __init__(self) -> None:
        self.specified: dict[str, _Users] = {}
        self.running: dict[str, _Users] = {}
        self._letters = 0

    def remember(self, words: dict[str, _Users], word: str, user: _User) -> None:
        """Keeps of the users of a word the first ones by name, whatever the order of pages. `words`: either of the
        above."""
        if word not in words:
            self._letters += len(word)
        users = words.setdefault(word, [])
        if user not in users:
            insort(users, user)
            del users[_USERS:]
        if len(words) > _DIFFERENT:
            raise _too_many(words, f"more than {_DIFFERENT:,} different images")
        if self._letters > _LETTERS:
            raise _too_many({**self.specified, **self.running}, f"different images by more than {_LETTERS:,} letters")


async def read_clusters(
    targets: Collection[Target], environ: Mapping[str, str], *, scheduler: Scheduler | None = None
) -> ImagesInUse:
    """Raises IncompleteSource (Unauthorized, Unreachable) for the first that cannot be read completely, or that runs an
    image of which it cannot be told which one it is."""
    scheduler = scheduler or Scheduler(limits=LIMITS)
    found, bodies = _Words(), Bodies()

    async def read(target: Target) -> None:
        try:
            await _read_target(target, environ, scheduler, bodies, found)
        except IncompleteSource as error:
            raise _of_target(target, error) from error

    await for_each(targets, read, workers=_TARGETS_AT_ONCE)
    return _parsed(found)


async def _read_target(
    target: Target, environ: Mapping[str, str], scheduler: Scheduler, bodies: Bodies, found: _Words
) -> None:
    if target.cluster is None or target.user is None:
        what = "cluster" if target.cluster is None else "user"
        raise IncompleteSource(f"its {what} is not in the Kubernetes configuration")
    first = target.contexts[0]
    identity = ClusterIdentity(target.user, target.cluster, environ)
    async with ApiServer(target.cluster, identity, first, scheduler, bodies) as server:

        async def read(kind: ObjectKind) -> None:
            objects = 0

            def take(each: Any) -> None:
                nonlocal objects
                objects += 1
                if len(each.metadata.namespace) + len(each.metadata.name) > _NAME:
                    raise IncompleteSource(f"its list of {kind.plural} has a name of more than {_NAME:,} characters")
                user = (first, each.metadata.namespace, kind.name, each.metadata.name)
                for word in _filled(each.images(), user):
                    found.remember(found.specified, word, user)
                for word in _filled(each.running(), user):
                    for name in dict.fromkeys(image_id_names(word)):
                        found.remember(found.running, name, user)

            await list_all(server, kind, target.namespace, take, or_else=_or_else(target))
            log.info("workloads read", context=first, kind=kind.name, objects=objects)

        await for_each(KINDS, read, workers=REQUESTS_AT_ONCE)
        await server.settle()


def _filled(words: Iterable[str], user: _User) -> Iterator[str]:
    """A blank says that a controller will fill it in, or that nothing runs yet. Raises IncompleteSource, as
    `_Words.remember`, for what no cluster runs."""
    for word in words:
        if len(word) > _LONGEST:
            raise IncompleteSource(
                f"{_shown(user)} names an image by more than {_LONGEST:,} characters, which is none",
                what_to_do="Find out who made it, and delete it or have its image named.",
            )
        if word.strip():
            yield word


def _too_many(words: Mapping[str, _Users], what: str) -> IncompleteSource:
    """Whoever may make a workload may name thousands of images in it: so it is told where the most letters are."""
    by: Counter[str] = Counter()
    for word, users in words.items():
        by.update(dict.fromkeys({user[1] for user in users}, len(word)))
    most = max(by, key=lambda each: (by[each], each))
    number = sum(any(user[1] == most for user in users) for users in words.values())
    return IncompleteSource(
        f"it names {what}, {number:,} of them in namespace {printable(most)}",
        what_to_do="Find out who made so many there, and delete what nobody needs.",
    )


def _shown(user: _User) -> str:
    _, namespace, kind, name = user
    return f"{kind} {printable(f'{namespace}/{name}')}"


def _or_else(target: Target) -> str:
    """How a user that may not list everything could be asked for less."""
    if target.namespace:
        return ""
    if not target.narrowed:
        return "add --scan-context-namespace-only if its own namespace is enough"
    first = printable(target.contexts[0])
    return (
        "name its namespace, since the context names none and so all are asked: "
        f"kubectl config set-context {first} --namespace=NAMESPACE"
    )


def _parsed(found: _Words) -> ImagesInUse:
    images: list[UsedImage] = []
    unfilled: dict[str, tuple[Workload, ...]] = {}
    for word, users in sorted(found.specified.items()):
        try:
            images.extend(_used([parse_used_image(word, Workload(*users[0]))], users))
        except InvalidName:
            unfilled[word] = tuple(Workload(*user) for user in users)
    for word, users in sorted(found.running.items()):
        try:
            images.extend(_used([parse_image_id(word, Workload(*users[0]))], users))
        except InvalidName as error:
            raise _runs_unknown(word, Workload(*users[0])) from error
    return ImagesInUse(tuple(dict.fromkeys(images)), unfilled)


def _used(parsed: Iterable[UsedImage], users: _Users) -> Iterator[UsedImage]:
    for each in parsed:
        yield from (msgspec.structs.replace(each, by=Workload(*user)) for user in users)


def _runs_unknown(word: str, by: Workload) -> IncompleteSource:
    pod, context = printable(f"{by.namespace}/{by.name}"), printable(by.context)
    words = ("kubectl", "--context", by.context, "-n", by.namespace, "describe", "pod", by.name)
    describe = " ".join(map(shell_word, words))
    return IncompleteSource(
        f"Images in use in Kubernetes cannot be read, context {context}: {by.kind} {pod} runs what its container "
        f"runtime calls {printable(word)[:200]!r}, and it cannot be told which image that is.",
        what_to_do=f"`{describe}` shows it. If it is none of these images, run again when the pod is gone. To go on "
        "without its cluster: "
        f"--exclude-kube-context {shell_word(by.context)}, and list what runs there with --in-use FILE.",
    )


def _of_target(target: Target, error: IncompleteSource) -> IncompleteSource:
    """The same error with the context's name, and with how to go on without it."""
    exclude = " ".join(f"--exclude-kube-context {shell_word(name)}" for name in target.contexts)
    return type(error)(
        f"Images in use in Kubernetes cannot be read, {target.shown}: {error.message.rstrip('.')}.",
        what_to_do=f"{error.what_to_do} To go on without it: {exclude}.".strip(),
    )
