"""Who listens to a command as a whole: what is told on standard error, and metrics where they are asked for."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from holystone.cli.logs import told
from holystone.engine.errors import UsageError
from holystone.engine.events import listening, tell
from holystone.engine.model.events import Ended
from holystone.settings import options as o
from holystone.settings.given import Given
from holystone.settings.metrics import MetricsSettings, Pushgateway, resolve_metrics

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


def recorded(context: click.Context, command: str, work: Callable[[], int]) -> int:
    """The exit code of the work, which raises nothing. Raises UsageError."""
    wanted = resolve_metrics(Given(context.params, os.environ)) if _takes_metrics(context) else MetricsSettings()
    if wanted.file or wanted.push:
        return _measured(command, work, wanted)
    with listening(told):
        return _ended(command, work)


def _takes_metrics(context: click.Context) -> bool:
    """Whether the command takes the option, and not only to say that it has no effect."""
    return any(
        isinstance(each, click.Option) and each.name == o.METRICS_FILE.key and not each.hidden
        for each in context.command.params
    )


def _ended(command: str, work: Callable[[], int]) -> int:
    code = work()
    tell(Ended(command, code))
    return code


def _measured(command: str, work: Callable[[], int], wanted: MetricsSettings) -> int:
    """Metrics that cannot be written or pushed are told, and change nothing."""
    from holystone.ui.exposition import ended_well_before, write
    from holystone.ui.message import note
    from holystone.ui.metrics import RunMetrics

    metrics = RunMetrics(looks=wanted.looks)
    with listening(told, metrics.heard):
        code = _ended(command, work)
    if wanted.file:
        try:
            write(wanted.file, metrics.registry(ended_well_before(wanted.file)))
        except OSError as fault:
            note(f"The metrics cannot be written to {wanted.file}: {fault.strerror or fault}.", "warning")
    if wanted.push and (why := pushed(wanted.push, metrics.registry())):
        note(f"The metrics were not pushed to {wanted.push.host}: {why}.", "warning")
    return code


def pushed(to: Pushgateway, registry: "CollectorRegistry") -> str:
    """Why metrics were not pushed, if they were not. The proxy on the way there is that of registries."""
    from yarl import URL

    from holystone.adapters.http.proxies import proxy_for
    from holystone.ui.exposition import Via, push

    try:
        proxy = proxy_for(URL(to.url))
    except UsageError as error:
        return error.message
    if proxy.url and proxy.url.scheme != "http":
        return "the proxy on the way there is to be reached by https, which is not possible here"
    via = Via(f"{proxy.url.host_subcomponent}:{proxy.url.port}", proxy.headers) if proxy.url else None
    return push(to.url, to.job, to.labels, registry, via=via)
