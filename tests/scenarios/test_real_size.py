"""A project of the size that years of work make is cleaned by one command on the real docker-registry, exactly what
werf's rules want is left, and the report can be checked by a person: `make realsize`.

It takes minutes, nearly all of them the registry's: for every manifest that is deleted, distribution 2.8 reads where
each tag that is left in the repository points."""

import datetime as dt
import re
import time
from collections.abc import Iterator
from pathlib import Path

import anyio.to_thread
import pytest

from holystone.demo.git_story import GitStory
from holystone.demo.published import PublishedProject
from holystone.engine.model.references import RepositoryPath
from tests.support.distribution_storage import write
from tests.support.docker_registry import DockerRegistry, docker_registry
from tests.support.expected_survivors import Survivors, Tags, expected_survivors
from tests.support.holystone_process import Holystone
from tests.support.real_size import BRANCHES, COMMITS, IMAGES, POLICIES, RELEASES, tell_real_size
from tests.support.registry_state import reader, repositories_of
from tests.support.scenes import Scene, compose

pytestmark = pytest.mark.real_size


async def publish(folder: Path, registry: DockerRegistry, now: int) -> PublishedProject:
    def build() -> PublishedProject:
        composer = compose(folder / "clone", registry.host, "multirepo", now)
        story = GitStory(composer.path)
        tell_real_size(story, composer, seed=3)
        write(registry.storage, composer.pushes)
        assert len(story.branches()) == BRANCHES
        return composer.described()

    return await anyio.to_thread.run_sync(build)


async def test_a_project_of_real_size_is_cleaned_by_one_command(tmp_path: Path) -> None:
    async with docker_registry(tmp_path / "registry") as registry, reader(registry.url) as read:
        project = await publish(tmp_path, registry, int(time.time()))
        assert_is_of_real_size(project)
        before = await read.tags(repositories_of(project))
        scene = Scene(
            project, before, read, Holystone(tmp_path, registry.host, project), registry.host, registry.storage
        )

        planned = await scene.cli.cleanup("--dry-run")
        assert planned.code == 0, planned
        assert_adds_up(planned.out, survivors(scene, planned.out))
        assert_every_tag_is_told(planned.out, before)

        done = await scene.cli.cleanup()
        assert done.code == 0, done
        expected = survivors(scene, done.out)
        await scene.assert_exactly(expected)
        assert_adds_up(done.out, expected)
        assert len(done.out.splitlines()) < 150, "too long to be read"
        assert len(done.err.splitlines()) < 60, "too long for a mail of cron"
        assert "holystone: reading, " in planned.err
        assert "steps are done, the last one in" in done.err
        assert "There is nothing to delete." in (await scene.cli.cleanup()).out


def survivors(scene: Scene, told: str) -> Survivors:
    """By werf's rules at the moment that the report names: meanwhile stages have grown too old for the grace."""
    moment = re.search(r"ages judged as of (.*) UTC$", told, re.MULTILINE)
    assert moment
    as_of = dt.datetime.fromisoformat(f"{moment[1]}+00:00").timestamp()
    return expected_survivors(scene.project, scene.before, int(as_of), policies=POLICIES)


def assert_is_of_real_size(project: PublishedProject) -> None:
    assert len(project.images) == len(IMAGES) == 10
    assert len(project.tags) >= 4_000
    assert len(project.stages) + len(project.metadata) >= 8_000
    assert (BRANCHES, RELEASES, COMMITS) == (60, 200, 3_000)


def blocks(told: str) -> Iterator[tuple[RepositoryPath, list[str]]]:
    """Of the text, by repository."""
    for block in told.split("\n\n"):
        head, *lines = block.splitlines()
        if found := re.match(r"127\.0\.0\.1:\d+/(\S+): .* stay, ", head):
            yield RepositoryPath(found[1]), [head, *lines]


def assert_adds_up(told: str, expected: Survivors) -> None:
    """The head of each repository is true, and the lines below add up to it."""
    found = {}
    for repository, (head, *lines) in blocks(told):
        by_reason = [re.match(r" +([\d,]+) (stay|go) ", line) for line in lines]
        sums = {word: sum(number(each[1]) for each in by_reason if each and each[2] == word) for word in ("stay", "go")}
        assert f": {sums['stay']:,} tags stay, {sums['go']:,} go" in head
        found[repository] = tuple(sums.values())
    assert found == {
        repository: (len(expected.tags[repository]), len(expected.doomed_tags[repository]))
        for repository in expected.tags
    }


def assert_every_tag_is_told(told: str, before: Tags) -> None:
    for repository, lines in blocks(told):
        named = [line.split()[1] for line in lines if re.match(r"  (stay|go  )  (?!untagged )", line)]
        assert sorted(named) == sorted(before[repository])


def number(text: str) -> int:
    return int(text.replace(",", ""))
