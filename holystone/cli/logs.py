"""Where log lines go: to standard error, so that standard output is a report and nothing else."""

import logging
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

from holystone.cleanup import output
from holystone.settings.values import LogSettings

_LEVELS: Final = {
    "quiet": logging.ERROR,
    "normal": logging.WARNING,
    "verbose": logging.INFO,
    "debug": logging.DEBUG,
}


class _Handler(logging.Handler):
    """For libraries, and adapters that warn as they do. What they quote over several lines is marked."""

    def emit(self, record: logging.LogRecord) -> None:
        first, *more = self.format(record).splitlines() or [""]
        output.tell(f"holystone: {first}", *(f"  {line}" for line in output.marked("\n".join(more))))


class _Logger:
    """What structlog writes to; its renderer's colours are ours."""

    def msg(self, rendered: str) -> None:
        output.tell_rendered(rendered)

    log = debug = info = warn = warning = error = critical = exception = fatal = msg


def _visible(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: output.visible(str(value)) for key, value in event.items()}


def configure_logs(settings: LogSettings) -> None:
    logging.basicConfig(handlers=[_Handler()], level=_LEVELS[settings.level], format="%(message)s")
    colors = output.has_colors() if settings.color == "auto" else settings.color == "on"
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _visible,
            structlog.dev.ConsoleRenderer(colors=colors),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[settings.level]),
        logger_factory=lambda *_: _Logger(),
        cache_logger_on_first_use=False,
    )
