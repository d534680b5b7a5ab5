"""Images whose configuration has an unusual media type are cleaned and kept like all others."""

import json

import pytest

from tests.support.command_line import Bench


@pytest.mark.parametrize("config_type", ["application/octet-stream", "application/json", ""])
def test_what_stays_does_not_depend_on_the_media_type_of_configurations(shop: Bench, config_type: str) -> None:
    before = shop.contents()
    for name, state in shop.registry.storage.repositories.items():
        for tag, digest in list(state.tags.items()):
            stored = state.manifests[digest]
            document = json.loads(stored.body)
            if "config" in document:
                document["config"]["mediaType"] = config_type
                shop.registry.storage.put_manifest(name, json.dumps(document).encode(), stored.media_type, tag)
    odd = shop.run("cleanup", *shop.addresses(), "--dry-run", "--output=json").json
    kept = {each["tag"] for repository in odd["plan"]["repositories"] for each in repository["kept"]}
    assert len(set(before["shop/app/backend"][0]) & kept) == 5
    ran = shop.cleanup("--yes-delete-that-many")
    assert ran.code == 0, ran
    assert len(shop.contents()["shop/app/backend"][0]) == 5
    assert "another project" not in ran.out
