"""Where a run tells of itself while it works, and where others listen.

Values (`model.events`) go to the listeners of the context that the work was begun in. Words go to the logger
`holystone.events` of the standard library. Nothing is printed that nobody has asked for: the logger says nothing until
somebody gives it, or one above it, a handler. The command line does.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, TypeAlias

from holystone.engine.model.events import Event

if TYPE_CHECKING:
    import structlog

NAME: Final = "holystone.events"
Listener: TypeAlias = Callable[[Event], object]
"""Called in the event loop, so it must not block."""
_listeners: Final[ContextVar[tuple[Listener, ...]]] = ContextVar("listeners", default=())

logging.getLogger("holystone").addHandler(logging.NullHandler())


def logger() -> "structlog.stdlib.BoundLogger":
    import structlog  # not before something works: it loads rich where that is, and people wait for `holystone runs`

    bound: structlog.stdlib.BoundLogger = structlog.wrap_logger(
        logging.getLogger(NAME), wrapper_class=structlog.stdlib.BoundLogger
    )
    return bound


@contextmanager
def about(**names: object) -> Iterator[None]:
    """Log lines of what is done within bear these names, whoever writes them: a request that is throttled knows of no
    repository. By this task and those that it starts."""
    from structlog.contextvars import bound_contextvars

    bound = {name: what if isinstance(what, int) else str(what) for name, what in names.items()}
    with bound_contextvars(**bound):
        yield


def tell(event: Event) -> None:
    """A listener that fails is logged, and costs the run nothing."""
    for listener in _listeners.get():
        try:
            listener(event)
        except Exception:
            logging.getLogger(NAME).exception("a listener failed")


@contextmanager
def listening(*listeners: Listener) -> Iterator[None]:
    """Listeners hear of all that is begun within, by this task and by those that it starts."""
    before = _listeners.set((*_listeners.get(), *listeners))
    try:
        yield
    finally:
        _listeners.reset(before)
