"""Runs a command: settings in, exit code out. Loaded only when a command really runs."""

import os
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio

from holystone.cleanup.decide import Scope
from holystone.cleanup.delivery import Delivery
from holystone.cleanup.message import NOTHING_DELETED
from holystone.cleanup.prepare import prepare_plan
from holystone.cleanup.progress import ProgressLines
from holystone.cleanup.session import Interrupted, InterruptedMidway, open_session, until_signal
from holystone.cleanup.undo import undo
from holystone.cli.logs import configure_logs
from holystone.engine.errors import HolystoneError, UsageError
from holystone.settings.in_use_lists import read_lists
from holystone.settings.resolve import resolve, resolve_apply

Given = Mapping[str, Any]


def clean(command: str, given: Given, scope: Scope) -> int:
    settings = resolve(given, os.environ)
    configure_logs(settings.log)
    if scope.images and not settings.history.decides:
        raise UsageError(
            "--git-history-based-cleanup=false asks for a cleanup by tag strategies, which this version cannot do yet.",
            what_to_do="Leave the option out, or use `holystone stages cleanup` for the stages alone.",
        )
    # Here, where a signal still ends the program at once: whoever writes to standard input may never end.
    listed = read_lists(settings.in_use) if scope.images else ()
    delivery = Delivery(settings.run, settings.log, settings.notes)

    async def job() -> int:
        async with open_session(settings.registry, settings.run) as session:
            with _before_deletion():
                plan = await prepare_plan(
                    session.connections,
                    session.knowledge,
                    settings,
                    scope,
                    command,
                    as_of=int(time.time()),
                    listed=listed,
                )
            return await delivery.deliver(session, plan)

    return _main(job, delivery.progress)


def apply_file(file: Path, given: Given) -> int:
    settings = resolve_apply(given, os.environ)
    configure_logs(settings.log)
    delivery = Delivery(settings.run, settings.log)

    async def job() -> int:
        plan = await anyio.to_thread.run_sync(delivery.read_plan, file)
        async with open_session(settings.registry, settings.run) as session:
            return await delivery.deliver(session, plan)

    return _main(job, delivery.progress)


def resume_run(run: str | None, given: Given) -> int:
    settings = resolve_apply(given, os.environ)
    configure_logs(settings.log)
    delivery = Delivery(settings.run, settings.log)

    async def job() -> int:
        async with open_session(settings.registry, settings.run) as session:
            return await delivery.resume(session, run)

    return _main(job, delivery.progress)


def undo_run(run: str, given: Given) -> int:
    settings = resolve_apply(given, os.environ)
    configure_logs(settings.log)
    progress = ProgressLines(quiet=settings.log.level == "quiet")

    async def job() -> int:
        async with open_session(settings.registry, settings.run) as session:
            return await undo(session, settings, progress, run)

    return _main(job, progress, again="undo", left="The rest was not put back.")


def list_runs(given: Given) -> int:
    settings = resolve_apply(given, os.environ)
    return _main(Delivery(settings.run, settings.log).list_runs)


def run_demo(given: Given) -> int:
    from holystone.demo.tour import tour

    return _main(lambda: tour(keep=given.get("keep") == "true"))


@contextmanager
def _before_deletion() -> Iterator[None]:
    try:
        yield
    except UsageError:
        raise
    except HolystoneError as error:
        error.not_deleted = NOTHING_DELETED
        raise


def _main(
    job: Callable[[], Awaitable[int]],
    progress: ProgressLines | None = None,
    *,
    again: str = "resume",
    left: str = "The other deletions were not tried.",
) -> int:
    """`again` is the command that goes on with a run after a signal, `left` what was not done by then."""
    try:
        return anyio.run(until_signal, job, backend_options={"use_uvloop": _has_uvloop()})
    except Interrupted as interrupted:
        if progress is None or progress.run_id is None:
            interrupted.not_deleted = NOTHING_DELETED
            raise
        raise InterruptedMidway(
            f"{interrupted.message} {progress}.",
            not_deleted=left,
            what_to_do=f"`holystone {again} {progress.run_id}` goes on.",
        ) from None


def _has_uvloop() -> bool:
    try:
        import uvloop
    except ImportError:
        return False
    return bool(uvloop)
