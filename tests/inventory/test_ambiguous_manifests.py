"""What registries and clients written in Go may read in a manifest, and we would not, is protected all the same."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from holystone.engine.model.image_config import parse_config
from holystone.engine.model.manifests import DOCKER_MANIFEST, OCI_INDEX, Malformed, RawManifest, parse_manifest
from holystone.engine.model.references import Digest
from tests.support.command_line import Bench, bench, now
from tests.support.images import config
from tests.support.tiny_project import tiny_project

ONE, TWO = (Digest.of(name) for name in (b"one", b"two"))


def descriptor(digest: str, **more: Any) -> dict[str, Any]:
    return {"mediaType": DOCKER_MANIFEST, "size": 1, "digest": digest, **more}


LIST = json.dumps([descriptor(ONE)])
HEAD = f'"schemaVersion":2,"mediaType":"{OCI_INDEX}"'
CONFIGURATION = f'"config":{json.dumps(descriptor(TWO))}'
INDEXES = {
    "in another case beside it": f'{{{HEAD},"manifests":[],"Manifests":{LIST}}}',
    "before it": f'{{{HEAD},"MANIFESTS":{LIST},"manifests":[]}}',
    "in place of it": f'{{{HEAD},"manifestS":{LIST}}}',
    "with a long s": f'{{{HEAD},"manifests":[],"manifeſts":{LIST}}}',
    "with an escaped long s": f'{{{HEAD},"manifests":[],"manife\\u017Fts":{LIST}}}',
    "escaped": f'{{{HEAD},"manifests":[],"\\u004danifests":{LIST}}}',
    "twice": f'{{{HEAD},"manifests":{LIST},"manifests":[]}}',
    "the digest in another case": f'{{{HEAD},"manifests":[{{"digest":"{TWO}","Digest":"{ONE}","size":1}}]}}',
    "a subject in another case": f'{{{HEAD},{CONFIGURATION},"Subject":{json.dumps(descriptor(ONE))}}}',
    "two subjects": f'{{{HEAD},{CONFIGURATION},"subject":{json.dumps(descriptor(ONE))},"subject":null}}',
    "beside a broken one": f'{{{HEAD},"manifests":[{json.dumps(descriptor(ONE))},{{"digest":"sha256:none"}}]}}',
}


def raw(text: str) -> RawManifest:
    body = text.encode()
    return RawManifest(Digest.of(body), OCI_INDEX, body)


@pytest.mark.parametrize("form", INDEXES)
def test_it_is_not_understood_and_needs_what_anybody_may_see_in_it(form: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_manifest(raw(INDEXES[form]))
    assert ONE in caught.value.needs


@pytest.mark.parametrize(
    "text",
    [
        f'{{{HEAD},"manifests":{LIST},"annotations":{{"Manifests":"x","manifests":"y"}}}}',
        f'{{{HEAD},"manifests":[{json.dumps(descriptor(ONE, annotations={"Digest": "x", "digest": "y"}))}]}}',
        f'{{{HEAD},"manifests":[{json.dumps(descriptor(ONE, platform={"OS": "x", "os": "y", "size": 1}))}]}}',
        f'{{{HEAD},"\\u006danifests":{LIST}}}',
    ],
)
def test_keys_that_nobody_reads_may_be_as_they_like(text: str) -> None:
    assert parse_manifest(raw(text)).children == (ONE,)


@pytest.mark.parametrize(
    ("body", "is_clear"),
    [
        (config("x", labels={"Image": "a", "image": "b", "config": "c", "Config": "d"}), True),
        (b'{"config":{"Labels":{"werf":"shop"}},"container_config":{"Labels":{},"Image":""}}', True),
        (b'{"history":[{"created_by":"a \\u0026\\u0026 b"}],"config":{}}', True),
        (b'{"config":{"Labels":{"werf":"shop"},"labels":{}}}', False),
        (b'{"config":{"Image":""},"Config":{"Image":"x"}}', False),
        (b'{"config":{"\\u0069mage":"x"}}', False),
        (b'{"Created":"x"}', False),
        ('{"config":{"Label\u017f":{}}}'.encode(), False),
    ],
)
def test_so_are_configurations(body: bytes, is_clear: bool) -> None:
    if is_clear:
        parse_config(Digest.of(body), body)
    else:
        with pytest.raises(Malformed, match="by some and not by others"):
            parse_config(Digest.of(body), body)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        tiny_project(made.project, made.registry.storage, now=now())
        yield made


@pytest.mark.parametrize("depth", [1, 2])
def test_what_goes_by_its_own_tag_stays_for_an_index_that_some_read_otherwise(shop: Bench, depth: int) -> None:
    tags, _ = shop.contents()["shop/app/backend"]
    planned = shop.cleanup("--dry-run", "--output=json").json["plan"]["repositories"]
    (backend,) = (each for each in planned if each["repository"]["path"] == "shop/app/backend")
    kept = {each["tag"] for each in backend["kept"]}
    doomed = sorted(set(tags) - kept)[0]
    needed = Digest(tags[doomed])
    storage = shop.registry.storage
    if depth == 2:  # the ambiguous one lists an index of which only it knows
        between = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [descriptor(needed)]}).encode()
        storage.put_manifest("shop/app/backend", between, OCI_INDEX, None)
        needed = Digest.of(between)
    body = f'{{{HEAD},"manifests":[],"Manifests":[{json.dumps(descriptor(needed))}]}}'.encode()
    storage.put_manifest("shop/app/backend", body, OCI_INDEX, "latest")
    ran = shop.cleanup()
    assert ran.code == 0, ran
    assert "broken" in ran.out
    _, manifests = shop.contents()["shop/app/backend"]
    assert tags[doomed] in manifests
    assert hashlib.sha256(body).hexdigest() in "".join(manifests)
