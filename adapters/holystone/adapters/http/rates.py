"""When a server wants to be asked again, in the many spellings of it."""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

from holystone.engine.scheduler import RateHint

_EPOCH = 1e8
"""Larger numbers are points in time, not waits: Docker Hub's X-Retry-After, GitHub's and GitLab's resets."""
_NUMBER: Final = re.compile(r"\s*(\d{1,18}(?:\.\d{1,9})?)\s*(?:[;,]|$)")


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait, from `Retry-After` (RFC 9110: seconds or a date) or Docker Hub's `X-Retry-After` (unix time).
    `now` is unix time. None if neither is there or makes sense."""
    for name in ("Retry-After", "X-Retry-After"):
        if (seconds := _wait(headers.get(name, ""), now)) is not None:
            return seconds
    return None


def rate_hint(headers: Mapping[str, str], now: float) -> RateHint | None:
    """What is left of a limit, from `X-RateLimit-*` or `RateLimit-*`, or from the one `RateLimit: "name";r=50;t=30` of
    the newer IETF draft."""
    for prefix in ("X-RateLimit", "RateLimit"):
        remaining = _number(headers.get(f"{prefix}-Remaining", ""))
        if remaining is not None:
            return RateHint(
                remaining=int(remaining),
                limit=_whole(headers.get(f"{prefix}-Limit", "")),
                resets_in=_wait(headers.get(f"{prefix}-Reset", ""), now),
            )
    combined = headers.get("RateLimit")
    if not combined or (left := re.search(r";\s*r=(\d{1,18})", combined)) is None:
        return None
    resets = re.search(r";\s*t=(\d{1,18})", combined)
    return RateHint(remaining=int(left[1]), resets_in=float(resets[1]) if resets else None)


def calls_per_second(headers: Mapping[str, str]) -> float | None:
    """How many more calls of this kind Azure lets through in this second, of which it lets as many through in the next
    (recordings of Azure/azure-sdk-for-python: 8.000000 after a deletion where 500 a minute are published)."""
    return _number(headers.get("X-Ms-Ratelimit-Remaining-Calls-Per-Second", ""))


def _wait(text: str, now: float) -> float | None:
    number = _number(text)
    if number is not None:
        return max(0.0, number - now) if number > _EPOCH else number
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def _number(text: str) -> float | None:
    """The number that the text begins with: Docker Hub writes `100;w=21600`."""
    match = _NUMBER.match(text) if text else None  # most registries say nothing
    return float(match[1]) if match else None


def _whole(text: str) -> int | None:
    number = _number(text)
    return None if number is None else int(number)
