"""Whether our clock can be right: everything that is judged by its age depends on it."""

from collections.abc import Mapping
from typing import Final

from holystone.adapters.http.dates import Reading
from holystone.engine.errors import NOTHING_DELETED, Refused
from holystone.engine.model.history import GitReference
from holystone.engine.model.notices import Notice
from holystone.engine.model.source_notices import ClockApart, ClockUnwitnessed, CommitAhead
from holystone.engine.report.notice_words import clock_doubt

TOLERANCE: Final = 5 * 60
"""Seconds: more than replies take, and less than any limit of age that is in use."""


class WrongClock(Refused):
    """Ours, or that of all of a registry."""


def check_clock(
    said: Mapping[str, Reading | None], newest: GitReference | None, now: int, *, allow_skew: bool
) -> tuple[Notice, ...]:
    """Holds our clock against the registries'. `said`: by registry, None for one that never said what time it is;
    `newest`: the branch or tag with the latest date; `now`: our clock, Unix seconds. Notices for people; raises
    WrongClock.

    The registries are the witnesses. A commit is one only where no registry tells the time: it shows a clock that is
    slow and never one that is fast, and one person's wrong clock must not stop everybody else's cleanup for ever."""
    readings = {host: reading for host, reading in sorted(said.items()) if reading}
    doubts: list[ClockApart | CommitAhead] = [
        ClockApart(host, each.theirs, each.ours) for host, each in readings.items() if each.apart > TOLERANCE
    ]
    ahead = None
    if newest and newest.date - now > TOLERANCE:
        ahead = CommitAhead(newest.kind, newest.name, newest.date, now, registry_agrees=bool(readings))
    if ahead and not readings:
        doubts.append(ahead)
    if doubts and not allow_skew:
        raise WrongClock(
            ".\n".join(map(clock_doubt, doubts)) + ". Things could be judged by a wrong age.",
            not_deleted=NOTHING_DELETED,
            what_to_do="Set the clock of whichever is wrong, or say that it is meant by --allow-clock-skew.",
        )
    if not readings:
        return (*doubts, ClockUnwitnessed())
    return (*doubts, ahead) if ahead else tuple(doubts)
