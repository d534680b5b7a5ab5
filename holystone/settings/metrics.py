"""Where the metrics of a command go."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import msgspec

from holystone.engine.errors import UsageError
from holystone.settings import options as o
from holystone.settings.given import Given, GivenValue

_JOB: Final = "holystone"
_GROUP: Final = "/metrics/job/"
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)


class Pushgateway(msgspec.Struct, frozen=True):
    url: str
    """Without the group."""
    job: str = _JOB
    labels: Mapping[str, str] = {}
    """The rest of the group: what is pushed takes the place of the same metrics of this group, and of no other."""

    @property
    def host(self) -> str:
        """What of it may be shown."""
        return urlsplit(self.url).netloc


class MetricsSettings(msgspec.Struct, frozen=True):
    file: Path | None = None
    push: Pushgateway | None = None
    looks: bool = False
    """Nothing is going to be changed."""


def resolve_metrics(given: Given) -> MetricsSettings:
    """Raises UsageError."""
    push = given.filled(o.METRICS_PUSH)
    return MetricsSettings(
        given.path(o.METRICS_FILE),
        _pushgateway(push) if push else None,
        looks=given.flag(o.DRY_RUN) or given.filled(o.PLAN_OUT) is not None,
    )


def _pushgateway(value: GivenValue) -> Pushgateway:
    """A URL as the Pushgateway's own page writes it: with a group, `…/metrics/job/NAME/LABEL/VALUE…`, or without."""
    text, source = value.without_user_info()
    try:
        parts = urlsplit(text)
        is_address = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        raise _wrong(source) from None
    is_plain = text.isascii() and text.isprintable() and not re.search(r"[\s?#@\\]", text)
    if parts.scheme not in ("http", "https") or not (is_address and is_plain):
        raise _wrong(source)
    prefix, group, rest = parts.path.partition(_GROUP)
    url = f"{parts.scheme}://{parts.netloc}{prefix.rstrip('/')}"
    if not group:
        return Pushgateway(url)
    job, *more = map(unquote, rest.rstrip("/").split("/"))
    names, values = more[::2], more[1::2]
    if not job or len(names) != len(values) or not all(values) or not all(map(_LABEL.fullmatch, names)):
        raise UsageError(
            f"{source}: what follows {_GROUP} is no group of the Pushgateway",
            what_to_do=f"Write {_GROUP}JOB, or {_GROUP}JOB/LABEL/VALUE, with as many labels as there have to be.",
        )
    return Pushgateway(url, job, dict(zip(names, values, strict=True)))


def _wrong(source: str) -> UsageError:
    """The URL itself is not shown: what cannot be understood may hold anything."""
    return UsageError(
        f"{source}: not the address of a Pushgateway",
        what_to_do="Write http://HOST:9091 or https://HOST/PATH, without a user, a query and a fragment.",
    )
