"""A large project is cleaned by the command line, and exactly what werf's rules want is left, tag by tag and manifest
by manifest; see tests/support/expected_survivors.py for the rules."""

import os
import time
from functools import partial
from pathlib import Path

import pytest

from holystone.demo.project import build
from holystone.embedded.quirks import DISTRIBUTION_3, DISTRIBUTION_3_1, ZOT, Quirks
from holystone.embedded.server import EmbeddedRegistry
from holystone.engine.model.addresses import ImagesRepoMode
from tests.support.docker_registry import PASSWORD
from tests.support.holystone_process import Holystone
from tests.support.registry_state import reader, repositories_of
from tests.support.scenario_projects import tell_large
from tests.support.scenes import Scene, Scenes, compose

pytestmark = pytest.mark.slow


async def clean_twice(scene: Scene) -> None:
    done = await scene.cli.cleanup("--output=json")
    assert (done.code, done.document["ending"]) == (0, "done"), done
    expected = scene.expected(done.document["plan"]["as_of"])
    assert_is_worth_the_trouble(scene, expected.tags, expected.doomed_tags)
    await scene.assert_exactly(expected)

    again = await scene.cli.cleanup()
    assert again.code == 0, again
    assert "There is nothing to delete." in again.out
    assert PASSWORD not in done.out + done.err + again.out + again.err
    await scene.assert_exactly(expected)


def assert_is_worth_the_trouble(scene: Scene, kept: object, doomed: object) -> None:
    """Every kind of thing is kept here and deleted there, so that the comparison says something."""
    for tags in (kept, doomed):
        assert isinstance(tags, dict)
        for kind in (
            {(tag.repository, tag.tag) for tag in scene.project.tags},
            {(scene.project.stages_storage, stage.tag) for stage in scene.project.stages},
            {(scene.project.stages_storage, record.tag) for record in scene.project.metadata},
            {(extra.repository, extra.tag) for extra in scene.project.extras if extra.subject},
        ):
            assert any((repository, tag) in kind for repository in tags for tag in tags[repository])


@pytest.mark.parametrize(
    ("mode", "basic_auth"),
    [
        pytest.param("multirepo", True, id="multirepo-basic"),
        pytest.param("monorepo", False, id="monorepo-open", marks=pytest.mark.exhaustive),
    ],
)
async def test_exactly_the_expected_set_survives(scene: Scenes, mode: ImagesRepoMode, basic_auth: bool) -> None:
    async with scene("large", mode, basic_auth=basic_auth) as opened:
        await clean_twice(opened)


async def test_exactly_the_expected_set_survives_on_distribution_3(scene: Scenes) -> None:
    program = os.environ.get("HOLYSTONE_DISTRIBUTION_3")
    if not program:
        pytest.skip("HOLYSTONE_DISTRIBUTION_3 names no binary of distribution 3")
    async with scene("large", "monorepo", program=program) as opened:
        await clean_twice(opened)


@pytest.mark.parametrize(
    "quirks",
    [
        pytest.param(DISTRIBUTION_3, id="distribution-3.0", marks=pytest.mark.exhaustive),
        pytest.param(DISTRIBUTION_3_1, id="distribution-3.1"),
        pytest.param(ZOT, id="zot"),
    ],
)
async def test_exactly_the_expected_set_survives_where_tags_can_be_deleted(tmp_path: Path, quirks: Quirks) -> None:
    async with EmbeddedRegistry(quirks=quirks) as registry, reader(registry.url) as read:
        composer = compose(tmp_path / "clone", registry.host, "monorepo", int(time.time()))
        project = await build(composer, registry.url, partial(tell_large, fallback=not quirks.referrers_api))
        before = await read.tags(repositories_of(project))
        scene = Scene(project, before, read, Holystone(tmp_path, registry.host, project), registry.host)
        await clean_twice(scene)

        # What is known by digest is not fetched again.
        registry.recording.clear()
        assert (await scene.cli.cleanup()).code == 0
        questions = [each for each in registry.recording.requests if "/manifests/holystone-probe-" in each.path]
        assert registry.counts["GET manifest"] == sum(each.method == "GET" for each in questions)
        assert not registry.counts["GET blob"]
