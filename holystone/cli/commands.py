"""Runs a command: settings in, exit code out. Loaded only when a command really runs."""

import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path

import anyio

from holystone.cli.logs import configure_logs
from holystone.cli.reading import Words, read_settings
from holystone.engine.errors import NOTHING_DELETED, HolystoneError, UsageError
from holystone.engine.events import listening
from holystone.engine.model.plan import Plan
from holystone.engine.model.references import ImageName
from holystone.settings.given import Given, GivenValue
from holystone.settings.in_use_lists import read_lists
from holystone.settings.resolve import (
    image_name,
    refuse_lists_in_use,
    resolve,
    resolve_apply,
    resolve_direct,
    resolve_journal,
)
from holystone.settings.tables import ADD_OPTIONS, IMAGES_PURGE_OPTIONS, LS_OPTIONS, RM_OPTIONS, STAGES_PURGE_OPTIONS
from holystone.settings.values import ApplySettings, CleanupSettings, DirectSettings, LogSettings
from holystone.ui.progress import ProgressLines
from holystone.ui.reporter import JsonReporter, Reporter, TextReporter
from holystone.workflows.decision import Scope
from holystone.workflows.delivery import Delivery
from holystone.workflows.manage import manage, show_managed
from holystone.workflows.managed_images import prepare_removal
from holystone.workflows.plan_file import read_plan
from holystone.workflows.prepare import prepare_plan
from holystone.workflows.purge import prepare_purge
from holystone.workflows.reading import another_project, check_reading
from holystone.workflows.runs import Runs
from holystone.workflows.session import Interrupted, InterruptedMidway, Session, open_session, until_signal
from holystone.workflows.undo import undo


def clean(given: Words, scope: Scope) -> int:
    settings = read_settings(resolve, given)
    # Here, where a signal still ends the program at once: whoever writes to standard input may never end.
    listed = read_lists(settings.in_use)
    return _plan_and_deliver(
        settings,
        settings.notes,
        lambda session: prepare_plan(
            session.connections,
            session.cache,
            settings,
            scope,
            scope.named("cleanup"),
            as_of=int(time.time()),
            listed=listed,
        ),
    )


def purge(given: Words, scope: Scope) -> int:
    refuse_lists_in_use(given)
    resolver = partial(
        resolve_direct,
        images_repo="needed" if scope.images else "welcome",
        table=IMAGES_PURGE_OPTIONS if scope.images else STAGES_PURGE_OPTIONS,
    )
    settings = read_settings(resolver, given)
    return _plan_and_deliver(
        settings,
        settings.notes,
        lambda session: prepare_purge(
            session.connections, session.cache, settings, scope, scope.named("purge"), as_of=int(time.time())
        ),
    )


def list_managed_images(given: Words) -> int:
    settings = read_settings(partial(resolve_direct, images_repo="unused", table=LS_OPTIONS), given)
    return _with_session(settings, lambda session: show_managed(session, settings, _reporter(settings)))


def add_managed_image(name: str, given: Words) -> int:
    settings = read_settings(partial(resolve_direct, images_repo="unused", table=ADD_OPTIONS), given)
    (image,) = _images([name])
    return _with_session(settings, lambda session: manage(session, settings, _reporter(settings), image))


def remove_managed_images(names: Sequence[str], given: Words) -> int:
    settings = read_settings(partial(resolve_direct, images_repo="unused", table=RM_OPTIONS), given)
    images = _images(names)
    return _plan_and_deliver(
        settings,
        settings.notes,
        lambda session: prepare_removal(
            session.connections,
            session.cache,
            settings.places,
            images,
            "managed-images rm",
            as_of=int(time.time()),
            folder=session.folder,
        ),
    )


def _images(names: Sequence[str]) -> tuple[ImageName, ...]:
    home = Given({}, os.environ).home
    return tuple(dict.fromkeys(image_name(GivenValue(name, "NAME"), home) for name in names))


