"""What has an image's shape is read as an image, whatever the media type of its configuration."""

import json
from collections.abc import Mapping

import pytest

from holystone.engine.model.image_config import ImageConfig
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.manifests import DOCKER_MANIFEST, OCI_MANIFEST, RawManifest, parse_manifest
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath, Tag
from holystone.policies.werf.v1 import belongings_in_storage, image_metadata_tag, read_storage
from tests.support.image_values import commit_id, digest_of

STORAGE = Repository(RegistryHost("registry.example"), RepositoryPath("shop/stages"))
STAGE = Tag("aaa-1")
RECORD = Tag(image_metadata_tag("app", commit_id("a")))
CONFIG = digest_of("config")

ODD = [
    "application/octet-stream",
    "application/json",
    "",
    "text/plain",
    "application/vnd.docker.container.image.rootfs.diff+x-gtar",
    "application/vnd.example.image.config.v1+json",
]
SPELLED = [
    "application/vnd.docker.container.image.v1+json; charset=utf-8",
    "Application/Vnd.OCI.Image.Config.v1+JSON",
]
SOMEBODY_ELSES = [
    "application/vnd.oci.empty.v1+json",
    "application/vnd.cncf.helm.config.v1+json",
    "application/vnd.unknown.config.v1+json",
    "application/vnd.buildkit.cacheconfig.v0",
    "application/vnd.wasm.config.v0+json",
]


def manifest(config_type: str, media_type: str = OCI_MANIFEST, **more: object) -> RawManifest:
    config = {"mediaType": config_type, "digest": CONFIG, "size": 2}
    body = json.dumps({"schemaVersion": 2, "config": config, "layers": [], **more}).encode()
    return RawManifest(digest_of(body.decode()), media_type, body)


def storage(raw: RawManifest, labels: Mapping[str, str] | None, tag: Tag) -> RepositorySnapshot:
    """`labels`: None for a configuration that cannot be read."""
    found = parse_manifest(raw)
    configs = {CONFIG: ImageConfig(CONFIG, 1, labels, None)} if labels is not None and found.config else {}
    broken = {tag: "no JSON"} if labels is None and found.config else {}
    return RepositorySnapshot(STORAGE, {tag: raw.digest}, broken, {raw.digest: found}, configs)


@pytest.mark.parametrize("config_type", [*ODD, *SPELLED])
@pytest.mark.parametrize("media_type", [OCI_MANIFEST, DOCKER_MANIFEST, ""])
def test_a_stage_of_werfs_is_a_stage(config_type: str, media_type: str) -> None:
    there = storage(manifest(config_type, media_type), {"werf": "shop"}, STAGE)
    assert [each.tag for each in read_storage(there, ()).stages] == [STAGE]
    assert belongings_in_storage(there, "shop").own


@pytest.mark.parametrize("config_type", [*ODD, *SPELLED])
def test_a_record_of_werfs_is_a_record(config_type: str) -> None:
    there = storage(manifest(config_type), {"ContentSignature": "s"}, RECORD)
    (record,) = read_storage(there, ("app",)).metadata  # type: ignore[arg-type]
    assert record.signature == "s"


@pytest.mark.parametrize("config_type", ODD)
def test_one_that_cannot_be_read_protects(config_type: str) -> None:
    assert read_storage(storage(manifest(config_type), None, STAGE), ()).unreadable == (STAGE,)
    (record,) = read_storage(storage(manifest(config_type), None, RECORD), ("app",)).metadata  # type: ignore[arg-type]
    assert record.signature is None


@pytest.mark.parametrize("config_type", ODD)
def test_what_says_nothing_of_werf_and_is_called_no_image_stays(config_type: str) -> None:
    there = storage(manifest(config_type), {}, STAGE)
    assert read_storage(there, ()).foreign == (STAGE,)
    assert not belongings_in_storage(there, "shop").own


@pytest.mark.parametrize("config_type", SOMEBODY_ELSES)
def test_what_is_known_to_be_something_else_is_not_even_read(config_type: str) -> None:
    raw = manifest(config_type)
    assert parse_manifest(raw).config is None
    assert read_storage(storage(raw, None, STAGE), ()).foreign == (STAGE,)
    assert not belongings_in_storage(storage(raw, None, STAGE), "shop").own


def test_an_artifact_that_says_its_type_is_none() -> None:
    assert parse_manifest(manifest("application/json", artifactType="application/vnd.acme.rocket")).config is None
