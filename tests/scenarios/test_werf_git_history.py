"""werf's own scenarios of a cleanup by git history, replayed. `publish` builds and publishes at the head."""

import pytest

from tests.support.werf_project import NewProject

pytestmark = pytest.mark.slow


def of_branch_test(images: str) -> str:
    return f"- references: {{branch: test}}\n  imagesPerReference: {images}\n"


def of_young_branches(operator: str) -> str:
    return f"- references: {{branch: /.*/, limit: {{in: 12h, last: 1, operator: {operator}}}}}\n"


async def test_a_branch_keeps_its_images_until_it_is_deleted_on_origin(werf: NewProject) -> None:
    project = werf(of_branch_test("{last: -1}"))
    project.git.begin("test")
    image = await project.publish()
    project.git.push("test")
    await project.cleanup()
    assert await project.survivors() == {image.tag}
    assert await project.records() == set(image.commits)

    project.git.delete_branch_on_origin("test")
    await project.cleanup()
    assert await project.survivors() == set()
    assert await project.records() == set()


async def test_a_branch_that_no_policy_names_keeps_nothing(werf: NewProject) -> None:
    project = werf(of_branch_test("{last: -1}"))
    project.git.begin("some_branch")
    await project.publish()
    project.git.push("some_branch")
    await project.cleanup()
    assert await project.survivors() == set()


async def test_the_last_none_of_a_branch_are_none(werf: NewProject) -> None:
    project = werf(of_branch_test("{last: 0}"))
    project.git.begin("test")
    await project.publish()
    project.git.push("test")
    await project.cleanup()
    assert await project.survivors() == set()


async def test_a_branch_keeps_what_was_committed_within_a_day(werf: NewProject) -> None:
    project = werf(of_branch_test("{in: 24h}"))
    project.git.begin("test")
    project.git.commit(hours_ago=25)
    old = await project.publish()
    project.git.push("test")
    await project.cleanup()
    assert await project.survivors() == set()

    project.git.commit(hours_ago=23, amend=True)
    project.git.push("test", force=True)
    again = await project.publish()
    assert again.tag == old.tag
    await project.cleanup()
    assert await project.survivors() == {again.tag}


async def test_a_branch_whose_head_is_too_old_keeps_nothing(werf: NewProject) -> None:
    project = werf("- references: {branch: test, limit: {in: 12h}}\n")
    project.git.begin("test")
    project.git.commit(hours_ago=13)
    await project.publish()
    project.git.push("test")
    await project.cleanup()
    assert await project.survivors() == set()

    project.git.commit(hours_ago=11, amend=True)
    project.git.push("test", force=True)
    image = await project.publish()
    await project.cleanup()
    assert await project.survivors() == {image.tag}


@pytest.mark.parametrize(("operator", "kept"), [("Or", {2, 3}), ("And", {3})])
async def test_branches_of_the_last_hours_and_the_newest_keep_theirs(
    werf: NewProject, operator: str, kept: set[int]
) -> None:
    project = werf(of_young_branches(operator))
    images = {}
    for number, hours in ((1, 13), (2, 11), (3, 0)):
        project.git.begin(f"test{number}", start="master")
        project.git.commit(hours_ago=hours)
        images[number] = await project.publish(signature=number)
        project.git.push(f"test{number}")
    await project.cleanup()
    assert await project.survivors() == {images[number].tag for number in kept}


@pytest.mark.parametrize(("operator", "kept"), [("Or", {2, 3}), ("And", {3})])
async def test_one_branch_keeps_images_of_the_last_hours_and_the_newest(
    werf: NewProject, operator: str, kept: set[int]
) -> None:
    project = werf(of_branch_test(f"{{in: 12h, last: 1, operator: {operator}}}"))
    project.git.begin("test")
    images = {}
    for number, hours in ((1, 13), (2, 11), (3, 0)):
        project.git.commit(hours_ago=hours)
        images[number] = await project.publish(signature=number)
    project.git.push("test")
    await project.cleanup()
    assert await project.survivors() == {images[number].tag for number in kept}


@pytest.mark.parametrize("minutes", [1, 0], ids=["minutes-apart", "in-one-second"])
async def test_of_one_content_on_a_branch_only_the_head_keeps_its_record(werf: NewProject, minutes: int) -> None:
    project = werf()
    for number in range(3):
        project.git.commit(hours_ago=(3 - number) * minutes / 60)
        image = await project.publish()
    project.git.push("master")
    assert len(await project.records()) == 3
    await project.cleanup()
    assert await project.survivors() == {image.tag}
    assert await project.records() == {project.git.head}


async def test_each_branch_keeps_the_record_of_its_head(werf: NewProject) -> None:
    project = werf()
    for number in range(3):
        project.git.begin(f"test_{number}")
        project.git.commit(hours_ago=(3 - number) / 60)
        image = await project.publish()
        project.git.push(f"test_{number}")
    await project.cleanup()
    assert await project.survivors() == {image.tag}
    assert await project.records() == set(image.commits)
    assert len(image.commits) == 3
