"""What a person should know of the repositories themselves, whatever was decided about their tags."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from holystone.engine.executor.tombstones import RUN_LABEL
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.reasons import RecordContradicts
from holystone.engine.model.references import Repository, Tag
from holystone.engine.model.verdicts import Verdict
from holystone.engine.report.words import count, shown

_RUN: Final = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")
"""Whoever may push can write anything into a label."""


def repository_notices(snapshots: Iterable[RepositorySnapshot]) -> Iterable[str]:
    for snapshot in snapshots:
        if snapshot.unseen:
            yield (
                f"{snapshot.repository} is not there or may not be read, which its registry does not tell apart; since "
                "no record says that anything was published there, it counts as not there"
            )
        elif not snapshot.exists:
            yield f"{snapshot.repository} does not exist in the registry: there is nothing to clean"
        if snapshot.odd:
            many = count(len(snapshot.odd), "listed name")
            yield (
                f"{snapshot.repository}: {many} left alone, e.g. {shown(min(snapshot.odd))}: no tag can be called so. "
                "What it stands for stays, as far as the registry tells. Have it taken out of the registry's storage: "
                "while it is there, distribution 2.8 goes on listing the tags of what is deleted, which then have to "
                "be taken out as well"
            )
        for run, tags in sorted(_tombstones(snapshot).items()):
            many = f"{snapshot.repository}: {count(len(tags), 'tag')} on the tombstone of run {run}"
            yield (
                f"{many}, which did not come to its end, e.g. {min(tags)}: `holystone undo {run}` puts back what was "
                f"there, and the next run judges it anew; `holystone resume {run}` finishes the run if it is still open"
            )


def contradictions(verdicts: Mapping[Repository, Mapping[Tag, Verdict]]) -> Iterable[str]:
    """Images that stay since their own labels say otherwise than the record that would doom them."""
    for repository, of_tags in verdicts.items():
        found = {
            tag: reason
            for tag, verdict in sorted(of_tags.items())
            for reason in verdict.reasons
            if isinstance(reason, RecordContradicts)
        }
        for tag, reason in list(found.items())[:1]:
            yield (
                f"{repository}: {count(len(found), 'image')} kept though a metadata record would doom them, e.g. {tag} "
                f"says that it was built at {reason.commit[:10]}, and record {reason.record} says another content of "
                "that commit: unless one commit is built for several environments, find out who wrote the record"
            )


def _tombstones(snapshot: RepositorySnapshot) -> dict[str, list[Tag]]:
    """The tags that a run pushed over and did not come to delete, by the run, as far as their configurations were
    read."""
    found: defaultdict[str, list[Tag]] = defaultdict(list)
    for tag in snapshot.tags:
        if (config := snapshot.image(tag)) and _RUN.fullmatch(run := config.labels.get(RUN_LABEL, "")):
            found[run].append(tag)
    return found