def apply_file(file: Path, given: Words) -> int:
    settings = read_settings(partial(resolve_apply, command="apply"), given)
    listed = read_lists(settings.in_use)
    progress = _progress(settings)
    delivery = Delivery(settings.run, _reporter(settings))

    async def job() -> int:
        with _before_deletion():
            await anyio.to_thread.run_sync(delivery.check)
            plan, hashed = await anyio.to_thread.run_sync(
                partial(read_plan, file, settings.run.cache_dir, max_age=settings.max_age)
            )
        delivery.reporter.note(f"the plan {file} has the hash {hashed}")
        if settings.places.are_given and not settings.places.has(plan):
            raise another_project(file, plan)
        async with _session(settings, progress) as session:
            with _before_deletion():
                await check_reading(session.connections, plan, settings, listed, delivery.reporter.note)
            return await delivery.deliver(session, plan)

    return _main(job, progress)


def resume_run(run: str | None, given: Words) -> int:
    settings = read_settings(partial(resolve_apply, command="resume"), given)
    listed = read_lists(settings.in_use)
    progress = _progress(settings)
    delivery = Delivery(settings.run, _reporter(settings))

    async def job() -> int:
        async with _session(settings, progress) as session:
            runs = Runs(delivery, settings, listed)
            return await (runs.resume_last(session) if run is None else runs.resume(session, run))

    return _main(job, progress)


def undo_run(run: str, given: Words) -> int:
    settings = read_settings(partial(resolve_apply, command="undo"), given)
    progress = _progress(settings)

    async def job() -> int:
        async with _session(settings, progress) as session:
            return await undo(session, settings, _reporter(settings), run)

    return _main(job, progress, again="undo", left="The rest was not put back.")


def give_up_run(run: str, given: Words) -> int:
    settings = read_settings(resolve_journal, given)
    delivery = Delivery(settings.run, _reporter(settings))
    return _main(partial(Runs(delivery, settings).give_up, run))


def run_demo(given: Words) -> int:
    from holystone.demo.tour import tour

    configure_logs(LogSettings())
    # It would tell of each request that is none, and everybody on this machine may send them.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    return _main(lambda: tour(keep=given.get("keep") == "true"))


def _plan_and_deliver(
    settings: CleanupSettings | DirectSettings,
    notes: tuple[str, ...],
    prepare: Callable[[Session], Awaitable[Plan]],
) -> int:
    progress = _progress(settings)
    delivery = Delivery(settings.run, _reporter(settings), notes)

    async def job() -> int:
        with _before_deletion():
            await anyio.to_thread.run_sync(delivery.check)
        async with _session(settings, progress) as session:
            with _before_deletion(), progress.reading():
                plan = await prepare(session)
                await session.connections.settle()
            return await delivery.deliver(session, plan)

    return _main(job, progress)


def _with_session(settings: DirectSettings, act: Callable[[Session], Awaitable[int]]) -> int:

    async def job() -> int:
        async with open_session(settings.registry, settings.run, os.environ) as session:
            code = await act(session)
            await session.connections.settle()
            return code

    return _main(job)


@asynccontextmanager
async def _session(
    settings: CleanupSettings | DirectSettings | ApplySettings, progress: ProgressLines
) -> AsyncIterator[Session]:
    async with open_session(settings.registry, settings.run, os.environ) as session:
        progress.watch(session.connections.scheduler)
        yield session


def _reporter(settings: CleanupSettings | DirectSettings | ApplySettings) -> Reporter:
    kind = JsonReporter if settings.run.output == "json" else TextReporter
    level = settings.log.level
    return kind(quiet=level == "quiet", every_tag=level in ("verbose", "debug"), looks=settings.run.dry_run)


def _progress(settings: CleanupSettings | DirectSettings | ApplySettings) -> ProgressLines:
    return ProgressLines(quiet=settings.log.level == "quiet")


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
    """Runs the job in an event loop, and watches for signals. `again` is the command that goes on with a run after a
    signal, `left` what was not done by then."""
    try:
        beside, listeners = (progress.beat, (progress.heard,)) if progress else (None, ())
        with listening(*listeners):
            return anyio.run(until_signal, job, beside, backend_options={"use_uvloop": _has_uvloop()})
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
