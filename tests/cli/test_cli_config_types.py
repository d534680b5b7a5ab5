"""Images whose configuration has an unusual media type are cleaned and kept like all others."""

import json

import pytest

from tests.support.command_line import Bench


def retype(shop: Bench, config_type: str, *, below: str = "") -> None:
    """Calls the configurations so in each repository whose name begins with `below`."""
    for name, state in shop.registry.storage.repositories.items():
        for tag, digest in list(state.tags.items()) if name.startswith(below) else ():
            stored = state.manifests[digest]
            document = json.loads(stored.body)
            if "config" in document:
                document["config"]["mediaType"] = config_type
                shop.registry.storage.put_manifest(name, json.dumps(document).encode(), stored.media_type, tag)


@pytest.mark.parametrize("config_type", ["application/octet-stream", "application/json", ""])
def test_what_stays_does_not_depend_on_the_media_type_of_configurations(shop: Bench, config_type: str) -> None:
    before = shop.contents()
    retype(shop, config_type)
    odd = shop.run("cleanup", *shop.addresses(), "--dry-run", "--output=json").json
    kept = {each["tag"] for repository in odd["plan"]["repositories"] for each in repository["kept"]}
    assert len(set(before["shop/app/backend"][0]) & kept) == 5
    ran = shop.cleanup("--yes-delete-that-many")
    assert ran.code == 0, ran
    assert len(shop.contents()["shop/app/backend"][0]) == 5
    assert "another project" not in ran.out


def test_an_image_of_an_unusual_type_keeps_its_stages_and_its_record(shop: Bench) -> None:
    """As of a publisher that writes the images and another one that writes the stages."""
    before = shop.contents()["shop/stages"][0]
    retype(shop, "application/octet-stream", below="shop/app")
    ran = shop.cleanup("--yes-delete-that-many")
    assert ran.code == 0, ran
    after = shop.contents()
    assert len(after["shop/app/backend"][0]) == 5
    assert 10 < len(after["shop/stages"][0]) < len(before)
