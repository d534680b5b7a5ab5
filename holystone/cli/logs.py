"""Where log lines go: to standard error, so that standard output is a report and nothing else."""

import logging
import sys
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any, Final, cast

from holystone.engine import events
from holystone.engine.model.events import Event
from holystone.settings.run import LogSettings
from holystone.ui import json_lines, output
from holystone.ui.event_log import logged
from holystone.ui.event_stream import streamed
from holystone.ui.json_lines import Level
from holystone.ui.message import tell_logged

if TYPE_CHECKING:
    from structlog.typing import Processor

_LEVELS: Final = {
    "quiet": logging.ERROR,
    "normal": logging.WARNING,
    "verbose": logging.INFO,
    "debug": logging.DEBUG,
}


class _Handler(logging.Handler):
    """Prints what libraries log, and adapters that warn as they do."""

    def emit(self, record: logging.LogRecord) -> None:
        tell_logged(self.format(record), _level(record), record.name)


class _Events(logging.Handler):
    """Prints our own events: a line each, whose every part is visible, with colours of ours; or an object."""

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.msg, dict):
            fields = {**record.msg}
            text = fields.pop("event")
            json_lines.tell_line("log", _level(record), logger=record.name, text=text, fields=fields)
        elif json_lines.are_used():
            tell_logged(self.format(record), _level(record), record.name)
        else:
            output.tell_rendered(record.getMessage())


def _level(record: logging.LogRecord) -> Level:
    return cast("Level", record.levelname.lower()) if record.levelname.lower() in json_lines.LEVELS else "info"


def _visible(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: output.visible(str(value)) for key, value in event.items()}


def _as_it_is(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> tuple[tuple[Any], dict[str, Any]]:
    """The event as a record's message, for `_Events`."""
    return (dict(event),), {}


def told(event: Event) -> None:
    """The listener that tells of events on standard error."""
    (streamed if json_lines.are_used() else logged)(event)


def configure_logs(settings: LogSettings) -> None:
    import structlog

    configure_messages(settings)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *((_as_it_is,) if settings.format == "json" else _lines(settings)),
        ],
        cache_logger_on_first_use=False,
    )


def configure_messages(settings: LogSettings) -> None:
    """For commands that log no events: structlog takes a while to load."""
    json_lines.use(settings.format)
    level = _LEVELS[settings.level]
    logging.basicConfig(handlers=[_Handler()], level=level, format="%(message)s")
    ours = logging.getLogger(events.NAME)
    ours.handlers, ours.propagate = [_Events()], False
    ours.setLevel(level)
    if settings.format == "json":
        _take_what_python_prints()


def _lines(settings: LogSettings) -> tuple["Processor", ...]:
    import structlog

    colors = output.has_colors() if settings.color == "auto" else settings.color == "on"
    return (
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _visible,
        structlog.dev.ConsoleRenderer(colors=colors),
    )


def _take_what_python_prints() -> None:
    """Warnings, and errors that nobody can catch, which the interpreter would print to standard error by itself."""
    logging.captureWarnings(capture=True)
    sys.unraisablehook = lambda fault: logging.getLogger("python").error(
        fault.err_msg or "Exception ignored", exc_info=fault.exc_value
    )
