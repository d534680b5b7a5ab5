"""What cannot be read or understood, told once: what it is, what waits for it, and the way out."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.notices import Broken, HoldsUp
from holystone.engine.model.references import ImageName, Reference, Repository, Tag
from holystone.policies.werf.v1.project import StagesStorage
from holystone.workflows.inventory import ProjectInventory
from holystone.workflows.unseen import UnseenTags

_ALL: Final[tuple[HoldsUp, ...]] = ("manifests",)


def broken_notices(
    snapshots: Iterable[RepositorySnapshot],
    waits: Mapping[Reference, Sequence[HoldsUp]] = MappingProxyType({}),
    silent: Iterable[Reference] = (),
) -> Iterator[Broken]:
    """One for all in a repository that hold up the same. `waits`: what the policies keep for which tag; `silent`:
    records that can be read and do not say their content."""
    unsaid: defaultdict[Repository, dict[Tag, None]] = defaultdict(dict)
    for record in silent:
        unsaid[record.repository][record.tag] = None
    for snapshot in snapshots:
        alike: defaultdict[tuple[HoldsUp, ...], dict[str, str | None]] = defaultdict(dict)
        for tag, why in sorted({**unsaid[snapshot.repository], **snapshot.broken}.items()):
            unread = tag in snapshot.unread or snapshot.tags.get(tag) in snapshot.unread
            held_up = waits.get(Reference(snapshot.repository, tag), ())
            alike[(*(_ALL if unread else ()), *held_up)][tag] = why
        told = {*snapshot.broken, *(snapshot.tags.get(tag) for tag in snapshot.broken)}
        alike[_ALL] |= {entry: why for entry, why in sorted(snapshot.unread.items()) if entry not in told}
        for held_up, entries in alike.items():
            if entries:
                first, why = next(iter(entries.items()))
                yield Broken(snapshot.repository, len(entries), first, why, held_up)


def what_waits(
    inventory: ProjectInventory,
    storage: StagesStorage,
    unseen: Mapping[ImageName, UnseenTags],
    silent: Iterable[Reference],
) -> Mapping[Reference, Sequence[HoldsUp]]:
    found: defaultdict[Reference, list[HoldsUp]] = defaultdict(list)
    for image, each in unseen.items():
        for tag in each.tags:
            at = Reference(inventory.layout.repository(image), tag)
            found[at] += ["stages"] if each.blind else []
            found[at] += ["records"] if each.signatures or each.possible else []
    for tag in storage.unreadable:
        found[Reference(inventory.storage, tag)].append("stages")
    for record in silent:
        found[record].append("images")
    return {at: tuple(dict.fromkeys(held_up)) for at, held_up in found.items()}


def silent_records(inventory: ProjectInventory, storage: StagesStorage) -> frozenset[Reference]:
    """Whether or not they can be read."""
    return frozenset(Reference(inventory.storage, each.tag) for each in storage.metadata if each.signature is None)
