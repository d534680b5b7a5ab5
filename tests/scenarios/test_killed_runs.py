"""A run that is killed at any moment is finished by `holystone resume`, and ends as if nothing had happened."""

import random
import signal
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

import anyio
import anyio.abc
import pytest

from holystone.engine.model.references import Digest, RepositoryPath, Tag
from tests.support.expected_survivors import Survivors
from tests.support.holystone_process import Ended, finished
from tests.support.scenes import Scene, Scenes

pytestmark = pytest.mark.slow

Moment: TypeAlias = Callable[[], Awaitable[bool]]
"""Whether it has come."""
Chosen: TypeAlias = Callable[[Scene, Survivors, int], Awaitable[Moment]]
ONE_AT_A_TIME = "--parallel=false"  # so that a run is long enough to be hit in its middle


async def a_tag_has_moved(scene: Scene, expected: Survivors, seed: int) -> Moment:
    """Some doomed tag that shares its manifest with a kept one is on the tombstone, or gone."""
    storage = scene.project.stages_storage
    kept = set(expected.tags[storage].values())
    shared = sorted(tag for tag, digest in expected.doomed_tags[storage].items() if digest in kept)
    tag = random.Random(seed).choice(shared)

    async def moment() -> bool:
        return await scene.read.resolve(storage, tag) != scene.before[storage][tag]

    return moment


async def a_manifest_has_gone(scene: Scene, expected: Survivors, seed: int) -> Moment:
    """Some doomed one that is there now."""
    there = await scene.read.there(expected.doomed_manifests)
    doomed = sorted((repository, digest) for repository in there for digest in there[repository])
    repository, digest = random.Random(seed).choice(doomed)

    async def moment() -> bool:
        return await scene.read.resolve(repository, digest) is None

    return moment


async def stopped(scene: Scene, how: signal.Signals, moment: Moment, *arguments: str) -> Ended:
    """A command that gets the signal at the moment, if it does not end before."""
    ended: list[Ended] = []

    async def collect(process: anyio.abc.Process, watching: anyio.CancelScope) -> None:
        ended.append(await finished(process))
        watching.cancel()

    async with await scene.cli.start(*arguments, ONE_AT_A_TIME) as process, anyio.create_task_group() as group:
        with anyio.CancelScope() as watching:
            group.start_soon(collect, process, watching)
            while not await moment():  # noqa: ASYNC110 - what is waited for is on a server
                await anyio.sleep(0.002)
            process.send_signal(how)
    return ended[0]


def tombstones(scene: Scene, now: Mapping[RepositoryPath, Mapping[Tag, Digest]]) -> set[Digest]:
    """Where tags of the stages storage point that point to nothing of the project."""
    storage = scene.project.stages_storage
    return set(now[storage].values()) - set(scene.before[storage].values())


async def assert_resumes(scene: Scene, expected: Survivors) -> None:
    """`expected` is also where an undisturbed run arrives; see the other scenarios."""
    resumed = await scene.cli.run("resume")
    assert resumed.code == 0, resumed
    assert f"All {sum(map(len, expected.tags.values()))} tags that were to stay are still there." in resumed.out
    await scene.assert_exactly(expected)

    idle = await scene.cli.run("resume")
    assert idle.code == 0
    assert "No run is left unfinished" in idle.err
    await scene.assert_exactly(expected)


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("moment_of", [a_tag_has_moved, a_manifest_has_gone])
async def test_a_killed_run_is_resumed(scene: Scenes, moment_of: Chosen, seed: int) -> None:
    async with scene("middling", "monorepo") as opened:
        expected = opened.expected()
        moment = await moment_of(opened, expected, seed)
        killed = await stopped(opened, signal.SIGKILL, moment, *opened.cli.cleanup_arguments())
        assert killed.code == -signal.SIGKILL, killed
        if moment_of is a_tag_has_moved:
            assert len(tombstones(opened, await opened.read.tags(expected.tags))) == 1
        await assert_resumes(opened, expected)


async def test_what_resumes_a_run_may_be_killed_too(scene: Scenes) -> None:
    async with scene("middling", "multirepo") as opened:
        expected = opened.expected()
        moment = await a_tag_has_moved(opened, expected, 3)
        killed = await stopped(opened, signal.SIGKILL, moment, *opened.cli.cleanup_arguments())
        assert killed.code == -signal.SIGKILL, killed
        moment = await a_manifest_has_gone(opened, expected, 4)
        killed = await stopped(opened, signal.SIGKILL, moment, "resume")
        assert killed.code == -signal.SIGKILL, killed
        await assert_resumes(opened, expected)


async def test_an_interrupted_run_says_how_to_go_on(scene: Scenes) -> None:
    async with scene("middling", "multirepo") as opened:
        expected = opened.expected()
        moment = await a_manifest_has_gone(opened, expected, 7)
        ended = await stopped(opened, signal.SIGINT, moment, *opened.cli.cleanup_arguments())
        assert ended.code == 4, ended
        assert "Interrupted by SIGINT." in ended.err
        assert "`holystone resume " in ended.err
        assert "Traceback" not in ended.err
        await assert_resumes(opened, expected)
