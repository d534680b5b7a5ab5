"""The git-history policy: an image stays while a selected branch or tag reaches a commit of its content."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice

import msgspec

from holystone.engine.model.delete_reasons import CommitsGone, NotReached
from holystone.engine.model.history import History
from holystone.engine.model.reasons import ContradictedBy, KeepReason, Unreadable, WithoutMetadata
from holystone.engine.model.references import Commit
from holystone.engine.model.verdicts import NAMED, Delete, Keep, Verdict, Verdicts
from holystone.policies.git_references import SelectedReference
from holystone.policies.werf.v1.disputes import find_disputes, kept_by_their_own_word
from holystone.policies.werf.v1.image_metadata import judge_records
from holystone.policies.werf.v1.project import ImageTag, MetadataRecord, Signature
from holystone.policies.werf.v1.ranking import Standing, rank_signatures


class ImageDecision(msgspec.Struct, frozen=True):
    """What becomes of one image's tags and records."""

    tags: Verdicts
    """In the images repo. Sorted by tag."""
    metadata: Verdicts
    """In the stages storage. Sorted by tag."""
    metadata_missing: bool
    """There are tags, and no metadata record has the content signature of any: probably not the right stages
    storage. Unless the user asked for the v1.2 flavour, or other images show that it is, the deletions may not be
    carried out."""
    has_metadata: bool = False
    """A metadata record has the content signature of a tag."""


def commits_to_ask(records: Iterable[MetadataRecord]) -> frozenset[Commit]:
    """The commits that `History` must know about."""
    return frozenset(record.commit for record in records)


def decide_images(
    tags: Sequence[ImageTag],
    records: Sequence[MetadataRecord],
    history: History,
    selected: Iterable[SelectedReference],
    *,
    v1_2: bool,
    now: int,
    in_use: Collection[ImageTag] = (),
    unseen: Collection[Signature] = (),
    possible: Collection[Signature] = (),
) -> ImageDecision:
    """Tags and metadata records of one image. `v1_2`: the flavour that deletes tags without metadata. `now`: Unix
    seconds. `in_use`: further tags of the image, which stay in any case; their records do too, or the tags would be
    deleted as soon as they are in use no more. `unseen`: content signatures of images that may be there and cannot be
    read: their records stay. `possible`: others of which one that cannot be read may be: their records stay as well.

    An image that contradicts a record stays if it would by either of them, and the record with it.

    A record that does not say its signature could have any: if a selected reference reaches its commit, or could,
    nothing of the image is deleted for lack of a reference.
    """
    selected = tuple(selected)
    commits: defaultdict[Signature, set[Commit]] = defaultdict(set)
    for record in records:
        if record.signature is not None:
            commits[record.signature].add(record.commit)
    taking_part = {tag.signature for tag in tags if tag.signature is not None} & commits.keys()
    with_tags = {signature: commits[signature] for signature in taking_part}
    standings = rank_signatures(with_tags, history, selected, now)
    doubts = _silent(records, history, selected)
    verdicts: dict[Signature, Verdict] = {key: _verdict(standing, doubts) for key, standing in standings.items()}
    reason = WithoutMetadata()
    without: Verdict = (Keep(doubts) if doubts else Delete((reason,))) if v1_2 else Keep((reason,))
    doomed = [tag for tag in tags if isinstance(verdicts.get(tag.signature or "", without), Delete)]
    disputes = find_disputes(doomed, records, with_tags)
    own_word = kept_by_their_own_word(disputes, with_tags, history, selected, now)
    verdicts |= own_word
    decided = {
        tag.reference.tag: verdicts.get(tag.signature, without) if tag.signature is not None else without
        for tag in sorted(tags, key=lambda tag: tag.reference)
    }
    evidence = {
        each.record.tag: Keep((ContradictedBy(each.tag),)) for signature in own_word for each in disputes[signature]
    }
    remaining = {tag.signature for tag in tags if isinstance(decided[tag.reference.tag], Keep)}
    remaining |= {tag.signature for tag in in_use} | {*unseen, *possible}
    return ImageDecision(
        tags=decided,
        metadata={**judge_records(records, standings, remaining, history), **evidence},
        metadata_missing=bool(tags) and not taking_part and not unseen,
        has_metadata=not commits.keys().isdisjoint(tag.signature for tag in (*tags, *in_use) if tag.signature),
    )


def _verdict(standing: Standing, doubts: tuple[KeepReason, ...]) -> Verdict:
    unknown = (standing.unknown,) if standing.unknown else ()
    if standing.kept_by or unknown:
        return Keep((*standing.kept_by, *unknown))
    if doubts:
        return Keep(doubts)
    if not standing.existing:
        return Delete((CommitsGone(),))
    return Delete(tuple(standing.beyond) or (NotReached(),))


def _silent(
    records: Iterable[MetadataRecord], history: History, selected: Collection[SelectedReference]
) -> tuple[KeepReason, ...]:
    silent: Mapping[Signature, tuple[Commit]] = {
        record.tag: (record.commit,) for record in records if record.signature is None
    }
    # Each stands for a signature of its own here, without limits, to learn whether anything reaches it.
    unlimited = [SelectedReference(each.reference, None, each.policy) for each in selected]
    found = rank_signatures(silent, history, unlimited, now=0)
    counting = (tag for tag, standing in found.items() if standing.kept_by or standing.unknown)
    return tuple(
        Unreadable(f"metadata record {tag} does not say which content it is of") for tag in islice(counting, NAMED)
    )
