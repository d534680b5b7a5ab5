"""Runs a command: settings in, exit code out. Loaded only when a command really runs."""

import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import anyio

from holystone.api.client import Client
from holystone.cli.delivery import Delivery
from holystone.cli.logs import configure_logs
from holystone.cli.managed_images import add_managed, show_managed
from holystone.cli.reading import Words, read_settings
from holystone.cli.runs import Runs
from holystone.cli.signals import Interrupted, InterruptedMidway, until_signal
from holystone.engine.errors import NOTHING_DELETED, HolystoneError, Refused, UsageError
from holystone.engine.events import listening
from holystone.engine.model.in_use import UsedImage
from holystone.engine.model.plan import Plan
from holystone.engine.model.references import ImageName
from holystone.settings.given import Given, GivenValue
from holystone.settings.in_use_lists import read_lists
from holystone.settings.prune import PruneSettings
from holystone.settings.resolve import (
    image_name,
    refuse_lists_in_use,
    resolve,
    resolve_direct,
    resolve_give_up,
)
from holystone.settings.run import LogSettings
from holystone.settings.tables import ADD_OPTIONS, IMAGES_PURGE_OPTIONS, LS_OPTIONS, RM_OPTIONS, STAGES_PURGE_OPTIONS
from holystone.settings.values import ApplySettings, CleanupSettings, DirectSettings
from holystone.settings.with_policies import resolve_with_policies
from holystone.ui.progress import ProgressLines
from holystone.ui.reporter import JsonReporter, Reporter, TextReporter
from holystone.workflows.plan_file import read_plan

T = TypeVar("T")
_Settings = CleanupSettings | DirectSettings | PruneSettings | ApplySettings


def clean(given: Words, *, images: bool, stages: bool) -> int:
    settings = read_settings(resolve, given)
    # Here, where a signal still ends the program at once: whoever writes to standard input may never end.
    listed = read_lists(settings.in_use)
    return plan_and_deliver(settings, lambda client: client.plan(images=images, stages=stages), listed)


def purge(given: Words, *, images: bool, stages: bool) -> int:
    refuse_lists_in_use(given)
    resolver = partial(
        resolve_direct,
        images_repo="needed" if images else "welcome",
        table=IMAGES_PURGE_OPTIONS if images else STAGES_PURGE_OPTIONS,
    )
    settings = read_settings(resolver, given)
    return plan_and_deliver(settings, lambda client: client.plan_purge(images=images, stages=stages))


def list_managed_images(given: Words) -> int:
    settings = read_settings(partial(resolve_direct, images_repo="unused", table=LS_OPTIONS), given)
    return _with_session(settings, lambda client: show_managed(client, settings, _reporter(settings)))


def add_managed_image(name: str, given: Words) -> int:
    settings = read_settings(partial(resolve_direct, images_repo="unused", table=ADD_OPTIONS), given)
    (image,) = _images([name])
    return _with_session(settings, lambda client: add_managed(client, settings, _reporter(settings), image))


def remove_managed_images(names: Sequence[str], given: Words) -> int:
    settings = read_settings(partial(resolve_direct, images_repo="unused", table=RM_OPTIONS), given)
    images = _images(names)
    return plan_and_deliver(settings, lambda client: client.plan_removal(images))


def _images(names: Sequence[str]) -> tuple[ImageName, ...]:
    home = Given({}, os.environ).home
    return tuple(dict.fromkeys(image_name(GivenValue(name, "NAME"), home) for name in names))


def apply_file(file: Path, given: Words) -> int:
    settings = read_settings(partial(resolve_with_policies, command="apply"), given)
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
            raise _another_project(file, plan)
        async with _opened(settings, progress, listed) as client:
            delivery.note(client.logins_not_given(plan))
            with _before_deletion():
                delivery.note(await client.check(plan))
            return await delivery.deliver(client, plan)

    return _main(job, progress)


def _another_project(file: Path, plan: Plan) -> Refused:
    at = ", ".join(str(each.repository) for each in plan.repositories[:3])
    return Refused(
        f"The plan {file} is about another project than --images-repo and --stages-storage, or their variables: it is "
        f"about {at}{', …' if len(plan.repositories) > 3 else ''}.",
        not_deleted=NOTHING_DELETED,
        what_to_do="Take the right plan, or leave the addresses out: the plan has its own.",
    )


def resume_run(run: str | None, given: Words) -> int:
    settings = read_settings(partial(resolve_with_policies, command="resume"), given)
    listed = read_lists(settings.in_use)
    progress = _progress(settings)

    async def job() -> int:
        async with _opened(settings, progress, listed) as client:
            runs = _runs(client, settings)
            return await (runs.resume_last() if run is None else runs.resume(run))

    return _main(job, progress)


def undo_run(run: str, named: Sequence[str], given: Words) -> int:
    settings = read_settings(partial(resolve_with_policies, command="undo"), given)
    progress = _progress(settings)

    async def job() -> int:
        async with _opened(settings, progress) as client:
            return await _runs(client, settings).undo(run, named)

    return _main(job, progress, again="undo", left="The rest was not put back.")


def give_up_run(run: str, given: Words) -> int:
    settings = read_settings(resolve_give_up, given)
    return _main(partial(_runs(Client(settings, os.environ), settings).give_up, run))


def _runs(client: Client, settings: ApplySettings) -> Runs:
    return Runs(client, Delivery(settings.run, _reporter(settings)), settings)


def run_demo(given: Words) -> int:
    from holystone.demo.tour import tour

    configure_logs(LogSettings())
    # It would tell of each request that is none, and everybody on this machine may send them.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    return _main(lambda: tour(keep=given.get("keep") == "true"))


def plan_and_deliver(
    settings: CleanupSettings | DirectSettings | PruneSettings,
    prepare: Callable[[Client], Awaitable[Plan]],
    listed: tuple[UsedImage, ...] = (),
) -> int:
    progress = _progress(settings)
    file = settings.file if isinstance(settings, PruneSettings) else None
    delivery = Delivery(settings.run, _reporter(settings), settings.notes, file)

    async def job() -> int:
        with _before_deletion():
            await anyio.to_thread.run_sync(delivery.check)
        async with _opened(settings, progress, listed) as client:
            with _before_deletion(), progress.reading():
                plan = await prepare(client)
            return await delivery.deliver(client, plan)

    return _main(job, progress)


def look_and_tell(
    settings: PruneSettings,
    look: Callable[[Client], Awaitable[T]],
    tell: Callable[[T], int],
    listed: tuple[UsedImage, ...] = (),
) -> int:
    """Runs what deletes nothing, and tells of it."""
    progress = _progress(settings)

    async def job() -> int:
        async with _opened(settings, progress, listed) as client:
            with _before_deletion(), progress.reading():
                found = await look(client)
            return tell(found)

    return _main(job, progress)


def _with_session(settings: DirectSettings, act: Callable[[Client], Awaitable[int]]) -> int:

    async def job() -> int:
        async with Client(settings, os.environ) as client:
            return await act(client)

    return _main(job)


@asynccontextmanager
async def _opened(
    settings: _Settings, progress: ProgressLines, listed: tuple[UsedImage, ...] = ()
) -> AsyncIterator[Client]:
    async with Client(settings, os.environ, listed=listed) as client:
        progress.watch(client.scheduler)
        yield client


def _reporter(settings: _Settings) -> Reporter:
    kind = JsonReporter if settings.run.output == "json" else TextReporter
    level = settings.log.level
    return kind(quiet=level == "quiet", every_tag=level in ("verbose", "debug"), looks=settings.run.dry_run)


def _progress(settings: _Settings) -> ProgressLines:
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
