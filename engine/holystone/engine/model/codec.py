"""Plans and other model values as JSON, strictly, and their JSON Schema."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from holystone.engine.model.references import (
    Commit,
    Digest,
    ImageName,
    InvalidName,
    RegistryHost,
    RepositoryPath,
    Tag,
)

T = TypeVar("T")
_NAMES = (RegistryHost, RepositoryPath, Tag, Digest, Commit, ImageName)


def to_json(value: Any, *, indent: int = 0) -> bytes:
    """Keys of mappings are sorted, so that equal values give equal bytes."""
    try:
        encoded = msgspec.json.encode(value, enc_hook=_encode, order="sorted")
    except UnicodeEncodeError:  # a path, or a word of the command line, that is not UTF-8
        encoded = msgspec.json.encode(_unicode(msgspec.to_builtins(value, enc_hook=_encode)), order="sorted")
    return msgspec.json.format(encoded, indent=indent) if indent else encoded


def from_json(data: bytes, kind: type[T]) -> T:
    """Raises msgspec.DecodeError or msgspec.ValidationError, which say where."""
    try:
        return msgspec.json.decode(data, type=kind, dec_hook=_names())
    except UnicodeDecodeError as error:
        raise msgspec.DecodeError(f"not UTF-8 (byte {error.start})") from error
    except RecursionError as error:
        raise msgspec.DecodeError("nested too deeply") from error


def pack(value: Any) -> bytes:
    """A value's bytes for this process alone, in half the time."""
    try:
        return msgspec.msgpack.encode(value, enc_hook=_encode)
    except UnicodeEncodeError:
        return msgspec.msgpack.encode(_unicode(msgspec.to_builtins(value, enc_hook=_encode)))


def unpack(data: bytes, kind: type[T]) -> T:
    return msgspec.msgpack.decode(data, type=kind, dec_hook=_names())


def json_schema(kind: type[Any]) -> dict[str, Any]:
    return msgspec.json.schema(kind, schema_hook=_schema)


def json_schemas(*kinds: type[Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """One of each, and the definitions that they share."""
    schemas, definitions = msgspec.json.schema_components(kinds, schema_hook=_schema)
    return list(schemas), definitions


def _encode(value: Any) -> Any:
    if isinstance(value, _NAMES):
        return str(value)
    if isinstance(value, Sequence):
        return list(value)
    raise NotImplementedError(f"{type(value).__name__} has no JSON form")


def _unicode(value: Any) -> Any:
    match value:
        case str():
            return value.encode(errors="backslashreplace").decode()
        case dict():
            return {_unicode(key): _unicode(each) for key, each in value.items()}
        case list() | tuple():
            return [_unicode(each) for each in value]
        case _:
            return value


def _names() -> Callable[[type[Any], Any], Any]:
    """Reads names, so that one that is there several times is in memory once: a plan has the digest of a tag that stays
    three times."""
    known: defaultdict[type[Any], dict[str, Any]] = defaultdict(dict)

    def read(kind: type[Any], value: Any) -> Any:
        there = known[kind]
        if isinstance(value, str) and value in there:
            return there[value]
        name = _decode(kind, value)
        there[name] = name
        return name

    return read


def _decode(kind: type[Any], value: Any) -> Any:
    if issubclass(kind, _NAMES):
        if not isinstance(value, str):
            raise msgspec.ValidationError(f"Expected `str`, got {type(value).__name__}")
        try:
            return kind.parse(value)
        except InvalidName as error:
            raise msgspec.ValidationError(str(error)) from error
    raise NotImplementedError(f"{kind.__name__} has no JSON form")


def _schema(kind: type[Any]) -> dict[str, Any]:
    if issubclass(kind, _NAMES):
        return {"type": "string", "pattern": f"^(?:{kind.pattern()})$"}
    raise NotImplementedError(f"{kind.__name__} has no JSON form")
