"""What a plan says of tags that its command does not judge."""

import pytest

from tests.support import images
from tests.support.command_line import Bench


@pytest.mark.parametrize("half", ["images", "stages"])
def test_half_a_cleanup_does_not_call_the_other_half_somebody_elses(shop: Bench, half: str) -> None:
    ran = shop.run(half, "cleanup", *shop.addresses(), "--dry-run", "--output=json")
    assert ran.code == 0
    reasons = {
        kept["tag"]: kept["reasons"][0]["type"]
        for repository in ran.json["plan"]["repositories"]
        if repository["repository"]["path"] == "shop/stages"
        for kept in repository["kept"]
    }
    assert "foreign" not in reasons.values()
    assert "not-judged" in reasons.values()
    text = shop.run(half, "cleanup", *shop.addresses()).out
    assert "not judged by this command" in text


def test_a_whole_cleanup_judges_all_and_knows_what_is_somebody_elses(shop: Bench) -> None:
    ran = shop.cleanup("--dry-run", "--output=json")
    reasons = {
        kept["tag"]: kept["reasons"][0]["type"]
        for repository in ran.json["plan"]["repositories"]
        for kept in repository["kept"]
    }
    assert reasons["not-ours"] == reasons["also-not-ours"] == "foreign"
    assert "not-judged" not in reasons.values()


def test_a_stage_of_another_project_in_a_shared_storage_stays(shop: Bench) -> None:
    stages, tag = shop.registry.storage.repository("shop/stages"), f"{'c' * 56}-1598000000123"
    config = images.config("theirs", labels={"werf": "bakery"})
    manifest = images.image(config)
    shop.registry.storage.put_blob("shop/stages", config)
    shop.registry.storage.put_manifest("shop/stages", manifest.body, manifest.media_type, tag)
    for command in (("stages", "cleanup"), ("cleanup",)):
        ran = shop.run(*command, *shop.addresses())
        assert ran.code == 0
        assert tag in stages.tags
        assert "project bakery" in ran.out
