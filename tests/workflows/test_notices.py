"""What is told of the repositories themselves."""

import pytest

from holystone.engine.executor.tombstones import RUN_LABEL, make_tombstone
from holystone.engine.model.image_config import parse_config
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.layerless import layerless_image
from holystone.engine.model.manifests import RawManifest, parse_manifest
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath, Tag
from holystone.workflows.notices import repository_notices
from tests.support.notice_texts import notice_texts

AT = Repository(RegistryHost("registry.example.com"), RepositoryPath("shop/app"))
RUN = "20261129-015500-ab12"


def holding(raw: RawManifest, config: bytes, *tags: str) -> RepositorySnapshot:
    manifest = parse_manifest(raw)
    assert manifest.config
    configs = {manifest.config: parse_config(manifest.config, config)}
    return RepositorySnapshot(AT, {Tag(tag): raw.digest for tag in tags}, {}, {raw.digest: manifest}, configs)


def test_what_an_unfinished_run_pushed_over_is_told_each_time_with_the_way_out() -> None:
    tombstone = make_tombstone(RUN, AT)
    (notice,) = notice_texts(repository_notices([holding(tombstone.manifest, tombstone.config, "b-2", "a-1")]))
    assert f"{AT}: 2 tags on the tombstone of run {RUN}" in notice
    assert "e.g. a-1" in notice
    assert f"`holystone undo {RUN}`" in notice


@pytest.mark.parametrize("run", ["", "somebody's `rm -rf`", RUN + "\x1b[2J"])
def test_a_label_is_not_believed_to_name_a_run(run: str) -> None:
    raw, config = layerless_image({RUN_LABEL: run}, oci=True)
    assert list(repository_notices([holding(raw, config, "a-1")])) == []
