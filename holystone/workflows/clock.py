"""Whether our clock can be right: everything that is judged by its age depends on it."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from holystone.adapters.http.dates import Reading
from holystone.engine.errors import NOTHING_DELETED, Refused
from holystone.engine.model.history import GitReference
from holystone.engine.report.words import duration

TOLERANCE: Final = 5 * 60
"""Seconds: more than replies take, and less than any limit of age that is in use."""


def check_clock(
    said: Mapping[str, Reading | None], newest: GitReference | None, now: int, *, allow_skew: bool
) -> tuple[str, ...]:
    """Holds our clock against the registries'. `said`: by registry, None for one that never said what time it is;
    `newest`: the branch or tag with the latest date; `now`: our clock, Unix seconds. Notices for people; raises
    Refused.

    The registries are the witnesses. A commit is one only where no registry tells the time: it shows a clock that is
    slow and never one that is fast, and one person's wrong clock must not stop everybody else's cleanup for ever."""
    readings = {host: reading for host, reading in sorted(said.items()) if reading}
    doubts = [
        f"{host} says that it is {_shown(each.theirs)} where the clock of this machine says {_shown(each.ours)}: "
        f"{duration(each.apart)} apart"
        for host, each in readings.items()
        if each.apart > TOLERANCE
    ]
    ahead = newest.date - now if newest else 0
    if newest and ahead > TOLERANCE:
        future = (
            f"{newest.kind} {newest.name} is dated {_shown(newest.date)}, {duration(ahead)} after the clock of this "
            f"machine, which says {_shown(now)}"
        )
        if not readings:
            doubts.append(future)
    if doubts and not allow_skew:
        raise Refused(
            ".\n".join(doubts) + ". Things could be judged by a wrong age.",
            not_deleted=NOTHING_DELETED,
            what_to_do="Set the clock of whichever is wrong, or say that it is meant by --allow-clock-skew.",
        )
    return tuple(_notices(doubts, readings, future if newest and ahead > TOLERANCE else ""))


def _notices(doubts: Iterable[str], readings: Mapping[str, Reading], future: str) -> Iterable[str]:
    yield from (f"{each}; --allow-clock-skew says that it is meant" for each in doubts)
    if not readings:
        yield "no registry said what time it is, so that the clock of this machine was compared with commits only"
    elif future:
        yield f"{future}: the registry's clock agrees with this machine's, so that the commit's was wrong"


def _shown(moment: int) -> str:
    try:
        return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"{moment} s after 1970"
