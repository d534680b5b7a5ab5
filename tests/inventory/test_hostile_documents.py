"""Documents from the wire that are no documents: named as malformed, whatever the decoder raises."""

import pytest

from holystone.engine.model.manifests import OCI_MANIFEST, Malformed, RawManifest, parse_config, parse_manifest
from holystone.engine.model.references import Digest

ANY = Digest("sha256:" + "0" * 64)
HOSTILE = {
    "no text": b'{"mediaType":"\xff\xfe"}',
    "nested without end": b'{"config":' + b'{"config":' * 100_000,
    "cut short": b'{"config":{"dig',
    "another shape": b'[{"config":1}]',
}


@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_a_hostile_manifest_is_malformed(kind: str) -> None:
    with pytest.raises(Malformed, match="cannot be understood"):
        parse_manifest(RawManifest(ANY, OCI_MANIFEST, HOSTILE[kind]))


@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_a_hostile_configuration_is_malformed(kind: str) -> None:
    body = HOSTILE[kind].replace(b"mediaType", b"created")
    with pytest.raises(Malformed, match="cannot be understood"):
        parse_config(ANY, body)
