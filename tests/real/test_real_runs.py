"""Whole runs by the command line on every real server: cleaned, cleaned again, killed and resumed, undone, disturbed,
and pulled after garbage was collected."""

import signal
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import anyio
import anyio.abc
import anyio.to_thread
import pytest

from holystone.engine.model.references import Digest, RepositoryPath, Tag
from tests.real.processes import Running, scratch
from tests.real.runs import Scene, run_of, scene
from tests.real.servers import Server
from tests.support.holystone_process import Ended, finished

pytestmark = pytest.mark.real


@pytest.fixture
async def opened(server: Server, running: Running, tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(server, running, tmp_path, int(time.time())) as made:
        yield made


async def clean(opened: Scene, *options: str) -> Ended:
    done = await opened.cli.cleanup("--output=json", *options)
    assert done.code == 0, done
    return done


async def test_cleaned_and_a_second_run_plans_nothing(opened: Scene) -> None:
    done = await clean(opened)
    await opened.assert_cleaned(done.document)
    again = await clean(opened)
    assert again.document["ending"] == "nothing-to-do", again.out


async def test_a_killed_run_is_resumed(opened: Scene) -> None:
    planned = await clean(opened, "--dry-run")
    path, tag, digest = a_doomed_tag(opened, planned)
    ended: list[Ended] = []

    async def collect(process: anyio.abc.Process) -> None:
        ended.append(await finished(process))

    arguments = opened.cli.cleanup_arguments("--parallel=false")
    async with await opened.cli.start(*arguments) as process, anyio.create_task_group() as group:
        group.start_soon(collect, process)
        with anyio.move_on_after(300):
            while process.returncode is None and await opened.read.resolve(path, tag) == digest:  # noqa: ASYNC110
                await anyio.sleep(0.005)
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
    assert ended[0].code == -signal.SIGKILL, ended
    resumed = await opened.cli.run("resume", *opened.cli.places, "--output=json")
    assert resumed.code == 0, resumed
    await opened.assert_cleaned(planned.document)
    assert "is left unfinished" in (await opened.cli.run("resume", *opened.cli.places)).err


async def test_a_run_is_undone(opened: Scene, tmp_path: Path) -> None:
    manifests = await opened.manifests()
    possible = await opened.can_be_undone(tmp_path)
    done = await clean(opened)
    undone = await opened.cli.run("undo", run_of(done), *opened.cli.places)
    if not possible:
        assert undone.code == 4, undone
        await opened.assert_whole()
        return
    assert undone.code == 0, undone
    await opened.assert_as_before(manifests)


async def test_a_tag_that_moved_after_the_plan_stays(opened: Scene, tmp_path: Path) -> None:
    """All that the project publishes is written once: one that is elsewhere ends the run, and the next plan is new."""
    plan = tmp_path / "plan.json"
    planned = await clean(opened, "--plan-out", str(plan))
    path, tag, _ = a_doomed_tag(opened, planned)
    kept = min(opened.expected.tags[path].items())[1]
    await opened.read.move(path, tag, kept)
    applied = await opened.cli.run("apply", str(plan), *opened.cli.places)
    assert applied.code == 4, applied
    assert f"{tag} is written once, and points to" in applied.err
    assert await opened.read.resolve(path, tag) == kept
    done = await clean(opened)
    await opened.assert_cleaned(done.document, moved={tag: kept})


@pytest.mark.slow
async def test_what_stays_is_whole_after_garbage_collection(server: Server, tmp_path: Path) -> None:
    with scratch() as folder, server.running(folder, collecting=True) as running:
        if running.collect is None:
            pytest.skip("nothing here makes its garbage collection run")
        async with scene(server, running, tmp_path, int(time.time())) as opened:
            done = await clean(opened)
            await anyio.to_thread.run_sync(running.collect, opened.tags)
            await opened.assert_cleaned(done.document)
            await opened.assert_pulled()


def a_doomed_tag(opened: Scene, planned: Ended) -> tuple[RepositoryPath, Tag, Digest]:
    """Of the stages storage, that the plan removes."""
    path = opened.project.stages_storage
    (mine,) = (each for each in planned.document["plan"]["repositories"] if each["repository"]["path"] == path)
    kept = {each["tag"] for each in mine["kept"]}
    doomed = sorted((tag, digest) for tag, digest in opened.expected.doomed_tags[path].items() if tag not in kept)
    tag, digest = doomed[len(doomed) // 3]
    return path, tag, digest
