"""The JSON Schema of the lines on standard error: every kind of event with its fields, as their types say, and what
else is told there."""

from collections.abc import Mapping
from typing import Any, Final, get_args, get_type_hints

from holystone.engine.model.events import Event
from holystone.engine.model.references import Digest, RegistryHost, Repository, Tag
from holystone.ui.event_stream import kind_in_json
from holystone.ui.json_lines import LEVELS

_TEXT: Final = {"type": "string"}
_COUNT: Final = {"type": "integer"}
_JSON: Final[dict[Any, Any]] = {
    str: _TEXT,
    Repository: _TEXT,
    RegistryHost: _TEXT,
    Digest: _TEXT,
    tuple[Tag, ...]: {"type": "array", "items": _TEXT},
    int: _COUNT,
    bool: {"type": "boolean"},
    float: {"type": ["number", "null"]},
    float | None: {"type": ["number", "null"]},
    Mapping[str, int]: {"type": "object", "additionalProperties": _COUNT},
}
ABOUT: Final = {
    "run": _TEXT,
    "repository": _TEXT,
    "tag": _TEXT,
    "tags": _COUNT,
    "manifest": _TEXT,
    "manifests": _COUNT,
}
"""What a line is about, where that is known (`engine.events.about`)."""
_SAID: Final = {"text": _TEXT}
MESSAGES: Final[Mapping[str, Mapping[str, Any]]] = {
    "said": _SAID,
    "note": _SAID,
    "progress": _SAID,
    "question": _SAID,
    "error": {"message": _TEXT, "not_deleted": _TEXT, "what_to_do": _TEXT},
    "log": {"logger": _TEXT, "text": _TEXT, "fields": {"type": "object"}},
}
EVENTS: Final[tuple[type[Event], ...]] = get_args(Event)


def log_schema() -> dict[str, Any]:
    """The schema of each line."""
    kinds = {**{kind_in_json(each): _fields(each) for each in EVENTS}, **MESSAGES}
    lines = [_line(kind, content) for kind, content in kinds.items()]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "anyOf": lines}


def _fields(event: type[Event]) -> Mapping[str, Any]:
    types = get_type_hints(event)
    return {name: _JSON[types[name]] for name in event.__struct_fields__}


def _line(kind: str, content: Mapping[str, Any]) -> dict[str, Any]:
    always = {
        "time": {"type": "string", "format": "date-time"},
        "level": {"enum": list(LEVELS)},
        "kind": {"const": kind},
        **content,
    }
    return {
        "type": "object",
        "properties": ABOUT | always,
        "required": list(always),
        "additionalProperties": False,
    }
