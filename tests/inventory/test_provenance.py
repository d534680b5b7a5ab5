"""Which commit an image's provenance says, of all that stands in it."""

import json

import pytest

from holystone.engine.model.manifests import Malformed, every_label, parse_manifest
from holystone.engine.model.provenance import parse_provenance
from holystone.engine.model.references import Digest
from tests.support import images
from tests.support.attested import Version, attestation, index, legacy_attestation, provenance, statement

A, B = "a" * 40, "b" * 40


def said(body: bytes) -> set[str]:
    return set(parse_provenance(Digest.of(body), body))


@pytest.mark.parametrize("version", ["v0.2", "v1"])
def test_what_the_build_began_with_counts_and_nothing_that_it_fetched(version: Version) -> None:
    assert said(provenance(version, revision=A)) == {A}
    assert said(provenance(version, context={"sha1": A})) == {A}
    assert said(provenance(version, context={"sha1": A}, revision=B)) == {A}
    assert said(provenance(version, revision=A, fetched=[B])) == {A}
    assert said(provenance(version, fetched=[B])) == set()
    assert said(provenance(version, context={"sha256": "c" * 64}, source="https://x.example/a.tar.gz")) == set()


def test_words_that_are_no_commit_are_kept_short() -> None:
    assert said(provenance(revision=f"{A}-dirty")) == {f"{A}-dirty"}
    assert said(provenance(revision="x" * 100_000)) == {"x" * 200}


def test_what_is_no_provenance_says_nothing() -> None:
    assert said(statement({"SPDXID": "SPDXRef-DOCUMENT"}, "https://spdx.dev/Document")) == set()
    assert said(statement({}, "https://slsa.dev/provenance/v1")) == set()
    assert said(statement({"builder": {"id": ""}}, "https://slsa.dev/provenance/v0.1")) == set()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"predicateType":"https://slsa.dev/provenance/v1"}',
        statement(None, "https://slsa.dev/provenance/v1"),
        statement(
            {"runDetails": {"metadata": {"buildkit_metadata": {"vcs": {"revision": 7}}}}},
            "https://slsa.dev/provenance/v1",
        ),
        statement({"invocation": {"configSource": {"digest": [A]}}}, "https://slsa.dev/provenance/v0.2"),
        b'{"predicateType":"https://slsa.dev/provenance/v1","predicate":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        provenance(revision=A)[:-2],
        b"\xff" + provenance(revision=A),
    ],
    ids=range(10),
)
def test_what_cannot_be_understood_is_not_guessed(body: bytes) -> None:
    with pytest.raises(Malformed):
        said(body)


def test_statements_are_found_by_what_buildkit_annotates() -> None:
    image = images.image(images.config("app"), oci=True)
    sbom = statement({"SPDXID": "SPDXRef-DOCUMENT"}, "https://spdx.dev/Document")
    for made in (
        attestation(image, provenance(), sbom),
        legacy_attestation(image, images.config(""), provenance(), sbom),
    ):
        manifest = parse_manifest(made, every_label)
        assert [each.digest for each in manifest.statements] == [Digest.of(provenance())]
        assert manifest.config is None
        assert parse_manifest(index((image, made)), every_label).attested == {image.digest: (made.digest,)}
        assert parse_manifest(made).statements == ()
    unsaid = json.loads(attestation(image, provenance()).body)
    del unsaid["layers"][0]["annotations"]
    body = json.dumps(unsaid).encode()
    raw = type(image)(Digest.of(body), image.media_type, body)
    assert len(parse_manifest(raw, every_label).statements) == 1, "it may be provenance"


def test_annotations_with_two_meanings_have_none() -> None:
    image = images.image(images.config("app"), oci=True)
    body = index((image, attestation(image, provenance()))).body.replace(b'"annotations"', b'"Annotations"')
    raw = type(image)(Digest.of(body), image.media_type, body)
    with pytest.raises(Malformed):
        parse_manifest(raw, every_label)
