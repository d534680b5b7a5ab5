"""werf's own scenarios of a cleanup by tag strategies, replayed."""

import pytest

from holystone.engine.model.references import Tag
from tests.support.werf_project import NewProject, WerfProject

pytestmark = pytest.mark.slow


async def left(project: WerfProject, *options: str) -> set[Tag]:
    await project.cleanup("--git-history-based-cleanup=false", *options, only="images")
    return await project.survivors()


async def test_an_image_of_a_branch_that_is_only_local_goes(werf: NewProject) -> None:
    project = werf()
    project.git.begin("branchA")
    await project.publish(strategy="git-branch", name="branchA")
    assert await left(project) == set()


async def test_an_image_of_a_branch_stays_until_the_branch_is_deleted_on_origin(werf: NewProject) -> None:
    project = werf()
    project.git.begin("branchA")
    project.git.push("branchA")
    image = await project.publish(strategy="git-branch", name="branchA")
    assert await left(project) == {image.tag}
    project.git.delete_branch_on_origin("branchA")
    assert await left(project) == set()


async def test_an_image_of_a_git_tag_stays_until_the_git_tag_is_deleted(werf: NewProject) -> None:
    project = werf()
    project.git.tag("tagA")
    project.git.push("tagA")
    image = await project.publish(strategy="git-tag", name="tagA")
    assert await left(project) == {image.tag}
    project.git.delete_tag("tagA")
    assert await left(project) == set()


async def test_images_of_git_tags_expire(werf: NewProject) -> None:
    project = werf()
    project.git.tag("tagA")
    await project.publish(strategy="git-tag", name="tagA", hours_old=1)
    assert await left(project, "--git-tag-strategy-expiry-days", "0") == set()


async def test_only_the_newest_images_of_git_tags_stay(werf: NewProject) -> None:
    project = werf()
    for name, hours in (("tagA", 2), ("tagC", 1), ("tagB", 3)):
        project.git.tag(name)
        await project.publish(strategy="git-tag", name=name, hours_old=hours)
    assert await left(project, "--git-tag-strategy-limit", "1") == {"tagC"}


async def test_an_image_of_a_commit_stays_while_the_commit_exists(werf: NewProject) -> None:
    project = werf()
    await project.publish(strategy="git-commit", name="8a99331ce0f918b411423222f4060e9688e03f6a")
    image = await project.publish(strategy="git-commit", name=project.git.head)
    assert len(await project.survivors()) == 2
    assert await left(project) == {image.tag}


async def test_images_of_commits_expire(werf: NewProject) -> None:
    project = werf()
    await project.publish(strategy="git-commit", name=project.git.head, hours_old=1)
    assert await left(project, "--git-commit-strategy-expiry-days", "0") == set()


async def test_only_the_newest_images_of_commits_stay(werf: NewProject) -> None:
    project = werf()
    images = {}
    for hours in (3, 1, 4, 2):
        commit = project.git.commit()
        images[hours] = await project.publish(strategy="git-commit", name=commit, hours_old=hours)
    assert await left(project, "--git-commit-strategy-limit", "2") == {images[1].tag, images[2].tag}
