"""Standard error for programs, where `--log-format json` asks for it: an object a line, and nothing else.

The form is the process's, as standard error is: whoever tells something must not have to know it.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeAlias, get_args

from holystone.ui.output import tell_object

Level: TypeAlias = Literal["debug", "info", "warning", "error", "critical"]
LEVELS: Final[tuple[Level, ...]] = get_args(Level)
Form: TypeAlias = Literal["text", "json"]


class _Form:
    is_json = False


def use(form: Form) -> None:
    """From here on standard error is told in this form."""
    _Form.is_json = form == "json"


def are_used() -> bool:
    return _Form.is_json


def tell_line(kind: str, level: Level, **content: Any) -> None:
    """A line of this kind, with the time, what it is about (`engine.events.about`), and its content."""
    from structlog.contextvars import get_contextvars  # not before something is told

    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    said = {"time": now, "level": level, "kind": kind, **get_contextvars(), **content}
    tell_object({name: plain(value) for name, value in said.items()})


def plain(value: Any) -> Any:
    """A value as JSON has it: names are texts, and what no number of JSON's is (an endless wait) is null."""
    match value:
        case bool() | None:
            return value
        case int():
            return int(value)
        case float():
            return round(value, 3) if math.isfinite(value) else None
        case str():
            return str(value)
        case Mapping():
            return {str(key): plain(each) for key, each in value.items()}
        case tuple() | list():
            return [plain(each) for each in value]
        case _:
            return str(value)
