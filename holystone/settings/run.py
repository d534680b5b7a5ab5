"""What every command that works is told of itself: its folders, what it may take and change, and how it tells."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from holystone.engine.errors import UsageError
from holystone.settings import options as o
from holystone.settings.given import Given, GivenValue, Options


class BudgetSettings(msgspec.Struct, frozen=True):
    """What a command may take; None: as much as it needs."""

    until: dt.time | None = None
    """Of this machine's clock and zone."""
    seconds: int | None = None
    requests: int | None = None


class RunSettings(msgspec.Struct, frozen=True):
    state_dir: Path
    cache_dir: Path
    dry_run: bool = False
    plan_out: Path | None = None
    output: Literal["text", "json"] = "text"
    yes_delete_that_many: bool = False
    accept_new_baseline: bool = False
    """What has shrunk since the last run has done so rightly."""
    lock_in_registry: bool = False
    yes: bool = False
    """Confirms what would have to be confirmed on a terminal."""
    budget: BudgetSettings = BudgetSettings()

    @property
    def only_looks(self) -> bool:
        """Whether nothing is going to be changed, and so no other run is in the way."""
        return self.dry_run or self.plan_out is not None

    @property
    def is_only_shown(self) -> bool:
        """Whether nobody can act upon the plan."""
        return self.dry_run and self.plan_out is None


class LogSettings(msgspec.Struct, frozen=True):
    level: Literal["quiet", "normal", "verbose", "debug"] = "normal"
    color: Literal["auto", "on", "off"] = "auto"
    format: Literal["text", "json"] = "text"


class JournalSettings(msgspec.Struct, frozen=True):
    """Settings of commands that look at nothing beyond this machine."""

    run: RunSettings
    log: LogSettings


def resolve_journal(options: Options, environ: Mapping[str, str]) -> JournalSettings:
    """Raises UsageError."""
    given = Given(options, environ)
    return JournalSettings(run_settings(given), log_settings(given))


def run_settings(given: Given) -> RunSettings:
    import platformdirs  # here, because `--help` needs no folders

    return RunSettings(
        state_dir=given.path(o.STATE_DIR) or platformdirs.user_state_path("holystone", appauthor=False),
        cache_dir=given.path(o.CACHE_DIR) or platformdirs.user_cache_path("holystone", appauthor=False),
        dry_run=given.flag(o.DRY_RUN),
        plan_out=_plan_out(given),
        output=given.word((o.OUTPUT,), ("text", "json"), "text"),
        yes_delete_that_many=given.flag(o.YES_DELETE_THAT_MANY),
        accept_new_baseline=given.flag(o.ACCEPT_NEW_BASELINE),
        lock_in_registry=given.flag(o.LOCK_IN_REGISTRY),
        yes=given.flag(o.YES),
        budget=_budget(given),
    )


def _budget(given: Given) -> BudgetSettings:
    until, seconds, requests = map(given.filled, (o.UNTIL, o.TIME_BUDGET, o.REQUEST_BUDGET))
    return BudgetSettings(
        until=until.time_of_day() if until else None,
        seconds=_at_least_one(seconds, seconds.seconds()) if seconds else None,
        requests=_at_least_one(requests, requests.integer()) if requests else None,
    )


def _at_least_one(value: GivenValue, number: int) -> int:
    if number < 1:
        raise UsageError(f"{value.source}: with {value.text} nothing could be done")
    return number


def _plan_out(given: Given) -> Path | None:
    """An empty name is a shell's variable that was not set, and never means that something may be deleted."""
    value = given.one(o.PLAN_OUT)
    if value and not value.text:
        raise UsageError(
            f"{value.source}: an empty name", what_to_do="Name the file that the plan is to be written to."
        )
    return given.path(o.PLAN_OUT)


def log_settings(given: Given) -> LogSettings:
    quiet, verbose, debug = map(given.flag, (o.LOG_QUIET, o.LOG_VERBOSE, o.LOG_DEBUG))
    return LogSettings(
        level="debug" if debug else "verbose" if verbose else "quiet" if quiet else "normal",
        color=given.word((o.LOG_COLOR_MODE,), ("auto", "on", "off"), "auto"),
        format=given.word((o.LOG_FORMAT,), ("text", "json"), "text"),
    )
