"""What in a repository is a project's own, whoever needs it: what a purge takes."""

from collections.abc import Iterable, Mapping

import msgspec

from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.references import Reference, Repository, Tag
from holystone.policies.werf.v1 import labels
from holystone.policies.werf.v1.project import ImageTag
from holystone.policies.werf.v1.reading import kind_of, stored_image


class Ownership(msgspec.Struct, frozen=True):
    own: frozenset[Reference]
    others: dict[Reference, str]
    """What looks like the project's and has a label that names another one, with that name."""
    doubtful: frozenset[Reference] = frozenset()
    """Records beside what strangers have: nothing says whose they are."""


def readable_enough(storage: RepositorySnapshot) -> RepositorySnapshot:
    """The storage as a purge sees it: of a stage or record its name and its manifest say all: that its configuration is
    missing or malformed makes it broken for whoever wants to run or judge it, not for a purge."""
    broken = {
        tag: why
        for tag, why in storage.broken.items()
        if kind_of(tag) == "foreign" or storage.tags.get(tag) not in storage.manifests
    }
    return msgspec.structs.replace(storage, broken=broken)


def belongings_in_storage(storage: RepositorySnapshot, project: str | None) -> Ownership:
    """Stages and all records. `project` is None if nobody knows the name: then labels that name one say nothing.

    A stage names its project and most records do not. So beside another project's stages no record is anybody's."""
    ours = (project,) if project else ()
    own: set[Tag] = set()
    records: set[Tag] = set()
    others: dict[Tag, str] = {}
    for tag in storage.tags:
        kind, labelled = kind_of(tag), _labels(storage, tag)
        if not looks_stored(storage, tag):
            continue
        if kind != "stage":
            records.add(tag)
        elif not labels.is_image_under(labelled, tag):  # images may live in the same repository
            if whose := labels.another_project(labelled, ours):
                others[tag] = whose
            else:
                own.add(tag)
    return Ownership(
        own=frozenset(Reference(storage.repository, tag) for tag in (own if others else own | records)),
        others={Reference(storage.repository, tag): whose for tag, whose in others.items()},
        doubtful=frozenset(Reference(storage.repository, tag) for tag in records if others),
    )


def belongings_among_images(
    tags: Iterable[ImageTag],
    snapshots: Mapping[Repository, RepositorySnapshot],
    storage: Repository,
    project: str | None,
) -> Ownership:
    """What of the images' repositories is the project's own. `tags` are those of its images by their labels."""
    ours = (project,) if project else ()
    own: set[Reference] = set()
    others: dict[Reference, str] = {}
    for image in tags:
        at = image.reference
        labelled = _labels(snapshots[at.repository], at.tag)
        if at.repository == storage and kind_of(at.tag) != "foreign" and not labels.is_image_under(labelled, at.tag):
            continue
        if whose := labels.another_project(labelled, ours):
            others[at] = whose
        else:
            own.add(at)
    return Ownership(frozenset(own), others)


def _labels(snapshot: RepositorySnapshot, tag: Tag) -> Mapping[str, str]:
    config = snapshot.image(tag)
    return config.labels if config else {}


def looks_stored(storage: RepositorySnapshot, tag: Tag) -> bool:
    """Whether a tag is what werf makes of a stage or a record, by its name and by being an image."""
    digest = storage.tags.get(tag)
    manifest = storage.manifests.get(digest) if digest else None
    if kind_of(tag) == "foreign" or manifest is None or manifest.config is None:
        return False
    return manifest.says_image or stored_image(storage, tag) is not None
