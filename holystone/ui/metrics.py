"""Events as Prometheus metrics of one command, which ends: gauges of the last time. docs/metrics.md tells each.

Loaded only where metrics are asked for.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, Gauge, Info

from holystone.engine.model.events import (
    Begun,
    Checked,
    Done,
    Ended,
    Event,
    Halted,
    Paused,
    Planned,
    Refused,
    Retried,
    Sent,
    Throttled,
)
from holystone.engine.model.references import RegistryHost, Repository

MOST_REPOSITORIES: Final = 200
"""With more of them, numbers are by registry alone: who may make repositories must not make the metrics endless."""
SUCCESS: Final = "holystone_run_last_success_timestamp_seconds"


class _Tags(NamedTuple):
    kept: int = 0
    doomed: int = 0
    deleted: int = 0

    def plus(self, other: "_Tags") -> "_Tags":
        return _Tags(*(sum(both) for both in zip(self, other, strict=True)))


class TagCounts:
    """Tags by repository, or by registry alone once there are too many repositories."""

    def __init__(self, most: int = MOST_REPOSITORIES) -> None:
        self._most = most
        self._counts: dict[tuple[RegistryHost, str], _Tags] = {}
        self._folded = False

    def add(self, repository: Repository, tags: _Tags) -> None:
        self._add(repository.host, "" if self._folded else str(repository.path), tags)
        if not self._folded and len(self._counts) > self._most:
            self._folded = True
            counted, self._counts = self._counts, {}
            for (host, _), each in counted.items():
                self._add(host, "", each)

    def _add(self, host: RegistryHost, path: str, tags: _Tags) -> None:
        self._counts[host, path] = self._counts.get((host, path), _Tags()).plus(tags)

    @property
    def counts(self) -> Mapping[tuple[RegistryHost, str], _Tags]:
        """By registry and repository, whose name is empty where it does not count."""
        return self._counts


class RunMetrics:
    """`looks`: nothing is going to be changed. `clock` is in Unix seconds."""

    def __init__(self, *, looks: bool, clock: Callable[[], float] = time.time) -> None:
        self._looks = looks
        self._clock = clock
        self._begun = self._over = clock()
        self._version = version("holystone")
        self._command, self._exit_code = "", 1
        self._tags = TagCounts()
        self._steps, self._not_tried = 0, 0
        self._outcomes, self._refusals = Counter[str](), Counter[str]()
        self._repositories, self._stopped = Counter[str](), Counter[str]()
        self._losses, self._pauses, self._halted = Counter[str](), Counter[str](), Counter[str]()
        self._requests, self._throttled, self._retried = (Counter[tuple[str, ...]]() for _ in range(3))

    def heard(self, event: Event) -> None:
        match event:
            case Sent(host, api):
                self._requests[host, api] += 1
            case Throttled(host, api):
                self._throttled[host, api] += 1
            case Retried(host, api):
                self._retried[host, api] += 1
            case Paused(host):
                self._pauses[host] += 1
            case Planned(repository, kept, doomed):
                self._tags.add(repository, _Tags(kept, doomed))
            case Refused(promise):
                self._refusals[promise] += 1
            case Begun(_, steps):
                self._steps = steps
            case Checked(repository, lost):
                self._losses[repository.host] += lost
            case Done(repository, not_tried, stopped, gone, outcomes):
                self._tags.add(repository, _Tags(deleted=gone))
                self._repositories[repository.host] += 1
                self._stopped[repository.host] += bool(stopped)
                self._outcomes.update(outcomes)
                self._not_tried += not_tried
            case Halted(budget):
                self._halted[budget] += 1
            case Ended(command, exit_code):
                self._command, self._exit_code, self._over = command, exit_code, self._clock()
            case _:
                pass

    def registry(self, ended_well_before: float | None = None) -> CollectorRegistry:
        """What is known by now. `ended_well_before`: when it last did, in Unix seconds."""
        registry = CollectorRegistry()

        def gauge(name: str, says: str, value: float) -> None:
            Gauge(name, says, registry=registry).set(value)

        def gauges(name: str, says: str, labels: tuple[str, ...], counts: Mapping[tuple[str, ...], float]) -> None:
            # Where there is nothing, that is said too: a Pushgateway would go on with what it had.
            made = Gauge(name, says, labels, registry=registry)
            for values, value in sorted((counts or {("",) * len(labels): 0}).items()):
                made.labels(*values).set(value)

        last = {"command": self._command, "dry_run": str(self._looks).lower(), "version": self._version}
        Info("holystone_run_last", "What ran.", registry=registry).info(last)
        gauge("holystone_run_last_start_timestamp_seconds", "When it began, in Unix seconds.", self._begun)
        gauge("holystone_run_last_end_timestamp_seconds", "When it ended, in Unix seconds.", self._over)
        gauge("holystone_run_last_duration_seconds", "How long it took.", max(0.0, self._over - self._begun))
        gauge("holystone_run_last_exit_code", "0: all is done, or there was nothing to do.", self._exit_code)
        well = self._over if self._exit_code == 0 and not self._looks else ended_well_before
        if well is not None:
            gauge(SUCCESS, "When one that was no dry run last ended with exit code 0, in Unix seconds.", well)

        place, by_host, by_lane = ("registry", "repository"), ("registry",), ("host", "api")
        tags = self._tags.counts
        for number, (name, says) in enumerate(
            (
                ("kept", "Tags that were planned to stay."),
                ("doomed", "Tags that were planned to go."),
                ("deleted", "Tags that are gone, by earlier attempts at the same run too."),
            )
        ):
            counted: dict[tuple[str, ...], float] = {
                (str(host), path): each[number] for (host, path), each in tags.items()
            }
            gauges(f"holystone_run_last_tags_{name}", says, place, counted)
        worked_on = "Repositories that were worked on, to the end or not."
        gauges("holystone_run_last_repositories", worked_on, by_host, _labelled(self._repositories))
        halfway = "Of these, what something stopped halfway."
        gauges("holystone_run_last_repositories_stopped", halfway, by_host, _labelled(self._stopped))
        lost = "What was to stay and is not there any more."
        gauges("holystone_run_last_losses", lost, by_host, _labelled(self._losses))
        gauges("holystone_run_last_refusals", "Why the plan was refused.", ("promise",), _labelled(self._refusals))
        came = "Steps of the run by what came of them."
        gauges("holystone_run_last_steps", came, ("outcome",), _labelled(self._all_steps()))
        gauges("holystone_run_last_requests", "Requests that were sent.", by_lane, self._requests)
        later = "Requests to which the server said: later."
        gauges("holystone_run_last_requests_throttled", later, by_lane, self._throttled)
        again = "Requests that were sent once more."
        gauges("holystone_run_last_requests_retried", again, by_lane, self._retried)
        paused = "Times that nothing was sent to a host for a while."
        gauges("holystone_run_last_pauses", paused, ("host",), _labelled(self._pauses))
        halted = "1 if a budget ended the run while there was more to do, by what of it was used up."
        gauges("holystone_run_last_halted", halted, ("budget",), _labelled(self._halted))
        return registry

    def _all_steps(self) -> Mapping[str, int]:
        """Steps of repositories whose turn never came were not tried either."""
        not_tried = max(self._not_tried, self._steps - self._outcomes.total())
        return {**self._outcomes, "not-tried": not_tried} if self._steps or self._outcomes else {}


def _labelled(counts: Mapping[str, int]) -> Mapping[tuple[str, ...], float]:
    return {(str(name),): number for name, number in counts.items()}
