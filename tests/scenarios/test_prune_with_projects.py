"""A project and a repository of a policy, cleaned in one run of `prune` on a real registry: what is planned, carried
out over two nights, and taken back."""

from pathlib import Path

import pytest

from holystone.demo.publisher import Publisher
from holystone.engine.model.addresses import ImagesRepoMode
from holystone.engine.model.plan import Plan
from holystone.engine.model.references import RepositoryPath
from holystone.workflows.plan_file import read_plan
from tests.support.registry_state import repositories_of
from tests.support.scenes import Scene, Scenes, compose

pytestmark = pytest.mark.slow

DAY = 86_400
APPS = RepositoryPath("apps/web")
FILE = """\
format: 1
in-use: {{kubernetes: none}}
policies:
  - {{name: apps, repositories: "{host}/apps/**", keep: [{{newest: 2}}]}}
projects:
  - directory: {directory}
    images-repo: {host}/shop/app
    stages-storage: {host}/shop/stages
    images-repo-mode: {mode}
"""


async def prepared(scene: Scene, folder: Path) -> str:
    """The file; a policy's repository is there as well."""
    beside = compose(folder / "beside", scene.host, "multirepo", scene.project.now)
    for number in range(1, 6):
        beside.foreign(APPS, f"v{number}", at=scene.project.now - (10 - number) * DAY)
    async with Publisher(f"http://{scene.host}") as publisher:
        await publisher.push_all(beside.pushes)
    file = folder / "holystone.yaml"
    file.write_text(FILE.format(host=scene.host, directory=scene.project.path, mode=scene.project.mode))
    return str(file)


def read(file: Path) -> Plan:
    return read_plan(file, file.parent, max_age=3600)[0]


@pytest.mark.parametrize("mode", ["multirepo", pytest.param("monorepo", marks=pytest.mark.exhaustive)])
async def test_a_night_of_all(scene: Scenes, tmp_path: Path, mode: ImagesRepoMode) -> None:
    async with scene("middling", mode) as opened:
        file = await prepared(opened, tmp_path)
        alone, whole = tmp_path / "alone.json", tmp_path / "whole.json"
        assert (await opened.cli.cleanup("--plan-out", str(alone))).code == 0
        planned = await opened.cli.run("prune", "--config", file, "--plan-out", str(whole))
        assert planned.code == 0, planned
        plan = read(whole)
        assert [each.passes for each in plan.repositories if each.repository.path != APPS] == [
            each.passes for each in read(alone).repositories
        ]

        first = await opened.cli.run("apply", str(whole), "--request-budget=20")
        assert first.code == 4, first
        second = await opened.cli.run("resume")
        assert second.code == 0, second
        await opened.assert_exactly(opened.expected(plan.as_of))
        assert sorted((await opened.read.tags([APPS]))[APPS]) == ["v4", "v5"]

        again = await opened.cli.run("prune", "--config", file)
        assert again.code == 0, again
        assert "There is nothing to delete." in again.out
        (run,) = (await opened.cli.run("runs", "--output=json")).document["runs"]
        assert run["command"] == "prune"
        undone = await opened.cli.run("undo", run["id"])
        assert undone.code == 0, undone
        assert await opened.read.tags(repositories_of(opened.project)) == opened.before
        assert len((await opened.read.tags([APPS]))[APPS]) == 5
