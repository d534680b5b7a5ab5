"""Events as log lines: what was read and planned, and what a run waits for, with `--log-verbose`; all of them with
`--log-debug`."""

import math
from dataclasses import fields
from typing import Final

from holystone.engine import events
from holystone.engine.model.events import (
    Begun,
    Checked,
    Done,
    Event,
    Listed,
    Paused,
    Planned,
    Read,
    Retried,
    Step,
    Throttled,
)

log: Final = events.logger()
_WORDS: Final[dict[type[Event], str]] = {
    Listed: "repository listed",
    Read: "repository read",
    Planned: "repository planned",
    Begun: "run begun",
    Throttled: "request throttled",
    Paused: "host paused",
    Retried: "request sent again",
    Checked: "repository checked",
    Done: "repository done",
}
_DETAILS: Final = (Listed, Begun, Checked, Done)


def logged(event: Event) -> None:
    if isinstance(event, Step):  # progress has them, and there are thousands
        return
    told = {each.name: _shown(getattr(event, each.name)) for each in fields(event)}
    (log.debug if isinstance(event, _DETAILS) else log.info)(_WORDS[type(event)], **told)


def _shown(value: object) -> object:
    """Numbers stay numbers, for whoever reads logs by machine."""
    if isinstance(value, float):
        return "until it answers" if value == math.inf else round(value, 1)
    return value if isinstance(value, int | None) else str(value)
