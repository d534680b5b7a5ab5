"""Sources that have shrunk since the last run: what looks unwanted may only be out of sight."""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from holystone.engine.model.notices import Notice
from holystone.engine.model.refusals import Refusal, SourceShrank
from holystone.engine.model.source_notices import FewerAccepted, FewerInUse
from holystone.engine.model.sources import Counted, Fewer, Key, Remembered

HALVES_FROM: Final = 10
"""Of fewer an afternoon's tidying up may take half: then only falling to nothing counts."""
Baseline = Mapping[Key, Remembered]


class Shrunk(msgspec.Struct, frozen=True):
    refusals: tuple[Refusal, ...] = ()
    notices: tuple[Notice, ...] = ()


def hold_against(before: Baseline, now: Iterable[Counted], *, accepted: bool = False) -> Shrunk:
    """Which sources have shrunk too far. `before`: less what our own runs have deleted since. A source that was not
    read this time says nothing, nor does one that is read for the first time. `accepted`: a person says that it is
    meant."""
    refusals: list[Refusal] = []
    notices: list[Notice] = []
    for each in sorted(now):
        then = before.get(each.key)
        if then is None or each.number >= then.number:
            continue
        fewer = Fewer(each.key, each.number, then.number, then.as_of)
        if not _is_refused(each, then):
            if each.key.source == "in-use":
                notices.append(FewerInUse(fewer))
        elif accepted:
            notices.append(FewerAccepted(fewer))
        else:
            refusals.append(SourceShrank(fewer))
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
