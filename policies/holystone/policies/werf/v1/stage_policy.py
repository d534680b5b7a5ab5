"""The stages policy: a stage stays while a remaining image, or a stage that stays, descends or imports from it."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from holystone.engine.model.delete_reasons import NotNeeded, Rejected
from holystone.engine.model.reasons import (
    AncestorOfStage,
    Bookkeeping,
    Foreign,
    ImportedBy,
    InUse,
    KeepReason,
    OtherProject,
    ParentOfImage,
    Unreadable,
    YoungerThan,
)
from holystone.engine.model.references import Digest, ImageName, Reference, Tag
from holystone.engine.model.verdicts import NAMED, Delete, Keep, Verdict, Verdicts
from holystone.policies.werf.v1.project import ImageTag, Stage, StagesStorage


def decide_stages(
    storage: StagesStorage,
    remaining_images: Iterable[ImageTag],
    now: int,
    grace: int,
    in_use: Mapping[Tag, tuple[InUse, ...]] = MappingProxyType({}),
    unseen: Sequence[ImageName] = (),
) -> Verdicts:
    """Every tag of the storage, sorted, but the metadata records that `decide_images` judges. `now`: Unix seconds;
    `grace`: seconds, 0 for none. `in_use`: stages that somebody runs as they are. `unseen`: images of which some
    may be there and cannot be read.

    A stage of another project stays, with all that it is built on or imports from.
    A rejected stage goes like any other that nobody needs; while it stays, so does its mark, or werf would use it.
    While a stage or an image cannot be read, no stage goes: any may be an ancestor of the unreadable one. A rejected
    one counts only if something that stays is built on it, or may be: nothing else is, any more. What can be read in
    part stays, with what it is seen to be built on or to import from.
    """
    twins: defaultdict[Digest, list[Stage]] = defaultdict(list)  # one image id can be under several tags
    for stage in sorted(storage.stages, key=lambda stage: stage.tag):
        twins[stage.image_id].append(stage)
    young = _young(storage.stages, now, grace)
    others = {stage.tag: (OtherProject(stage.other_project),) for stage in storage.stages if stage.other_project}
    odd = {stage.tag: (Unreadable(stage.odd),) for stage in storage.stages if stage.odd and not stage.rejected_by}
    stay = {*young, *in_use, *others, *odd}
    needed = _needed(twins, sorted(remaining_images, key=lambda image: image.reference), stay)
    own: Mapping[Tag, tuple[KeepReason, ...]] = {
        tag: (*odd.get(tag, ()), *others.get(tag, ()), *in_use.get(tag, ()), *young.get(tag, ())) for tag in stay
    }
    doubts = tuple(
        Unreadable(f"{what}, which may descend from this stage")
        for what in (*_unread(storage, twins, needed, stay), *(f"image {image.shown}" for image in unseen))
    )[:1]
    verdicts: dict[Tag, Verdict] = {}
    for stage in storage.stages:
        reasons = (*own.get(stage.tag, ()), *needed.get(stage.image_id, ())) or doubts
        unneeded = Rejected() if stage.rejected_by else NotNeeded()
        verdicts[stage.tag] = Keep(reasons) if reasons else Delete((unneeded,))
    verdicts |= _marks(storage, verdicts)
    records = (*storage.bookkeeping, *storage.unclaimed_metadata, *storage.ambiguous_metadata)
    verdicts |= dict.fromkeys(records, Keep((Bookkeeping(),)))
    verdicts |= dict.fromkeys(storage.foreign, Keep((Foreign(),)))
    verdicts |= dict.fromkeys(storage.unreadable, Keep((Unreadable("manifest or configuration"),)))
    return dict(sorted(verdicts.items()))


def _unread(
    storage: StagesStorage,
    twins: Mapping[Digest, Sequence[Stage]],
    needed: Mapping[Digest, Sequence[KeepReason]],
    stay: Collection[Tag],
) -> Iterator[Tag]:
    """Stages of which it is not known what they are built on, though something hangs on it."""
    unknown, rejected = needed.keys() - twins.keys(), frozenset(storage.rejected)
    for tag in storage.unreadable:
        if Tag(f"{tag}-rejected") not in rejected or unknown:
            yield tag
    for stage in storage.stages:
        if stage.is_unread and (stage.image_id in needed or stage.tag in stay):
            yield stage.tag


def images_built_elsewhere(storage: StagesStorage, images: Iterable[ImageTag]) -> tuple[Reference, ...]:
    """Images whose last stage is not in the storage, sorted: worth a notice, no reason to stop."""
    here = {stage.image_id for stage in storage.stages}
    return tuple(sorted(image.reference for image in images if image.parent and image.parent not in here))


def _young(stages: Iterable[Stage], now: int, grace: int) -> Mapping[Tag, tuple[KeepReason]]:
    if not grace:
        return {}
    ages = ((stage.tag, now - _born(stage, now)) for stage in stages)
    return {tag: (YoungerThan(max(age, 0), grace),) for tag, age in ages if age < grace}


def _born(stage: Stage, now: int) -> int:
    """Some builders write no creation time. Then the milliseconds in the tag tell when werf made the stage; if they
    make no sense either, it counts as made just now."""
    if stage.created > 0:
        return stage.created
    milliseconds = stage.tag.partition("-")[2]
    return int(milliseconds) // 1000 or now if milliseconds.isdecimal() else now


def _needed(
    twins: Mapping[Digest, Sequence[Stage]], images: Iterable[ImageTag], stay: Iterable[Tag]
) -> Mapping[Digest, Sequence[KeepReason]]:
    """Reasons by image id, for all that the images and the stages that stay by themselves descend or import from."""
    needed: defaultdict[Digest, list[KeepReason]] = defaultdict(list)

    def need(image_id: Digest, reason: KeepReason) -> None:
        if len(reasons := needed[image_id]) < NAMED:
            reasons.append(reason)

    for image in images:
        if image.parent:
            need(image.parent, ParentOfImage(image.reference))
        for imported in image.imports:
            need(imported, ImportedBy(image.reference.tag))
    ids = {stage.tag: image_id for image_id, stages in twins.items() for stage in stages}
    waiting = sorted(needed.keys() | {ids[tag] for tag in stay})
    met = set(waiting)
    while waiting:
        for stage in twins.get(waiting.pop(), ()):
            if stage.parent:
                need(stage.parent, AncestorOfStage(stage.tag))
            for imported in stage.imports:
                need(imported, ImportedBy(stage.tag))
            following = {*stage.imports, *((stage.parent,) if stage.parent else ())} - met
            met |= following
            waiting.extend(sorted(following))
    return needed


def _marks(storage: StagesStorage, verdicts: Mapping[Tag, Verdict]) -> Verdicts:
    """A mark without its stage goes too, unless the stage is one that cannot be read."""
    marked = {stage.rejected_by: verdicts[stage.tag] for stage in storage.stages if stage.rejected_by}
    kept = Keep((Bookkeeping(),))
    stays = {mark for mark, verdict in marked.items() if isinstance(verdict, Keep)}
    stays |= {Tag(f"{tag}-rejected") for tag in storage.unreadable}
    return {mark: kept if mark in stays else Delete((Rejected(),)) for mark in {*storage.rejected, *marked}}
