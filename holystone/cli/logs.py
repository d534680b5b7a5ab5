"""Where log lines go: to standard error, so that standard output is a report and nothing else."""

import logging
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

from holystone.engine import events
from holystone.settings.values import LogSettings
from holystone.ui import output

_LEVELS: Final = {
    "quiet": logging.ERROR,
    "normal": logging.WARNING,
    "verbose": logging.INFO,
    "debug": logging.DEBUG,
}


class _Handler(logging.Handler):
    """Prints what libraries log, and adapters that warn as they do. What they quote over several lines is marked."""

    def emit(self, record: logging.LogRecord) -> None:
        first, *more = self.format(record).splitlines() or [""]
        output.tell(f"holystone: {first}", *(f"  {line}" for line in output.marked("\n".join(more))))


class _Events(logging.Handler):
    """Prints our own events: a line each, whose every part is visible, with colours of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        output.tell_rendered(record.getMessage())


def _visible(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: output.visible(str(value)) for key, value in event.items()}


def configure_logs(settings: LogSettings) -> None:
    level = _LEVELS[settings.level]
    logging.basicConfig(handlers=[_Handler()], level=level, format="%(message)s")
    ours = logging.getLogger(events.NAME)
    ours.handlers, ours.propagate = [_Events()], False
    ours.setLevel(level)
    colors = output.has_colors() if settings.color == "auto" else settings.color == "on"
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _visible,
            structlog.dev.ConsoleRenderer(colors=colors),
        ],
        cache_logger_on_first_use=False,
    )
