"""Amazon ECR's emulator against AWS's own model of the API."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import botocore.loaders
import botocore.validate
import pytest
from botocore.model import ServiceModel

from holystone.engine.errors import Unauthorized
from holystone.engine.model.references import Digest, Tag
from tests.emulators.ecr import ACCOUNT, REGION, EcrEmulator
from tests.registries.ecr.connected import ABSENT, PATH, connected, push, store
from tests.support import images


@cache
def model() -> ServiceModel:
    return ServiceModel(botocore.loaders.create_loader().load_service_model("ecr", "service-2"))


NEWER = {"imageStatus", "subjectManifestDigest"}
"""Members that came after the model that can be had here."""


def older(value: Any) -> Any:
    """Also without empty lists: the model forbids them to requests, and uses the same shapes for answers."""
    if isinstance(value, dict):
        return {key: older(each) for key, each in value.items() if key not in NEWER and each != []}
    return [older(each) for each in value] if isinstance(value, list) else value


def assert_fits(value: Any, shape: Any) -> None:
    report = botocore.validate.ParamValidator().validate(older(value), shape)
    assert not report.has_errors(), report.generate_report()


async def test_requests_and_answers_are_as_aws_model_says(tmp_path: Path) -> None:
    async with EcrEmulator() as served:
        answers: list[tuple[str, dict[str, Any]]] = []

        def noted(operation: str) -> None:
            handler = getattr(served, operation)

            def note(fields: dict[str, Any]) -> dict[str, Any]:
                answer: dict[str, Any] = handler(fields)
                answers.append((served.calls[-1][0], json.loads(json.dumps(answer))))
                return answer

            setattr(served, operation, note)

        for name in ("describe_images", "describe_repositories", "batch_get", "batch_delete", "authorization_token"):
            noted(f"_{name}")
        one = push(served, "one", "v1", "v2")
        store(served, images.index(one), "multi")
        push(served, "signature", subject=one)
        name = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
        async with connected(served, tmp_path, host=name) as session:
            await session.list_tags()
            await session.resolve(Tag("v1"))
            await session.read_manifests([one.digest, ABSENT])
            await session.probe()
            await session.delete_manifests([one.digest])
            await session.delete_tags([Tag("v2"), Tag("v3")])
        async with connected(served, tmp_path) as session:
            await session.read_blob(Digest.of(images.config("one")))
        served.calls.append(("DescribeImages", {"repositoryName": PATH, "maxResults": 1}))
        assert served._describe_images(served.calls[-1][1])["nextToken"]
    operations = {operation for operation, _ in answers}
    assert len(operations) == 5
    for operation, fields in served.calls:
        assert_fits(fields, model().operation_model(operation).input_shape)
    for operation, answer in answers:
        assert_fits(answer, model().operation_model(operation).output_shape)
    codes = {failure["failureCode"] for _, answer in answers for failure in answer.get("failures", ())}
    assert {"ImageNotFound", "ImageReferencedByManifestList"} <= codes
    known = model().shape_for("ImageFailureCode").metadata["enum"]
    assert codes <= set(known)


def test_the_model_notices_what_does_not_fit() -> None:
    shape = model().operation_model("DescribeImages").output_shape
    with pytest.raises(AssertionError, match="imageDigests"):
        assert_fits({"imageDetails": [{"imageDigests": "sha256:0"}]}, shape)
    with pytest.raises(AssertionError):
        assert_fits({"imageDetails": [{"imageTags": "v1"}]}, shape)


async def test_the_emulator_refuses_another_clock_and_another_region(tmp_path: Path) -> None:
    async with EcrEmulator() as served, connected(served, tmp_path) as session:
        push(served, "one", "v1")
        await session.list_tags()
        served.wall = lambda: 0.0
        with pytest.raises(Unauthorized, match="clock of this computer"):
            await session.list_tags()
    async with (
        EcrEmulator() as served,
        connected(served, tmp_path, environ={"AWS_REGION": "us-east-1"}) as session,
    ):
        with pytest.raises(Unauthorized, match="not us-east-1"):
            await session.list_tags()
