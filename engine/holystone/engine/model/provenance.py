"""Which commit BuildKit's provenance says that an image was built of.

An attestation is a layer of a manifest that an index lists beside its images (moby/buildkit at 73ed6825c:
docs/attestations/attestation-storage.md, exporter/containerimage/writer.go). Provenance is one of them, SLSA's 0.2 or 1
(docs/attestations/slsa-definitions.md, solver/llbsolver/provenance/types/types.go).
"""

from typing import Final

import msgspec

from holystone.engine.model.descriptors import SLSA_0_2, SLSA_1
from holystone.engine.model.manifests import Malformed
from holystone.engine.model.references import Digest

_LONGEST: Final = 200
"""Letters of what is no commit's id, but a word for people."""


class _ConfigSource(msgspec.Struct):
    digest: dict[str, str] = {}


class _BuildKit(msgspec.Struct):
    vcs: dict[str, str] = {}


class _Parameters(msgspec.Struct):
    configSource: _ConfigSource = msgspec.field(default_factory=_ConfigSource)


class _Metadata02(msgspec.Struct):
    buildkit: _BuildKit = msgspec.field(default_factory=_BuildKit, name="https://mobyproject.org/buildkit@v1#metadata")


class _Predicate02(msgspec.Struct):
    invocation: _Parameters = msgspec.field(default_factory=_Parameters)
    metadata: _Metadata02 = msgspec.field(default_factory=_Metadata02)


class _Definition(msgspec.Struct):
    externalParameters: _Parameters = msgspec.field(default_factory=_Parameters)


class _Metadata1(msgspec.Struct):
    buildkit: _BuildKit = msgspec.field(default_factory=_BuildKit, name="buildkit_metadata")


class _Details(msgspec.Struct):
    metadata: _Metadata1 = msgspec.field(default_factory=_Metadata1)


class _Predicate1(msgspec.Struct):
    buildDefinition: _Definition = msgspec.field(default_factory=_Definition)
    runDetails: _Details = msgspec.field(default_factory=_Details)


class _Statement(msgspec.Struct):
    predicateType: str
    predicate: msgspec.Raw


def parse_provenance(digest: Digest, body: bytes) -> frozenset[str]:
    """The commit of an in-toto statement; empty where it is no provenance, or says no commit.

    Of a context in git BuildKit itself has resolved the commit, as SHA-1 (a SHA-256 may be a tarball's). Of a local one
    the client says it, as `vcs:revision`. What else was fetched for the build, as a material, is not what the image was
    built of. Raises Malformed."""
    try:
        statement = msgspec.json.decode(body, type=_Statement)
        if statement.predicateType == SLSA_0_2:
            earlier = msgspec.json.decode(statement.predicate, type=_Predicate02)
            source, buildkit = earlier.invocation.configSource, earlier.metadata.buildkit
        elif statement.predicateType == SLSA_1:
            predicate = msgspec.json.decode(statement.predicate, type=_Predicate1)
            source = predicate.buildDefinition.externalParameters.configSource
            buildkit = predicate.runDetails.metadata.buildkit
        else:
            return frozenset()
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Malformed(f"attestation {digest} cannot be understood: {error}") from error
    said = source.digest.get("sha1") or buildkit.vcs.get("revision")
    return frozenset({said[:_LONGEST]}) if said else frozenset()
