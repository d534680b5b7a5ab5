"""Where metrics go when a command has ended: into a file for node_exporter, to a Pushgateway. Loaded only where that is
asked for."""

import math
import os
import stat
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from prometheus_client import CollectorRegistry, generate_latest, pushadd_to_gateway
from prometheus_client.parser import text_string_to_metric_families

from holystone.ui.metrics import SUCCESS

_MODE: Final = 0o644
"""node_exporter runs as somebody else."""
_LONGEST_FILE: Final = 1 << 20
_PATIENCE: Final = 10.0
"""Seconds that a push may take as a whole."""
_ONE_STEP: Final = 5.0
"""Seconds in which something has to come."""


def write(file: Path, registry: CollectorRegistry) -> None:
    """Replaces the file at once, so that nobody reads half of it. Raises OSError, also where something else is there,
    such as a link, by which others would lead us to a file of our own."""
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(file.lstat().st_mode):
            raise OSError("what is there is no regular file")
    # Not `.prom` at the end: node_exporter reads whatever is called so.
    made, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(made, "wb") as out:
            out.write(generate_latest(registry))
            out.flush()
            os.fchmod(made, _MODE)
            os.fsync(made)
        Path(name).replace(file)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def ended_well_before(file: Path) -> float | None:
    """When a command last ended well, in Unix seconds, as the file from the time before says: so that it is still known
    after one that did not. None if that cannot be read."""
    try:
        if not file.is_file():
            return None
        with file.open("rb") as read:
            text = read.read(_LONGEST_FILE).decode()
        found = [
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == SUCCESS and not sample.labels and math.isfinite(sample.value)
        ]
    except (OSError, ValueError):  # the parser's word for all that it does not understand
        return None
    return found[0] if found else None


class Via(NamedTuple):
    """A proxy. urllib's own way there has a reading of NO_PROXY of its own, tells nobody that a password is one, and
    sends it in clear text to a proxy that is to be reached by https."""

    host: str
    """With the port."""
    headers: Mapping[str, str] = {}


def push(
    url: str,
    job: str,
    labels: Mapping[str, str],
    registry: CollectorRegistry,
    *,
    via: Via | None = None,
    patience: float = _PATIENCE,
) -> str:
    """Adds metrics to a group of a Pushgateway, where they take the place of those of the same names, and no other: the
    time of the last success stays known. Why it failed, if it did. It never takes longer than `patience`, in seconds,
    whatever the server does or a name server does not do."""
    failed = ["it took too long"]

    def work() -> None:
        try:
            pushadd_to_gateway(
                url, job, registry, dict(labels), timeout=min(_ONE_STEP, patience), handler=partial(_handler, via)
            )
            failed[0] = ""
        except Exception as fault:
            failed[0] = _why(fault)

    thread = threading.Thread(target=work, name="push of metrics", daemon=True)
    thread.start()
    thread.join(patience)
    return failed[0]


def _why(fault: Exception) -> str:
    match fault:
        case HTTPError(code=code):
            return f"it answered with status {code}"
        case URLError(reason=reason):
            return str(reason)
        case _:
            return str(fault) or type(fault).__name__


class _Stay(HTTPRedirectHandler):
    """A push that is led elsewhere has failed: urllib would make a GET of it, which pushes nothing and succeeds."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _handler(
    via: Via | None, url: str, method: str, timeout: float | None, headers: Sequence[tuple[str, str]], data: bytes
) -> Callable[[], None]:
    def send() -> None:
        request = Request(url, data, dict(headers), method=method)  # noqa: S310 - settings take http(s) alone
        for name, value in via.headers.items() if via else ():
            request.add_unredirected_header(name, value)
        if via:
            request.set_proxy(via.host, "http")
        with build_opener(_Stay, ProxyHandler({})).open(request, timeout=timeout):
            pass

    return send
