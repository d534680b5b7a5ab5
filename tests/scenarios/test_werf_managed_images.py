"""werf's own scenario of managed images, replayed."""

import pytest

from tests.support.werf_project import NewProject

pytestmark = pytest.mark.slow


async def test_managed_images_are_listed_added_and_removed(werf: NewProject) -> None:
    project = werf()
    assert await project.managed_images("ls") == []
    await project.managed_images("add", "test")
    assert await project.managed_images("ls") == ["test"]
    await project.managed_images("rm", "test")
    assert await project.managed_images("ls") == []
