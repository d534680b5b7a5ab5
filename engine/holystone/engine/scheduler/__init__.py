"""When a request may be sent: one lane per registry host, credential and API class, that paces, retries and pauses.
The decisions are pure (`state` and what it is made of); `lane` is the thin shell that waits and sends."""

from holystone.engine.scheduler.clock import Sleep, moment, suspended
from holystone.engine.scheduler.fanout import for_each, in_batches, map_each
from holystone.engine.scheduler.faults import Overdue, RateLimited, RetriesExhausted, Transient
from holystone.engine.scheduler.freshness import FRESH, ROUNDS, sent_at_any_time, sent_within, until
from holystone.engine.scheduler.lane import Lane, LaneCounts, LaneKey
from holystone.engine.scheduler.limits import Limits
from holystone.engine.scheduler.scheduler import Scheduler
from holystone.engine.scheduler.window import RateHint

__all__ = [
    "FRESH",
    "ROUNDS",
    "Lane",
    "LaneCounts",
    "LaneKey",
    "Limits",
    "Overdue",
    "RateHint",
    "RateLimited",
    "RetriesExhausted",
    "Scheduler",
    "Sleep",
    "Transient",
    "for_each",
    "in_batches",
    "map_each",
    "moment",
    "sent_at_any_time",
    "sent_within",
    "suspended",
    "until",
]
