"""A project is purged on a real registry: exactly what is its own goes, whatever else is in the same repositories."""

from pathlib import Path

import pytest

from holystone.demo.composer import Composer
from holystone.demo.git_story import GitStory
from holystone.demo.project import build
from holystone.demo.published import PublishedProject
from holystone.demo.stages import Content
from holystone.engine.model.addresses import ImagesRepoMode
from holystone.engine.model.references import Digest, RepositoryPath, Tag
from tests.support.expected_survivors import Survivors, expected_after_purge
from tests.support.registry_state import assert_exactly, repositories_of, revisions
from tests.support.scenes import Scene, Scenes

pytestmark = pytest.mark.slow


async def neighbour(scene: Scene, folder: Path) -> PublishedProject:
    """Another project in the same images repo: one image of its own, and one that is called as one of ours."""

    def tell(story: GitStory, composer: Composer) -> None:
        for number in range(3):
            at = composer.now - (40 - number) * 86_400
            commit = story.commit("master", f"Change {number}", at=at, files={"VERSION": f"{number}\n"})
            for image in ("bread", "front"):
                composer.publish(image, commit, Content(code=9_000 + number), at=at)

    composer = Composer(
        "bakery",
        folder,
        host=scene.host,
        now=scene.project.now,
        mode=scene.project.mode,
        images_repo=str(scene.project.images_repo),
        stages_storage="bakery/stages",
    )
    return await build(composer, f"http://{scene.host}", tell)


async def everything(scene: Scene, *projects: PublishedProject) -> dict[RepositoryPath, dict[Tag, Digest]]:
    return await scene.read.tags({each for project in projects for each in repositories_of(project)})


def purge(scene: Scene, *options: str, only: str = "") -> tuple[str, ...]:
    arguments = scene.cli.cleanup_arguments(*options, only=only)
    return tuple("purge" if word == "cleanup" else word for word in arguments)


async def assert_left(scene: Scene, expected: Survivors) -> None:
    """Also what nobody knows of, such as a forgotten tombstone."""
    await assert_exactly(scene.read, expected)
    assert scene.storage
    found = {repository: revisions(scene.storage, repository) for repository in expected.manifests}
    assert found == expected.manifests


@pytest.mark.parametrize("mode", ["monorepo", pytest.param("multirepo", marks=pytest.mark.exhaustive)])
async def test_exactly_what_is_not_the_projects_survives(scene: Scenes, tmp_path: Path, mode: ImagesRepoMode) -> None:
    async with scene("middling", mode) as opened:
        other = await neighbour(opened, tmp_path / "bakery")
        before = await everything(opened, opened.project, other)
        expected = expected_after_purge(opened.project, before)
        assert {tag.tag for tag in other.tags} <= {tag for tags in expected.tags.values() for tag in tags}
        assert any(
            digest in expected.manifests[repository]
            for repository, tags in expected.doomed_tags.items()
            for digest in tags.values()
        ) == (mode == "monorepo"), "a kept tag shares a doomed one's manifest"

        unconfirmed = await opened.cli.run(*purge(opened))
        assert (unconfirmed.code, await everything(opened, opened.project, other)) == (3, before)

        done = await opened.cli.run(*purge(opened, "--yes", "--output=json"))
        assert (done.code, done.document["ending"]) == (0, "done"), done
        await assert_left(opened, expected)

        undone = await opened.cli.run("undo", done.document["run"])
        assert undone.code == 0, undone
        assert await everything(opened, opened.project, other) == before


async def test_one_half_after_the_other(scene: Scenes) -> None:
    async with scene("middling", "monorepo") as opened:
        first = await opened.cli.run(*purge(opened, "--yes", only="images"))
        assert first.code == 0, first
        await assert_left(opened, expected_after_purge(opened.project, opened.before, stages=False))
        second = await opened.cli.run(*purge(opened, "--yes", only="stages"))
        assert second.code == 0, second
        await assert_left(opened, expected_after_purge(opened.project, opened.before))
        nothing = await opened.cli.run(*purge(opened))
        assert (nothing.code, "There is nothing to delete." in nothing.out) == (0, True)


async def test_stages_first(scene: Scenes) -> None:
    async with scene("middling", "multirepo") as opened:
        done = await opened.cli.run(*purge(opened, "--yes", only="stages"))
        assert done.code == 0, done
        assert f"{len(opened.project.tags)} image tags built on stages that go will stay" in done.out
        await assert_left(opened, expected_after_purge(opened.project, opened.before, images=False))


async def test_managed_images(scene: Scenes) -> None:
    """werf's records are equal images here, so that one digest has several tags."""
    async with scene("middling", "monorepo") as opened:
        storage = opened.project.stages_storage
        place = f"--stages-storage={opened.host}/{storage}"

        async def managed(verb: str, *names: str) -> str:
            done = await opened.cli.run("managed-images", verb, *names, place)
            assert done.code == 0, done
            return done.out

        assert (await managed("ls")).splitlines() == ["front", "frontend"]
        await managed("add", "~")
        await managed("add", "team/new+one")
        assert (await managed("ls")).splitlines() == ["~", "front", "frontend", "team/new+one"]
        assert "already" in await managed("add", "front")
        await managed("rm", "~", "team/new+one", "front")
        gone = {"managed-image-front"}
        now = (await opened.read.tags([storage]))[storage]
        assert now == {tag: digest for tag, digest in opened.before[storage].items() if tag not in gone}
        assert opened.storage
        assert revisions(opened.storage, storage) == set(opened.before[storage].values())
