"""Events as JSON lines, each with its fields as they are, at the levels of `event_log`; steps too, with what came of
them."""

import logging
from typing import Final

import msgspec

from holystone.engine.model.events import Event
from holystone.ui.event_log import is_told, level_of
from holystone.ui.json_lines import Level, tell_line

_LEVELS: Final[dict[int, Level]] = {logging.DEBUG: "debug", logging.INFO: "info"}


def kind_in_json(event: type[Event]) -> str:
    return event.__name__.lower()


def streamed(event: Event) -> None:
    level = level_of(type(event))
    if is_told(level):
        tell_line(kind_in_json(type(event)), _LEVELS[level], **msgspec.structs.asdict(event))
