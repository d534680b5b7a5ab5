"""Names that pods, people, options and registries write."""

import contextlib

from holystone.engine.model.in_use import ListEntry
from holystone.engine.model.lock_tags import parse_lock_tag
from holystone.engine.model.references import Commit, Digest, ImageName, InvalidName, RegistryHost, RepositoryPath, Tag
from holystone.engine.names.addresses import parse_address, parse_reference
from holystone.engine.names.used_images import parse_image_id, parse_used_image
from holystone.policies.werf.v1.records import parse_client_id_tag, parse_managed_image_tag, parse_metadata_tag
from holystone.policies.werf.v1.slug import cut_slug
from holystone.policies.werf.v1.stages import parse_rejected_tag, parse_stage_tag

_HEX = "0123456789abcdef" * 4
SEEDS = (
    b"registry.example:5000/team/app:v1@sha256:" + _HEX.encode(),
    b"docker-pullable://nginx@sha256:" + _HEX.encode(),
    b"[::1]:5000/a",
    b"managed-image-a__slash__b",
    b"image-metadata-by-commit-app-" + _HEX[:40].encode(),
    b"client-id-app-1600000000000",
    f"{_HEX}-1598000000123".encode(),
    f"{_HEX}-1598000000123-rejected".encode(),
    b"holystone-lock-1790000000-20261129-010203-ab12",
)


def parse(data: bytes) -> None:
    text = data.decode(errors="surrogateescape")
    by = ListEntry("list:1")
    for kind in (RegistryHost, RepositoryPath, Tag, Digest, Commit, ImageName):
        with contextlib.suppress(InvalidName):
            assert kind.parse(text) in (text, text.lower())
    for read in (
        parse_reference,
        parse_address,
        lambda word: parse_used_image(word, by),
        lambda w: parse_image_id(w, by),
    ):
        try:
            str(read(text))
        except InvalidName as error:
            str(error)
    for named in (
        parse_managed_image_tag,
        parse_metadata_tag,
        parse_client_id_tag,
        parse_stage_tag,
        parse_rejected_tag,
    ):
        named(text)
    if lock := parse_lock_tag(text):
        str(lock)
    cut_slug(text, 64)
