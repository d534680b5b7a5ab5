"""Our emulator of Amazon ECR, asked by AWS's own client, which knows every call and code of the service's model."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from tests.emulators.ecr import CLEANER, REGION, EcrEmulator
from tests.support import images

PATH: Final = "team/app"
ABSENT: Final = "sha256:" + "0" * 64


@asynccontextmanager
async def client(served: EcrEmulator) -> AsyncIterator[Any]:
    from aiobotocore.session import get_session  # loading it takes a second: not for all who collect tests

    keys = {"aws_access_key_id": CLEANER.id, "aws_secret_access_key": CLEANER.secret}
    session = get_session()
    async with session.create_client("ecr", region_name=REGION, endpoint_url=served.url, **keys) as made:
        yield made


def fill(served: EcrEmulator) -> dict[str, str]:
    """Two images with tags, of which an index lists one."""
    made = {}
    for text, tags in (("one", ("v1", "v2")), ("child", (None,))):
        config = images.config(text)
        served.storage.put_blob(PATH, config)
        raw = images.image(config)
        for tag in tags:
            served.storage.put_manifest(PATH, raw.body, raw.media_type, tag)
        made[text] = raw
    index = images.index(made["child"])
    served.storage.put_manifest(PATH, index.body, index.media_type, "all")
    return {text: str(raw.digest) for text, raw in made.items()} | {"index": str(index.digest)}


async def test_pages_are_the_whole_to_awss_own_paginator() -> None:
    async with EcrEmulator() as served, client(served) as ecr:
        digests = fill(served)
        pages = ecr.get_paginator("describe_images").paginate(repositoryName=PATH, PaginationConfig={"PageSize": 1})
        found = [each["imageDigest"] async for page in pages for each in page["imageDetails"]]
        assert sorted(found) == sorted(digests.values())


async def test_repositories_are_the_whole_to_awss_own_paginator() -> None:
    async with EcrEmulator() as served, client(served) as ecr:
        fill(served)
        for name in ("team/tool", "other"):
            served.storage.repository(name)
        pages = ecr.get_paginator("describe_repositories").paginate(PaginationConfig={"PageSize": 2})
        found = [each["repositoryName"] async for page in pages for each in page["repositories"]]
        assert found == sorted([PATH, "team/tool", "other"])


async def test_an_image_is_read_by_whoever_names_no_media_types() -> None:
    async with EcrEmulator() as served, client(served) as ecr:
        digests = fill(served)
        said = await ecr.batch_get_image(repositoryName=PATH, imageIds=[{"imageTag": "v1"}, {"imageTag": "all"}])
        assert [each["imageId"]["imageDigest"] for each in said["images"]] == [digests["one"], digests["index"]]
        assert said["failures"] == []


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({}, "MissingDigestAndTag"),
        ({"imageDigest": "sha256:abc"}, "InvalidImageDigest"),
        ({"imageDigest": "nonsense"}, "InvalidImageDigest"),
        ({"imageDigest": ABSENT}, "ImageNotFound"),
        ({"imageTag": "absent"}, "ImageNotFound"),
        ({"imageDigest": "child", "imageTag": "v1"}, "ImageTagDoesNotMatchDigest"),
    ],
)
@pytest.mark.parametrize("call", ["batch_get_image", "batch_delete_image"])
async def test_what_cannot_be_found_is_a_failure_of_its_own(call: str, asked: dict[str, str], code: str) -> None:
    """Codes of the model's ImageFailureCode; which is whose is moto's word, but for the last, which it lacks."""
    async with EcrEmulator() as served, client(served) as ecr:
        digests = fill(served)
        if named := digests.get(asked.get("imageDigest", "")):
            asked = {**asked, "imageDigest": named}
        said = await getattr(ecr, call)(repositoryName=PATH, imageIds=[asked, {"imageTag": "v2"}])
        assert [(each["imageId"], each["failureCode"]) for each in said["failures"]] == [(asked, code)]
        assert len(said.get("images") or said.get("imageIds")) == 1, "the other one is done all the same"
        assert served.storage.repositories[PATH].tags.keys() >= {"v1", "all"}


async def test_a_child_is_refused_with_the_indexes_that_list_it() -> None:
    """As users see it: "Requested image referenced by manifest list: [sha256:…]"."""
    async with EcrEmulator() as served, client(served) as ecr:
        digests = fill(served)
        (failure,) = (await ecr.batch_delete_image(repositoryName=PATH, imageIds=[{"imageDigest": digests["child"]}]))[
            "failures"
        ]
        assert failure["failureCode"] == "ImageReferencedByManifestList"
        assert digests["index"] in failure["failureReason"]


async def test_refusals_are_awss_exceptions() -> None:
    async with EcrEmulator() as served, client(served) as ecr:
        with pytest.raises(ecr.exceptions.RepositoryNotFoundException):
            await ecr.describe_images(repositoryName="team/none")
        fill(served)
        with pytest.raises(ecr.exceptions.ImageNotFoundException):
            await ecr.describe_images(repositoryName=PATH, imageIds=[{"imageTag": "absent"}])
        with pytest.raises(ecr.exceptions.LifecyclePolicyNotFoundException):
            await ecr.get_lifecycle_policy(repositoryName=PATH)
        served.denied = frozenset({"BatchDeleteImage"})
        with pytest.raises(ClientError, match=r"AccessDeniedException.*not authorized to perform"):
            await ecr.batch_delete_image(repositoryName=PATH, imageIds=[{"imageTag": "v1"}])
