"""Where an image and a metadata record contradict each other, the image is judged by its own word, too."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from holystone.engine.model.history import History
from holystone.engine.model.reasons import RecordContradicts
from holystone.engine.model.references import Commit, Tag
from holystone.engine.model.verdicts import NAMED, Keep, Verdict
from holystone.policies.git_references import SelectedReference
from holystone.policies.werf.v1.project import ImageTag, MetadataRecord, Signature
from holystone.policies.werf.v1.ranking import rank_signatures


class Dispute(NamedTuple):
    """An image says that it was built at a commit, and the record of that commit says another content. Whoever may push
    to the stages storage can overwrite a record, and not an image's label. It also happens where one commit is built
    for several environments."""

    tag: Tag
    record: MetadataRecord


def find_disputes(
    tags: Iterable[ImageTag],
    records: Iterable[MetadataRecord],
    commits: Mapping[Signature, Collection[Commit]],
) -> Mapping[Signature, Sequence[Dispute]]:
    """Where tags that would not stay and records contradict each other, one dispute for each record: images of one
    content may be of several builds. `commits`: of each content, by the records."""
    said = {record.commit: record for record in records if record.signature is not None}
    found: defaultdict[Signature, dict[Commit, Dispute]] = defaultdict(dict)
    for tag in sorted(tags, key=lambda tag: tag.reference):
        if (
            tag.signature is not None
            and tag.built_at is not None
            and (record := said.get(tag.built_at))
            and record.commit not in commits.get(tag.signature, ())
        ):
            found[tag.signature].setdefault(record.commit, Dispute(tag.reference.tag, record))
    return {signature: tuple(each.values()) for signature, each in found.items()}


def kept_by_their_own_word(
    disputes: Mapping[Signature, Sequence[Dispute]],
    commits: Mapping[Signature, Collection[Commit]],
    history: History,
    selected: Iterable[SelectedReference],
    now: int,
) -> Mapping[Signature, Verdict]:
    """What would stay if the records of these commits said what the images say. `commits`: of each content that has a
    tag."""
    if not disputes:
        return {}
    disputed = {each.record.commit for of_it in disputes.values() for each in of_it}
    believed = {signature: {*its} - disputed for signature, its in commits.items()}
    for signature, of_it in disputes.items():
        believed.setdefault(signature, set()).update(each.record.commit for each in of_it)
    standings = rank_signatures({signature: its for signature, its in believed.items() if its}, history, selected, now)
    return {
        signature: Keep(
            (
                *(RecordContradicts(each.record.tag, each.record.commit) for each in of_it[:NAMED]),
                *standings[signature].kept_by,
            )
        )
        for signature, of_it in disputes.items()
        if standings[signature].kept_by or standings[signature].unknown
    }
