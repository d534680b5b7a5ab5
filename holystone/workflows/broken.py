"""What cannot be read or understood, told once: what it is, what waits for it, and the way out."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.references import ImageName, Reference, Repository, Tag
from holystone.engine.report.words import count
from holystone.policies.werf.v1.project import StagesStorage
from holystone.workflows.inventory import ProjectInventory
from holystone.workflows.unseen import UnseenTags

_ANY: Final = "nothing is deleted there, since it may need any manifest"
_STAGES: Final = "each stage that nothing else needs stays, since it may be built on any"
_RECORDS: Final = "the records of its content stay"
_REACHED: Final = "while a selected branch or tag reaches its commit, nothing of its image goes for lack of one"
_SILENT: Final = "it does not say which content it is of"


def broken_notices(
    snapshots: Iterable[RepositorySnapshot],
    waits: Mapping[Reference, Sequence[str]] = MappingProxyType({}),
    silent: Iterable[Reference] = (),
) -> Iterator[str]:
    """One for all in a repository that hold up the same. `waits`: what the policies keep for which tag; `silent`:
    records that can be read and do not say their content."""
    unsaid: defaultdict[Repository, dict[Tag, str]] = defaultdict(dict)
    for record in silent:
        unsaid[record.repository][record.tag] = _SILENT
    for snapshot in snapshots:
        alike: defaultdict[tuple[str, ...], dict[str, str]] = defaultdict(dict)
        for tag, why in sorted({**unsaid[snapshot.repository], **snapshot.broken}.items()):
            unread = tag in snapshot.unread or snapshot.tags.get(tag) in snapshot.unread
            held_up = waits.get(Reference(snapshot.repository, tag), ())
            alike[(*((_ANY,) if unread else ()), *held_up)][tag] = why
        told = {*snapshot.broken, *(snapshot.tags.get(tag) for tag in snapshot.broken)}
        alike[(_ANY,)] |= {entry: why for entry, why in sorted(snapshot.unread.items()) if entry not in told}
        for held_up, entries in alike.items():
            if entries:
                yield _told(snapshot.repository, entries, held_up)


def what_waits(
    inventory: ProjectInventory,
    storage: StagesStorage,
    unseen: Mapping[ImageName, UnseenTags],
    silent: Iterable[Reference],
) -> Mapping[Reference, Sequence[str]]:
    found: defaultdict[Reference, list[str]] = defaultdict(list)
    for image, each in unseen.items():
        for tag in each.tags:
            at = Reference(inventory.layout.repository(image), tag)
            found[at] += [*([_STAGES] if each.blind else []), *([_RECORDS] if each.signatures or each.possible else [])]
    for tag in storage.unreadable:
        found[Reference(inventory.storage, tag)].append(_STAGES)
    for record in silent:
        found[record].append(_REACHED)
    return {at: tuple(dict.fromkeys(held_up)) for at, held_up in found.items()}


def silent_records(inventory: ProjectInventory, storage: StagesStorage) -> frozenset[Reference]:
    """Whether or not they can be read."""
    return frozenset(Reference(inventory.storage, each.tag) for each in storage.metadata if each.signature is None)


def _told(at: Repository, entries: Mapping[str, str], held_up: Sequence[str]) -> str:
    first = next(iter(entries))
    them = count(len(entries), "broken manifest" if ":" in first else "broken tag")
    so = f" So {', and '.join(held_up)}." if held_up else ""
    return f"{at}: {them} left alone, e.g. {first}: {entries[first]}.{so} Publish it again, or delete it by hand"
