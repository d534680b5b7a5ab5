"""Which metadata records of an image stay: one per reference and kept content signature, the newest."""

from collections.abc import Collection, Iterable, Mapping

from holystone.engine.model.delete_reasons import MetadataSuperseded, MetadataUnused
from holystone.engine.model.history import History
from holystone.engine.model.reasons import MetadataHead, MetadataNeeded, Unreadable
from holystone.engine.model.verdicts import Delete, Keep, Verdict, Verdicts
from holystone.policies.werf.v1.project import MetadataRecord, Signature
from holystone.policies.werf.v1.ranking import Standing


def judge_records(
    records: Iterable[MetadataRecord],
    standings: Mapping[Signature, Standing],
    remaining: Collection[Signature | None],
    history: History,
) -> Verdicts:
    """The verdict on each record, sorted by tag. `remaining`: content signatures of the tags that stay, whatever keeps
    them."""
    return {
        record.tag: _verdict(record, standings, remaining, history)
        for record in sorted(records, key=lambda record: record.tag)
    }


def _verdict(
    record: MetadataRecord,
    standings: Mapping[Signature, Standing],
    remaining: Collection[Signature | None],
    history: History,
) -> Verdict:
    if record.signature is None:
        return Keep((Unreadable("does not say which content it is of"),))
    if record.signature not in remaining:
        return Delete((MetadataUnused(record.image),))
    standing = standings.get(record.signature)
    if standing is None or record.commit not in history.times:
        return Keep((MetadataNeeded(),))
    if names := standing.heads.get(record.commit):
        return Keep(tuple(MetadataHead(name) for name in names))
    if standing.unknown:
        return Keep((standing.unknown,))
    if not standing.heads:
        # No reference keeps the signature, yet a tag of it stays. Without its records it would be lost next time.
        return Keep((MetadataNeeded(),))
    newest = max(standing.heads, key=lambda commit: (history.times[commit], commit))
    return Delete((MetadataSuperseded(newest),))
