"""What a run tells of itself while it works, for whoever wants to know.

Nothing is printed that nobody has asked for: events go to the logger `holystone.events` of the standard library, which
says nothing until somebody gives it, or one above it, a handler. The command line does.
"""

import logging
from typing import Final

import structlog

NAME: Final = "holystone.events"

logging.getLogger("holystone").addHandler(logging.NullHandler())


def logger() -> structlog.stdlib.BoundLogger:
    bound: structlog.stdlib.BoundLogger = structlog.wrap_logger(
        logging.getLogger(NAME), wrapper_class=structlog.stdlib.BoundLogger
    )
    return bound
