"""On a real registry a run is undone as if it had never been, and what garbage collection took is named."""

import signal
from pathlib import Path

import anyio
import anyio.abc
import pytest

from holystone.engine.model.references import Digest, RepositoryPath, Tag
from tests.support.holystone_process import Ended, finished
from tests.support.programs import require
from tests.support.registry_state import revisions
from tests.support.scenes import Scene, Scenes

pytestmark = pytest.mark.slow


async def clean(scene: Scene) -> str:
    """The run's id."""
    done = await scene.cli.cleanup("--output=json")
    assert done.code == 0, done
    return str(done.document["run"])


def manifests(scene: Scene) -> dict[RepositoryPath, frozenset[Digest]]:
    assert scene.storage
    return {repository: revisions(scene.storage, repository) for repository in scene.before}


async def assert_as_before(scene: Scene, before: dict[RepositoryPath, frozenset[Digest]]) -> None:
    assert await scene.read.tags(scene.before) == scene.before
    assert manifests(scene) == before
    assert await scene.read.there(before) == before  # each can be read


async def test_a_cleanup_is_undone(scene: Scenes) -> None:
    skopeo = require("skopeo")
    async with scene("middling", "multirepo") as opened:
        before = manifests(opened)
        run = await clean(opened)
        assert manifests(opened) != before
        undone = await opened.cli.run("undo", run)
        assert undone.code == 0, undone
        await assert_as_before(opened, before)

        expected = opened.expected()
        repository = opened.project.tags[0].repository
        tag = min(expected.doomed_tags[repository])
        name = f"docker://{opened.host}/{repository}:{tag}"
        said = await anyio.run_process((skopeo, "inspect", "--tls-verify=false", "--format={{.Digest}}", name))
        assert said.stdout.decode().strip() == opened.before[repository][tag]

        again = await opened.cli.run("undo", run)
        assert (again.code, "all that it took away is there" in again.out) == (0, True)
        await assert_as_before(opened, before)


@pytest.mark.parametrize("share", [0.4, pytest.param(0.8, marks=pytest.mark.exhaustive)])
async def test_a_run_that_was_killed_is_undone(scene: Scenes, share: float) -> None:
    """In the middle of the tombstones or of the manifests."""
    async with scene("middling", "monorepo") as opened:
        before = manifests(opened)
        storage = opened.project.stages_storage
        doomed = sorted(opened.expected().doomed_tags[storage].items())
        tag, digest = doomed[int(len(doomed) * share)]
        ended: list[Ended] = []

        async def collect(process: anyio.abc.Process) -> None:
            ended.append(await finished(process))

        arguments = opened.cli.cleanup_arguments("--parallel=false")
        async with await opened.cli.start(*arguments) as process, anyio.create_task_group() as group:
            group.start_soon(collect, process)
            with anyio.fail_after(60):
                while await opened.read.resolve(storage, tag) == digest:  # noqa: ASYNC110 - it is on a server
                    await anyio.sleep(0.002)
            process.send_signal(signal.SIGKILL)
        assert ended[0].code == -signal.SIGKILL
        _, line = (await opened.cli.run("runs")).out.splitlines()
        undone = await opened.cli.run("undo", line.split()[0])
        assert undone.code == 0, undone
        await assert_as_before(opened, before)
        assert "No run is left unfinished" in (await opened.cli.run("resume")).err


async def test_what_garbage_collection_took_is_named(scene: Scenes, tmp_path: Path) -> None:
    program = require("docker-registry")
    async with scene("middling", "multirepo") as opened:
        before = manifests(opened)
        run = await clean(opened)
        left = manifests(opened)
        collected = await anyio.run_process(
            (program, "garbage-collect", str(tmp_path / "registry" / "config.yml")), check=False
        )
        assert collected.returncode == 0, collected.stderr
        undone = await opened.cli.run("undo", run, "--output=json")
        assert (undone.code, undone.document["ending"]) == (4, "partial"), undone.err

        now = await opened.read.tags(opened.before)
        gone = {
            (repository, tag, digest)
            for repository, tags in opened.before.items()
            for tag, digest in tags.items()
            if now[repository].get(tag) != digest
        }
        assert named(undone, Tag) == gone
        there = manifests(opened)
        assert {(repository, digest) for repository, _, digest in named(undone, None)} == {
            (repository, digest) for repository in before for digest in before[repository] - there[repository]
        }
        back = {(repository, tag) for repository in now for tag in now[repository]} - {
            (repository, tag) for repository, tags in opened.expected().tags.items() for tag in tags
        }
        assert back, "tags of manifests that had stayed come back"
        assert all(left[repository] <= there[repository] <= before[repository] for repository in before)

        told = await opened.cli.run("undo", run)
        assert told.code == 4
        for _, tag, digest in gone:
            assert f"  {tag} ({digest}): cannot come back, the registry has not kept what it needs" in told.out


def named(undone: Ended, kind: type[Tag] | None) -> set[tuple[str, str | None, str]]:
    """The tags, or the manifests, that are told to be gone."""
    return {
        (repository["repository"]["path"], each["tag"], each["digest"])
        for repository in undone.document["undone"]
        for each in repository["not_back"]
        if each["outcome"]["type"] == "blobs-gone" and (each["tag"] is not None) == (kind is Tag)
    }
