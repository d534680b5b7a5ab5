"""Durations as Go writes them, which is how werf.yaml writes them. Exact to the nanosecond.

Grammar: Go's `time.ParseDuration`. `durationpy` is not used: it takes days, weeks and years, skips what stands between
two parts, and rounds through floating point.
"""

import re
from typing import Final

SECOND: Final = 1_000_000_000
HOUR: Final = 3600 * SECOND

_UNITS: Final = {
    "ns": 1,
    "us": 1_000,
    "\u00b5s": 1_000,  # micro sign
    "\u03bcs": 1_000,  # Greek letter mu
    "ms": 1_000_000,
    "s": SECOND,
    "m": 60 * SECOND,
    "h": HOUR,
}
_PART: Final = re.compile(r"(?=\.?[0-9])([0-9]*)(?:\.([0-9]*))?(" + "|".join(_UNITS) + ")")
_WHOLE: Final = re.compile(f"([+-]?)((?:{_PART.pattern})+)")
_LARGEST: Final = 2**63 - 1


def parse_go_duration(text: str) -> int:
    """Nanoseconds. Raises ValueError."""
    if text in ("0", "+0", "-0"):
        return 0
    whole = _WHOLE.fullmatch(text)
    if not whole:
        raise ValueError(f"{text!r} is not a duration such as 168h or 1h30m (units: ns, us, ms, s, m, h; no days)")
    total = sum(_nanoseconds(*part) for part in _PART.findall(whole[2]))
    if total > _LARGEST:
        raise ValueError(f"{text!r} is longer than Go can count (about 292 years)")
    return -total if whole[1] == "-" else total


def _nanoseconds(integer: str, fraction: str, unit: str) -> int:
    scale = _UNITS[unit]
    parts: int = 10 ** len(fraction)
    return int(integer or "0") * scale + int(fraction or "0") * scale // parts
