"""Sources that have shrunk since the last run: what looks unwanted may only be out of sight."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

from holystone.engine.model.plan import Refusal
from holystone.engine.model.sources import Counted, Key, Remembered, Source

HALVES_FROM: Final = 10
"""Of fewer an afternoon's tidying up may take half: then only falling to nothing counts."""
Baseline = Mapping[Key, Remembered]

_WHAT: Final[Mapping[Source, str]] = {
    "references": "branches and tags of origin",
    "commits": "commits that metadata records name and a branch or tag of origin reaches",
    "managed-images": "managed images",
    "in-use": "tags in use",
    "tags": "tags",
}
_LOOK: Final[Mapping[Source, str]] = {
    "references": "see that origin is the project's, and that nobody has emptied it or made it anew",
    "commits": "see that origin is the project's, and that nobody has emptied it or made it anew",
    "managed-images": "see that this is the project's stages storage, and who deletes there",
    "in-use": "see that the clusters and lists are those that were asked before, and whole",
    "tags": "see who else deletes there, and whether the registry lists all it has",
}


class Shrunk(msgspec.Struct, frozen=True):
    refusals: tuple[Refusal, ...] = ()
    notices: tuple[str, ...] = ()


def hold_against(before: Baseline, now: Iterable[Counted], *, accepted: bool = False) -> Shrunk:
    """Which sources have shrunk too far. `before`: less what our own runs have deleted since. A source that was not
    read this time says nothing, nor does one that is read for the first time. `accepted`: a person says that it is
    meant."""
    refusals: list[Refusal] = []
    notices: list[str] = []
    for each in sorted(now):
        then = before.get(each.key)
        if then is None or each.number >= then.number:
            continue
        shown = _shown(each, then)
        if not _is_refused(each, then):
            if each.key.source == "in-use":
                notices.append(f"fewer than before: {shown}")
        elif accepted:
            notices.append(f"--accept-new-baseline says that it is meant: {shown}")
        else:
            refusals.append(
                Refusal(
                    promise="fail-closed",
                    repository=each.key.repository if each.key.source == "tags" else None,
                    why=f"{shown}: what looks unwanted may only be out of sight",
                    what_to_do=f"{_LOOK[each.key.source]}; if it is meant, run once with --accept-new-baseline",
                )
            )
    return Shrunk(tuple(refusals), tuple(notices))


def less(before: Baseline, deleted: Mapping[Key, int]) -> Baseline:
    """The baseline without what our own runs have deleted since."""
    return {
        key: msgspec.structs.replace(then, number=max(0, then.number - deleted.get(key, 0)))
        for key, then in before.items()
    }


def _is_refused(now: Counted, then: Remembered) -> bool:
    """Clusters are scaled down at night, so that there only nothing at all counts."""
    halved = then.number >= HALVES_FROM and 2 * now.number < then.number
    return now.number == 0 or (halved and now.key.source != "in-use")


def _shown(now: Counted, then: Remembered) -> str:
    moment = f"{datetime.fromtimestamp(then.as_of, UTC):%Y-%m-%d %H:%M} UTC"
    whose = "" if now.key.source == "tags" else f" of {now.key.project or now.key.repository}"
    return f"{_WHAT[now.key.source]}{whose}: {now.number:,}, where the run of {moment} left {then.number:,}"
