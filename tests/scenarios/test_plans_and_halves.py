"""Dry runs and plan files change nothing, a plan file is executed as it is, and two halves make a whole."""

import random
from pathlib import Path

import pytest

from holystone.engine.model.references import Digest, RepositoryPath, Tag
from tests.support.expected_survivors import Survivors
from tests.support.scenes import Scene, Scenes

pytestmark = pytest.mark.slow


async def assert_untouched(scene: Scene, expected: Survivors) -> None:
    assert await scene.read.tags(scene.before) == scene.before
    everything = {each: expected.manifests[each] | expected.doomed_manifests[each] for each in expected.manifests}
    assert await scene.read.there(everything) == everything


async def test_only_apply_deletes_and_it_arrives_where_a_cleanup_does(scene: Scenes, tmp_path: Path) -> None:
    async with scene("middling", "multirepo") as opened:
        expected = opened.expected()
        doomed = sum(map(len, expected.doomed_tags.values()))
        kept = sum(map(len, expected.tags.values()))
        plan = tmp_path / "plan.json"
        for options in (("--dry-run",), (f"--plan-out={plan}",)):
            shown = await opened.cli.cleanup(*options)
            assert shown.code == 0, shown
            assert f"In all {kept} tags stay, {doomed} go." in shown.out
            assert "Nothing was deleted." in shown.out
            await assert_untouched(opened, expected)

        applied = await opened.cli.run("apply", str(plan))
        assert applied.code == 0, applied
        await opened.assert_exactly(expected)

        # The plan is a thing of the past now.
        again = await opened.cli.run("apply", str(plan))
        assert again.code == 0, again
        await opened.assert_exactly(expected)


def lone_doomed_tags(scene: Scene, expected: Survivors, repository: RepositoryPath, seed: int) -> list[Tag]:
    """In random order: those that are the only tag of a doomed manifest which nobody signed."""
    signed = {extra.subject for extra in scene.project.extras}
    everywhere = list(scene.before[repository].values())
    found = sorted(
        tag
        for tag, digest in expected.doomed_tags[repository].items()
        if digest in expected.doomed_manifests[repository]
        and everywhere.count(digest) == 1
        and digest not in signed
        and not tag.startswith("sha256-")
    )
    random.Random(seed).shuffle(found)
    return found


async def test_what_people_push_between_plan_and_apply_stays(scene: Scenes, tmp_path: Path) -> None:
    async with scene("middling", "monorepo") as opened:
        expected = opened.expected()
        plan = tmp_path / "plan.json"
        assert (await opened.cli.cleanup(f"--plan-out={plan}")).code == 0

        kept: dict[RepositoryPath, dict[Tag, Digest]] = {}
        moved: list[Tag] = []
        saved: dict[RepositoryPath, Digest] = {}
        for seed, repository in enumerate(expected.tags):
            before = opened.before[repository]
            one, other, third = lone_doomed_tags(opened, expected, repository, seed)[:3]
            some_kept = random.Random(seed).choice(sorted(expected.tags[repository]))
            await opened.read.move(repository, one, before[some_kept])  # a doomed tag goes to another manifest
            await opened.read.move(repository, "rescue", before[other])  # a doomed manifest gets a new tag
            await opened.read.move(repository, third, before[other])  # a doomed tag goes to another doomed manifest
            moved += [one, third]
            saved[repository] = before[other]
            kept[repository] = {
                **expected.tags[repository],
                one: before[some_kept],
                third: before[other],
                Tag("rescue"): before[other],
            }

        # Nobody moves a tag that werf writes once: the plan may be wrong, and the rest of it is not carried out.
        applied = await opened.cli.run("apply", str(plan))
        assert applied.code == 4, applied
        assert any(f"{tag} is written once, and points to" in applied.err for tag in moved), applied
        now = await opened.read.tags(expected.tags)
        for repository, tags in kept.items():
            assert tags.items() <= now[repository].items()
            needed = {repository: expected.manifests[repository] | set(tags.values())}
            assert await opened.read.there(needed) == needed

        # The next plan is of what is there; what somebody moved is judged by where it is now.
        assert (await opened.cli.cleanup()).code == 0
        now = await opened.read.tags(expected.tags)
        for repository in kept:
            tags = {**expected.tags[repository], Tag("rescue"): saved[repository]}
            assert tags.items() <= now[repository].items()
            needed = {repository: expected.manifests[repository] | set(tags.values())}
            assert await opened.read.there(needed) == needed


async def test_two_halves_make_a_whole(scene: Scenes) -> None:
    async with scene("middling", "monorepo") as opened:
        first = await opened.cli.cleanup(only="images")
        assert first.code == 0, first
        await opened.assert_exactly(opened.expected(stages=False))
        second = await opened.cli.cleanup(only="stages")
        assert second.code == 0, second
        await opened.assert_exactly(opened.expected())
        nothing = await opened.cli.cleanup()
        assert "There is nothing to delete." in nothing.out


async def test_stages_alone_are_judged_by_the_images_that_are_there(scene: Scenes) -> None:
    async with scene("middling", "multirepo") as opened:
        done = await opened.cli.cleanup(only="stages")
        assert done.code == 0, done
        await opened.assert_exactly(opened.expected(images=False))
