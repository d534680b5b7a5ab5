"""werf's own scenarios of a stages cleanup, replayed. Stages get no time of grace, as they are built in the test."""

import pytest

from tests.support.werf_project import NewProject

pytestmark = pytest.mark.slow
NO_GRACE = "--keep-stages-younger-than=0s"


async def test_an_image_keeps_its_stages_and_those_that_it_imports_from(werf: NewProject) -> None:
    project = werf()
    image = await project.publish(imports=True)
    assert len(image.stages) == 4
    assert image.imported
    await project.cleanup(NO_GRACE, only="stages")
    assert await project.stages() == {*image.stages, *image.imported}
    assert await project.survivors() == {image.tag}


async def test_a_tag_that_was_published_again_keeps_the_stages_of_its_second_build(werf: NewProject) -> None:
    project = werf()
    first = await project.publish(signature=1, strategy="custom", name="latest")
    second = await project.publish(signature=2, strategy="custom", name="latest")
    assert first.tag == second.tag
    assert not {*first.stages} & {*second.stages}
    assert await project.stages() == {*first.stages, *second.stages}
    await project.cleanup(NO_GRACE, only="stages")
    assert await project.stages() == {*second.stages}
    assert await project.survivors() == {second.tag}


@pytest.mark.parametrize("only", ["", "images", "stages"])
async def test_repositories_that_do_not_exist_are_clean(werf: NewProject, only: str) -> None:
    done = await werf().cleanup(only=only)
    assert "There is nothing to delete." in done.out


@pytest.mark.parametrize("only", ["", "images", "stages"])
async def test_empty_repositories_are_clean(werf: NewProject, only: str) -> None:
    project = werf("- references: {branch: nobodys}\n")
    await project.publish()
    await project.cleanup(NO_GRACE)  # takes all there is
    assert (await project.survivors(), await project.stages(), await project.records()) == (set(), set(), set())
    done = await project.cleanup(NO_GRACE, only=only)
    assert "There is nothing to delete." in done.out
