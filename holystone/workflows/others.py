"""What lies beside the project's own in its repositories: other projects' stages, records and images, and anybody's."""

from collections import defaultdict
from collections.abc import Collection, Iterable

from holystone.engine.model.notices import TagsOfOtherProject
from holystone.engine.model.reasons import BesideOtherProject, Foreign
from holystone.engine.model.references import ImageName, Reference, Repository
from holystone.engine.model.verdicts import Delete, Keep, Verdicts
from holystone.engine.report.words import shown
from holystone.policies.werf.v1 import looks_stored
from holystone.policies.werf.v1.project import ImageTag, StagesStorage
from holystone.workflows.inventory import ProjectInventory


def foreign(inventory: ProjectInventory, repository: Repository, images: Iterable[ImageTag]) -> Verdicts:
    """What is no image of the project in a repository of its images. What is stored beside them is not judged here."""
    own = {tag.reference.tag for tag in images if tag.reference.repository == repository}
    snapshot = inventory.snapshots[repository]
    found = snapshot.names - own
    if repository == inventory.storage:
        found = {tag for tag in found if not looks_stored(snapshot, tag)}
    return dict.fromkeys(found, Keep((Foreign(),)))


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
