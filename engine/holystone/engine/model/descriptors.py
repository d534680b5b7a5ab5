"""Descriptors in manifests and indexes, and what their annotations say of attestations.

Grammar: OCI image specification 1.1 (descriptor.md); BuildKit's annotations: moby/buildkit,
docs/attestations/attestation-storage.md.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Final

import msgspec

from holystone.engine.model.references import Digest, InvalidName

IN_TOTO: Final = "application/vnd.in-toto+json"
"""Of layers that are attestations. BuildKit gives a manifest of nothing else the configuration of an image, which says
nothing (moby/buildkit, docs/attestations/attestation-storage.md)."""

SLSA_0_2: Final = "https://slsa.dev/provenance/v0.2"
SLSA_1: Final = "https://slsa.dev/provenance/v1"
_PREDICATE_TYPE: Final = "in-toto.io/predicate-type"
_REFERENCE_TYPE: Final = "vnd.docker.reference.type"
_REFERENCE_DIGEST: Final = "vnd.docker.reference.digest"
"""Annotations of descriptors, by which BuildKit says what is attested of which image (the same page)."""

NOTHING: Final[Mapping[Digest, tuple[Digest, ...]]] = MappingProxyType({})


class Descriptor(msgspec.Struct):
    digest: str
    mediaType: str = ""
    size: int = 0


class Annotated(Descriptor):
    annotations: object = None


class Statement(msgspec.Struct, frozen=True):
    """A blob that may say how an image was built."""

    digest: Digest
    size: int
    """Bytes, as whoever pushed it says."""


def attested(listed: Iterable[Annotated]) -> Mapping[Digest, tuple[Digest, ...]]:
    """Images that an index lists, or says it does, with the manifests beside them that attest something of each."""
    found: dict[Digest, tuple[Digest, ...]] = {}
    for each in listed:
        said = texts(each.annotations)
        if said.get(_REFERENCE_TYPE) == "attestation-manifest" and (of := said.get(_REFERENCE_DIGEST)):
            with suppress(InvalidName):
                subject = Digest.parse(of)
                found[subject] = (*found.get(subject, ()), Digest.parse(each.digest))
    return found or NOTHING


def statements(layers: Iterable[Annotated]) -> tuple[Statement, ...]:
    """The annotation "may be set": what has none may be provenance."""
    return tuple(
        Statement(Digest.parse(each.digest), each.size)
        for each in layers
        if each.mediaType == IN_TOTO and texts(each.annotations).get(_PREDICATE_TYPE, SLSA_1) in (SLSA_0_2, SLSA_1)
    )


def texts(annotations: object) -> Mapping[str, str]:
    said = annotations if isinstance(annotations, dict) else {}
    return {name: text for name, text in said.items() if isinstance(text, str)}
