"""Events as log lines: what was read and planned, and what a run waits for, with `--log-verbose`; all of them with
`--log-debug`. For people: `event_stream` is the same for programs."""

import logging
import math
from collections.abc import Mapping
from typing import Final

import msgspec

from holystone.engine import events
from holystone.engine.model.events import (
    Begun,
    Checked,
    Done,
    Ended,
    Event,
    Halted,
    Listed,
    Paused,
    Planned,
    Read,
    Refused,
    Retried,
    Sent,
    Step,
    Throttled,
)

_plain: Final = logging.getLogger(events.NAME)
_WORDS: Final[dict[type[Event], str]] = {
    Listed: "repository listed",
    Read: "repository read",
    Planned: "repository planned",
    Refused: "plan refused",
    Begun: "run begun",
    Sent: "request sent",
    Throttled: "request throttled",
    Paused: "host paused",
    Retried: "request sent again",
    Checked: "repository checked",
    Done: "repository done",
    Halted: "budget spent",
    Ended: "command ended",
}
_DETAILS: Final = (Listed, Begun, Sent, Checked, Done)


def level_of(kind: type[Event]) -> int:
    return logging.DEBUG if kind in _DETAILS else logging.INFO


def is_told(level: int) -> bool:
    """Whether somebody wants to know of events of this level: there are thousands of them, mostly for nobody."""
    return _plain.isEnabledFor(level)


def logged(event: Event) -> None:
    level = level_of(type(event))
    if isinstance(event, Step) or not is_told(level):  # progress has the steps
        return
    content = msgspec.structs.asdict(event)
    events.logger().log(level, _WORDS[type(event)], **{name: _shown(value) for name, value in content.items()})


def _shown(value: object) -> object:
    """Numbers stay numbers."""
    if isinstance(value, float):
        return "until it answers" if value == math.inf else round(value, 1)
    if isinstance(value, Mapping):
        return ", ".join(f"{each} {key}" for key, each in value.items())
    return value if isinstance(value, int | None) else str(value)
