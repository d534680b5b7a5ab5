"""Configurations of images, and the labels in them."""

from holystone.engine.model.image_config import parse_config
from holystone.engine.model.manifests import Malformed
from holystone.engine.model.references import Digest
from holystone.policies.werf.v1.labels import another_project, imports, is_final_image, is_image_under

SEEDS = (
    b'{"architecture":"amd64","created":"2026-11-29T05:06:41.123456789Z","config":{"Labels":{"werf":"shop","werf-image":'
    b'"true","werf-image-tag":"v1","werf-import-a":"sha256:'
    + b"1" * 64
    + b'"},"Image":"sha256:'
    + b"0" * 64
    + b'"},"rootfs":{"type":"layers","diff_ids":[]},"history":[]}',
    b'{"created":null,"config":null}',
)


def parse(data: bytes) -> None:
    try:
        config = parse_config(Digest.of(data), data)
    except Malformed as error:
        str(error)
        return
    assert isinstance(config.created, int)
    another_project(config.labels, ("shop",))
    imports(config.labels)
    is_final_image(config.labels)
    is_image_under(config.labels, "app-v1")
