"""What a person should know of the repositories themselves, whatever was decided about their tags."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.notices import (
    Notice,
    OddNames,
    RecordContradicted,
    RepositoryAbsent,
    RepositoryUnseen,
    Tombstones,
)
from holystone.engine.model.reasons import RecordContradicts
from holystone.engine.model.references import Repository, Tag
from holystone.engine.model.verdicts import Verdict
from holystone.engine.report.words import shown
from holystone.workflows.tombstones import tombstones


def repository_notices(snapshots: Iterable[RepositorySnapshot]) -> Iterable[Notice]:
    for snapshot in snapshots:
        at = snapshot.repository
        if snapshot.unseen:
            yield RepositoryUnseen(at)
        elif not snapshot.exists:
            yield RepositoryAbsent(at)
        if snapshot.odd:
            yield OddNames(at, len(snapshot.odd), shown(min(snapshot.odd)))
        of_runs: defaultdict[str, list[Tag]] = defaultdict(list)
        for tag, run in tombstones(snapshot):
            of_runs[run].append(tag)
        for run, tags in sorted(of_runs.items()):
            yield Tombstones(at, run, len(tags), min(tags))


def contradictions(verdicts: Mapping[Repository, Mapping[Tag, Verdict]]) -> Iterable[Notice]:
    """Images that stay since their own labels say otherwise than the record that would doom them."""
    for repository, of_tags in verdicts.items():
        found = {
            tag: reason
            for tag, verdict in sorted(of_tags.items())
            for reason in verdict.reasons
            if isinstance(reason, RecordContradicts)
        }
        for tag, reason in list(found.items())[:1]:
            yield RecordContradicted(repository, len(found), tag, reason.commit, reason.record)
