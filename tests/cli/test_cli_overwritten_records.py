"""Whoever may push to the stages storage can overwrite werf's records: what that dooms, and what it does not."""

import json
import re
from pathlib import Path

import pytest

from holystone.engine.model.manifests import OCI_MANIFEST, RawManifest
from holystone.engine.model.references import Digest
from holystone.policies.werf.v1.records import image_metadata_tag
from tests.support.command_line import bench, now
from tests.support.images import index
from tests.support.tiny_project import kept_tags, tiny_project


def artifact() -> RawManifest:
    """With bytes for a configuration that every registry has."""
    empty = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": Digest.of(b"{}"), "size": 2}
    body = json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": empty, "layers": []}).encode()
    return RawManifest(Digest.of(body), OCI_MANIFEST, body)


@pytest.mark.parametrize("by", ["the oldest image's", "the deleted branch's"])
def test_overwritten_records_doom_no_image_that_says_otherwise(tmp_path: Path, by: str) -> None:
    with bench(tmp_path) as shop:
        project = tiny_project(shop.project, shop.registry.storage, now=now())
        of_it = [tag for tag in project.tags if tag.image == "backend"]
        kept = {tag.tag for tag in kept_tags(project) if tag.image == "backend"}
        records = shop.registry.storage.repositories["shop/stages"].tags
        record = {tag.tag: image_metadata_tag("backend", tag.commits[0]) for tag in of_it}
        copied = record[of_it[0].tag] if by == "the oldest image's" else record[of_it[-1].tag]
        for tag in kept:
            records[record[tag]] = records[copied]

        first, second = shop.cleanup(), shop.cleanup()
        assert (first.code, second.code) == (0, 0)
        stayed = set(shop.registry.storage.repositories["shop/app/backend"].tags)
        assert kept <= stayed
        told = re.search(r"would doom them, e\.g\. (\S+) says .* record (\S+) says another content", second.out)
        assert told, second
        assert (told[1] in kept, told[2] in record.values()) == (True, True)


@pytest.mark.parametrize("by", [artifact(), index()], ids=["an artifact", "an index"])
def test_a_record_that_is_no_image_by_now_dooms_none(tmp_path: Path, by: RawManifest) -> None:
    """As if it had been deleted, which takes more than the right to push."""
    with bench(tmp_path) as shop:
        storage = shop.registry.storage
        project = tiny_project(shop.project, storage, now=now())
        kept = sorted(each.tag for each in kept_tags(project) if each.image == "backend")
        (one,) = (each for each in project.tags if each.image == "backend" and each.tag == kept[0])
        record = image_metadata_tag("backend", one.commits[0])
        storage.put_blob("shop/stages", b"{}")
        storage.put_manifest("shop/stages", by.body, by.media_type, record)

        done = shop.cleanup()
        assert done.code == 0, done
        assert set(kept) <= set(storage.repositories["shop/app/backend"].tags)
        assert f"e.g. {record}: it does not say which content it is of" in done.out
