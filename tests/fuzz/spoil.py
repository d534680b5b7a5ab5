"""Inputs that are nearly right: a sound one with one thing in it changed. For JSON the thing is a value, which blind
changes of bytes seldom hit without breaking the whole."""

import json
from random import Random
from typing import Any, Final

ODD: Final[tuple[Any, ...]] = (
    None,
    True,
    0,
    -1,
    2**63,
    -(2**63) - 1,
    10**400,
    0.5,
    1e308,
    "",
    " ",
    "\x00",
    "\x1b[2J",
    "\u202e",
    "\ud800",
    "a" * 300,
    "..",
    "a/b:c@d",
    "sha256:" + "0" * 64,
    "sha512:" + "f" * 128,
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59+14:00",
    "0001-01-01T00:00:00+14:00",
    "2020-02-30T00:00:00Z",
    [],
    {},
    [[]],
    [None],
    {"": None},
)
_RAW: Final = (b"1e400", b"-0", b"NaN", b"Infinity", b"[" * 600 + b"]" * 600, b'"\\ud800"', b"1" * 5000, b"-1e-999")
"""What Python would not write, or not so."""
_MARK: Final = "\u0001raw\u0001"
_SEPARATORS: Final = (b"\n\n", b"\n%%\n")


def spoil(data: bytes, random: Random) -> bytes:
    """One change."""
    start, end = _a_document(data, random)
    try:
        document = json.loads(data[start:end])
    except (ValueError, RecursionError):
        return _bytes(data, random)
    if random.random() < 0.15:
        return _bytes(data, random)
    changed = _json(document, random)
    text = json.dumps(changed, ensure_ascii=random.random() < 0.5)
    body = text.encode(errors="surrogatepass").replace(json.dumps(_MARK).encode(), random.choice(_RAW))
    body = body.replace(_MARK.encode(), b"")
    return data[:start] + body + data[end:]


def _a_document(data: bytes, random: Random) -> tuple[int, int]:
    """Where one of several documents lies, each behind a head of its own perhaps (see `scripted`)."""
    parts = data.split(b"\n%%\n")
    number = random.randrange(len(parts))
    start = sum(len(part) + 4 for part in parts[:number])
    part = parts[number]
    head = part.find(b"\n\n")
    return (start if head < 0 else start + head + 2), start + len(part)


def _json(value: Any, random: Random) -> Any:
    """A copy with one place in it changed."""
    inside: list[Any] = []
    if isinstance(value, dict | list):
        inside = list(value) if isinstance(value, dict) else list(range(len(value)))
    if not inside or random.random() < 0.2:
        return _another(value, random)
    at = random.choice(inside)
    if isinstance(value, dict):
        match random.randrange(8):
            case 0:
                return {key: each for key, each in value.items() if key != at}
            case 1:
                return {**value, at.swapcase(): value[at]}
            case _:
                return {**value, at: _json(value[at], random)}
    match random.randrange(6):
        case 0:
            return value[:at] + value[at + 1 :]
        case 1:
            return value + value[at : at + 1] * random.choice((1, 20))
        case _:
            return [*value[:at], _json(value[at], random), *value[at + 1 :]]


def _another(value: Any, random: Random) -> Any:
    match random.randrange(6):
        case 0:
            return _MARK
        case 1:
            return [value]
        case 2 if isinstance(value, str):
            return _bytes(value.encode(errors="surrogatepass"), random).decode(errors="replace")
        case _:
            return random.choice(ODD)


def _bytes(data: bytes, random: Random) -> bytes:
    at = random.randrange(len(data) + 1)
    upto = min(len(data), at + random.choice((0, 1, 1, 2, 8, 64)))
    match random.randrange(5):
        case 0:
            put = bytes((random.randrange(256),))
        case 1:
            put = b""
        case 2:
            put = data[at:upto] * random.choice((2, 3, 200))
        case 3:
            put = random.choice(
                (b"\x00", b"\n", b"\r\n", b"\xff", b"\xc2\x9b", b'"', b"'", b"\\", b"%", b"{{", b",", b"  ")
            )
        case _:
            put = str(random.choice(ODD)).encode(errors="surrogatepass")
    return data[:at] + put + data[upto:]
