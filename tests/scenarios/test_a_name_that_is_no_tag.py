"""A folder in a distribution's storage whose name no tag can have, as somebody's hand or a restored backup leaves it:
the server lists it, and while it is there goes on listing tags whose manifests are deleted."""

import shutil
from pathlib import Path

import pytest

from tests.support.docker_registry import PASSWORD, USER
from tests.support.holystone_process import Ended
from tests.support.registry_state import reader
from tests.support.scenes import Tiny, TinyScene
from tests.support.tiny_project import kept_tags

pytestmark = pytest.mark.slow
REPOSITORY = "shop/app/front"
ODD = "not a tag"


def wanted(scene: TinyScene) -> set[str]:
    return {str(each.tag) for each in kept_tags(scene.project) if str(each.repository) == REPOSITORY}


def doomed(scene: TinyScene) -> set[str]:
    return scene.tags(REPOSITORY) - wanted(scene) - {ODD}


async def served(scene: TinyScene) -> set[str]:
    async with reader(scene.registry.url, (USER, PASSWORD)) as read:
        return {tag for tag in scene.tags(REPOSITORY) - {ODD} if await read.resolve(REPOSITORY, tag)}


async def cleaned(scene: TinyScene, *options: str) -> Ended:
    return await scene.cli.run(*scene.cli.cleanup_arguments(*options))


def put(odd: Path, like: Path | None) -> None:
    if like:
        shutil.copytree(like, odd)
    else:
        odd.mkdir()


@pytest.mark.parametrize("of", ["nothing", "a wanted image", "a doomed image"])
async def test_the_run_ends_and_says_what_to_do(tiny: Tiny, of: str) -> None:
    async with tiny() as scene:
        folder, stay, go = scene.folder(REPOSITORY), wanted(scene), doomed(scene)
        assert len(stay) == 3
        assert len(go) == 2
        likes = {"a wanted image": min(stay), "a doomed image": min(go)}
        put(folder / ODD, folder / likes[of] if of in likes else None)

        seen = await cleaned(scene, "--dry-run")
        assert seen.code == 0, seen.err
        told = f"{REPOSITORY}: 1 listed name left alone, e.g. {ODD}: no tag can be called so."
        assert told in seen.out
        assert "Have it taken out of the registry's storage" in seen.out
        first = await cleaned(scene)
        assert first.code == 0, first.err
        assert told in first.out
        assert await served(scene) == stay, "the doomed are gone, whatever the list says"
        assert scene.tags(REPOSITORY) == stay | go | {ODD}, "which is what distribution 2.8 leaves then"

        again = await cleaned(scene)
        assert again.code == 0, again.err
        assert "There is nothing to delete." in again.out
        assert "2 broken tags left alone" in again.out
        assert await served(scene) == stay

        for name in (ODD, *go):  # the way out
            shutil.rmtree(folder / name)
        last = await cleaned(scene)
        assert last.code == 0, last.err
        assert "left alone" not in last.out
        assert await served(scene) == scene.tags(REPOSITORY) == stay


async def test_taken_out_beforehand_it_leaves_nothing_behind(tiny: Tiny) -> None:
    async with tiny() as scene:
        odd = scene.folder(REPOSITORY) / ODD
        odd.mkdir()
        assert "left alone" in (await cleaned(scene, "--dry-run")).out
        odd.rmdir()
        ran = await cleaned(scene)
        assert ran.code == 0, ran.err
        assert await served(scene) == scene.tags(REPOSITORY) == wanted(scene)
