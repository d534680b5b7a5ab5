"""Inventory and intent → verdicts. Pure: everything was read before, and nothing is deleted here."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from holystone.engine.model.in_use import UsedImage
from holystone.engine.model.notices import (
    ImageHomeless,
    NoGitRepository,
    NoImageRepository,
    Notice,
    RecordAmbiguous,
    RecordsUnclaimed,
    StagesElsewhere,
)
from holystone.engine.model.reasons import (
    Bookkeeping,
    Foreign,
    HistoryNotRead,
    ImagesAbsent,
    KeepReason,
    OtherProject,
    RecordNotJudged,
    Unreadable,
)
from holystone.engine.model.references import Digest, ImageName, Reference, Repository, Tag
from holystone.engine.model.refusals import Refusal
from holystone.engine.model.verdicts import Delete, Keep, Verdict
from holystone.engine.planner.facts import TagFacts
from holystone.policies.in_use import protect
from holystone.policies.werf.v1 import kind_of, marked_stages, read_images, read_storage, unlabelled_images
from holystone.policies.werf.v1.git_history import ImageDecision, decide_images
from holystone.policies.werf.v1.project import ImageTag, MetadataRecord, StagesStorage
from holystone.policies.werf.v1.stage_policy import decide_stages, images_built_elsewhere
from holystone.policies.werf.v1.tag_strategy import decide_by_strategy
from holystone.workflows.breadth import refuse_too_many
from holystone.workflows.broken import broken_notices, silent_records, what_waits
from holystone.workflows.decision import Decision, GitIntent, Intent, RepositoryVerdicts, Rules, Scope, StrategyIntent
from holystone.workflows.inventory import ProjectInventory
from holystone.workflows.misplaced import misplaced, without_unrecorded
from holystone.workflows.notices import contradictions, repository_notices
from holystone.workflows.others import beside, foreign, notices_of_others, whose_records_are_ours
from holystone.workflows.unseen import UnseenTags, empty_notices, unseen_images


def decide(
    inventory: ProjectInventory,
    intent: Intent | None,
    scope: Scope,
    rules: Rules,
    used: Collection[UsedImage] = (),
) -> Decision:
    """`intent` is None where there is no git repository: then all images stay, and only stages are judged. `used`: what
    runs somewhere. Raises IncompleteSource where git has more than can be judged."""
    storage = read_storage(inventory.snapshots[inventory.storage], inventory.images, inventory.project)
    tags = read_images(inventory.layout, inventory.images, inventory.snapshots, inventory.project)
    all_tags = [tag for each in tags.values() for tag in each]
    records = _by_image(storage.metadata)
    named = whose_records_are_ours(inventory, storage)
    unseen = unseen_images(inventory, named, storage)
    protected: dict[Reference, tuple[KeepReason, ...]] = {
        tag.reference: (OtherProject(tag.other_project),) for tag in all_tags if tag.other_project
    }
    protected |= {tag.reference: (Unreadable(tag.odd),) for tag in all_tags if tag.odd}
    protected |= protect(all_tags, used)
    found: defaultdict[Repository, dict[Tag, Verdict]] = defaultdict(dict)
    refusals: list[Refusal] = []
    doubts: list[Notice] = []
    absent = not any(inventory.of_image(name).exists for name in inventory.images)
    elsewhere = None if all_tags else misplaced(inventory, storage)
    if elsewhere:
        refusals.append(elsewhere)
    if absent or elsewhere:
        # A wrong --images-repo looks just like this, and would make every stage and record look unneeded.
        scope = Scope(images=False, stages=False)
        found[inventory.storage].update(dict.fromkeys(_judged(storage), Keep((ImagesAbsent(),))))
    if scope.images:
        if isinstance(intent, GitIntent):
            refuse_too_many(intent.selected, tags)
        decisions: Mapping[ImageName, ImageDecision] = {
            name: _judge_image(
                of_image,
                protected,
                records.get(name, ()),
                unseen.get(name),
                intent,
                rules,
            )
            for name, of_image in tags.items()
        }
        if rules.v1_2 and not rules.v1_2_confirmed:
            decisions, unrecorded = without_unrecorded(decisions, inventory, tags)
            doubts += unrecorded.notices
            refusals += unrecorded.refusals
        for name, decision in decisions.items():
            repository = inventory.layout.repository(name)
            _merge(found[repository], decision.tags)
            _merge(found[inventory.storage], decision.metadata if name in named else beside(decision.metadata))
        # Whose it is cannot be told, so it protects both and is never deleted.
        found[inventory.storage].update(dict.fromkeys(storage.ambiguous_metadata, Keep((Bookkeeping(),))))
        for repository, others in foreign(inventory, all_tags).items():
            _merge(found[repository], others)
    notices = list(_notices(inventory, storage, all_tags, intent, scope, absent=absent))
    notices += [*contradictions(found), *doubts]
    silent = silent_records(inventory, storage) if isinstance(intent, GitIntent) and scope.images else ()
    notices += broken_notices(inventory.snapshots.values(), what_waits(inventory, storage, unseen, silent), silent)
    if not (absent or elsewhere):
        notices += empty_notices(inventory, unseen)
    if scope.stages:
        remaining = [tag for tag in all_tags if not _goes(found, tag.reference)]
        run = {at.tag: by for at, by in protect(_stages(inventory, storage), used).items()}
        blind = [name for name, each in unseen.items() if each.blind]
        whose = [
            image
            for at in sorted({inventory.layout.repository(name) for name in inventory.images})
            for image in unlabelled_images(inventory.snapshots[at])
            if at != inventory.storage or kind_of(image.reference.tag) == "foreign"
        ]
        judged = decide_stages(storage, [*remaining, *whose], rules.as_of, rules.stages_grace, run, blind)
        # Where both live in one repository, a tag of an image may look like one of a stage.
        stay = {tag.reference.tag for tag in remaining if tag.reference.repository == inventory.storage}
        _merge(found[inventory.storage], {tag: verdict for tag, verdict in judged.items() if tag not in stay})
        if orphans := images_built_elsewhere(storage, remaining):
            notices.append(StagesElsewhere(inventory.storage, len(orphans), orphans[0]))
    return Decision(
        verdicts=dict(found),
        facts=_facts(all_tags, storage, inventory, rules),
        notices=tuple(notices),
        refusals=tuple(refusals),
    )


def _judge_image(
    tags: Iterable[ImageTag],
    stays: Mapping[Reference, tuple[KeepReason, ...]],
    records: Sequence[MetadataRecord],
    unseen: UnseenTags | None,
    intent: Intent | None,
    rules: Rules,
) -> ImageDecision:
    protected = [tag for tag in tags if tag.reference in stays]
    judged = [tag for tag in tags if tag.reference not in stays]
    match intent:
        case None:
            unread = Keep((HistoryNotRead(),))
            decision = ImageDecision(
                {tag.reference.tag: unread for tag in judged}, {record.tag: unread for record in records}, False
            )
        case GitIntent(selected, history):
            decision = decide_images(
                judged,
                records,
                history,
                selected,
                v1_2=rules.v1_2,
                now=rules.as_of,
                in_use=protected,
                unseen=unseen.signatures if unseen else (),
                possible=unseen.possible if unseen else (),
            )
        case StrategyIntent(names, strategies, folding):
            folds = any(tag.reference.repository in folding for tag in judged)
            decision = ImageDecision(
                decide_by_strategy(judged, names, strategies, rules.as_of, folds=folds),
                {record.tag: Keep((RecordNotJudged(),)) for record in records},
                False,
            )
    kept = {tag.reference.tag: Keep(stays[tag.reference]) for tag in protected}
    return msgspec.structs.replace(decision, tags=dict(sorted({**decision.tags, **kept}.items())))


class _StoredImage(NamedTuple):
    reference: Reference
    digest: Digest
    image_id: Digest


def _stages(inventory: ProjectInventory, storage: StagesStorage) -> Iterable[_StoredImage]:
    at = inventory.snapshots[inventory.storage]
    for stage in storage.stages:
        yield _StoredImage(Reference(at.repository, stage.tag), at.tags[stage.tag], stage.image_id)


def _by_image(records: Iterable[MetadataRecord]) -> Mapping[str, tuple[MetadataRecord, ...]]:
    found: defaultdict[str, list[MetadataRecord]] = defaultdict(list)
    for record in records:
        found[record.image].append(record)
    return {name: tuple(each) for name, each in found.items()}


def _merge(into: dict[Tag, Verdict], verdicts: Mapping[Tag, Verdict]) -> None:
    """Images and stages may live in one repository, where each policy calls the other's tags foreign. A tag that both
    claim goes only if both say so."""
    for tag, verdict in verdicts.items():
        before = into.get(tag)
        if before is None or _is_foreign(before) or (isinstance(before, Delete) and not _is_foreign(verdict)):
            into[tag] = verdict


def _is_foreign(verdict: Verdict) -> bool:
    return isinstance(verdict, Keep) and all(isinstance(reason, Foreign) for reason in verdict.reasons)


def _goes(found: RepositoryVerdicts, reference: Reference) -> bool:
    return isinstance(found.get(reference.repository, {}).get(reference.tag), Delete)


def _facts(
    images: Iterable[ImageTag], storage: StagesStorage, inventory: ProjectInventory, rules: Rules
) -> Mapping[Repository, TagFacts]:
    """What is known of each repository's tags. werf writes stages and records once."""
    written_once: defaultdict[Repository, set[Tag]] = defaultdict(set)
    created: defaultdict[Repository, dict[Tag, int]] = defaultdict(dict)
    for image in images:
        repository, tag = image.reference.repository, image.reference.tag
        created[repository][tag] = image.created
        if image.is_written_once:
            written_once[repository].add(tag)
    for stage in storage.stages:
        created[inventory.storage][stage.tag] = stage.created
    written_once[inventory.storage].update(_judged(storage))
    marks = marked_stages(inventory.snapshots[inventory.storage].names)
    return {
        repository: TagFacts(
            written_once=frozenset(written_once[repository]),
            created={tag: moment for tag, moment in created[repository].items() if moment},
            as_of=rules.as_of,
            grace=rules.stages_grace,
            marks=marks if repository == inventory.storage else {},
        )
        for repository in inventory.snapshots
    }


def _judged(storage: StagesStorage) -> Iterable[Tag]:
    yield from (stage.tag for stage in storage.stages)
    yield from (record.tag for record in storage.metadata)
    yield from storage.rejected


def _notices(
    inventory: ProjectInventory,
    storage: StagesStorage,
    images: Iterable[ImageTag],
    intent: Intent | None,
    scope: Scope,
    *,
    absent: bool,
) -> Iterable[Notice]:
    if absent and inventory.snapshots[inventory.storage].exists:
        yield NoImageRepository()
    if scope.images and intent is None:
        yield NoGitRepository()
    yield from repository_notices(inventory.snapshots.values())
    yield from notices_of_others(inventory, storage, images)
    for image, why in inventory.homeless.items():
        yield ImageHomeless(image, why)
    for tag in storage.ambiguous_metadata:
        yield RecordAmbiguous(tag)
    if storage.unclaimed_metadata:
        yield RecordsUnclaimed(len(storage.unclaimed_metadata))
