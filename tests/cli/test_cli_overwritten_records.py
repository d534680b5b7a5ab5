"""Whoever may push to the stages storage can overwrite werf's records: what that dooms, and what it does not."""

import re
from pathlib import Path

import pytest

from holystone.policies.werf.v1.records import image_metadata_tag
from tests.support.command_line import bench, now
from tests.support.tiny_project import kept_tags, tiny_project


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
