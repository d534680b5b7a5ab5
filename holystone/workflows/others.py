"""What lies beside the project's own in its repositories: other projects' stages, records and images, and anybody's."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from holystone.engine.model.notices import TagsOfOtherProject
from holystone.engine.model.reasons import BesideOtherProject, Foreign
from holystone.engine.model.references import ImageName, Reference, Repository, Tag
from holystone.engine.model.verdicts import Delete, Keep, Verdicts
from holystone.engine.report.words import shown
from holystone.policies.werf.v1 import looks_stored
from holystone.policies.werf.v1.project import ImageTag, StagesStorage
from holystone.workflows.inventory import ProjectInventory


def foreign(inventory: ProjectInventory, images: Iterable[ImageTag]) -> Mapping[Repository, Verdicts]:
    """What is no image of the project in the repositories of its images. What is stored beside them is not judged
    here."""
    own: defaultdict[Repository, set[Tag]] = defaultdict(set)
    for image in images:
        own[image.reference.repository].add(image.reference.tag)
    found: dict[Repository, Verdicts] = {}
    for repository in {inventory.layout.repository(name) for name in inventory.images}:
        snapshot = inventory.snapshots[repository]
        others = snapshot.names - own[repository]
        if repository == inventory.storage:
            others = {tag for tag in others if not looks_stored(snapshot, tag)}
        found[repository] = dict.fromkeys(others, Keep((Foreign(),)))
    return found


def whose_records_are_ours(inventory: ProjectInventory, storage: StagesStorage) -> Collection[ImageName]:
    """Beside another project's stages a managed image may be that one's, unless werf.yaml names it."""
    is_shared = any(stage.other_project for stage in storage.stages)
    return inventory.images if inventory.configured is None or not is_shared else inventory.configured


def beside(records: Verdicts) -> Verdicts:
    """Records that may be another project's do not go."""
    kept = Keep((BesideOtherProject(),))
    return {tag: kept if isinstance(verdict, Delete) else verdict for tag, verdict in records.items()}


def notices_of_others(
    inventory: ProjectInventory, storage: StagesStorage, images: Iterable[ImageTag]
) -> Iterable[TagsOfOtherProject]:
    of_project: defaultdict[str, list[Reference]] = defaultdict(list)
    for image in images:
        of_project[image.other_project].append(image.reference)
    for stage in storage.stages:
        of_project[stage.other_project].append(Reference(inventory.storage, stage.tag))
    for project, theirs in sorted(of_project.items()):
        if project:
            yield TagsOfOtherProject(len(theirs), min(theirs), shown(project), inventory.project[0])
