"""Where log lines go: to standard error, so that standard output is a report and nothing else."""

import logging
import sys
from typing import Final

import structlog

from holystone.settings.values import LogSettings

_LEVELS: Final = {
    "quiet": logging.ERROR,
    "normal": logging.WARNING,
    "verbose": logging.INFO,
    "debug": logging.DEBUG,
}


def configure_logs(settings: LogSettings) -> None:
    # Adapters warn through the standard library, as libraries do.
    logging.basicConfig(stream=sys.stderr, level=_LEVELS[settings.level], format="holystone: %(message)s")
    colors = sys.stderr.isatty() if settings.color == "auto" else settings.color == "on"
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(colors=colors),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[settings.level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
