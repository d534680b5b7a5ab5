"""Manifests and indexes as far as a cleaner needs them.

Grammar: OCI image specification 1.1 (manifest.md, image-index.md) and Docker's schema 2.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Final, TypeAlias

import msgspec

from holystone.engine.model.ambiguous import ANNOTATED, MANIFEST, mentioned, refuse_ambiguous
from holystone.engine.model.descriptors import (
    IN_TOTO,
    NOTHING,
    Annotated,
    Descriptor,
    Statement,
    attested,
    statements,
    texts,
)
from holystone.engine.model.references import Digest, InvalidName

OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
DOCKER_LIST: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG: Final = "application/vnd.docker.container.image.v1+json"
DOCKER_SCHEMA1: Final = "application/vnd.docker.distribution.manifest.v1+prettyjws"
DOCKER_SCHEMA1_UNSIGNED: Final = "application/vnd.docker.distribution.manifest.v1+json"

INDEX_TYPES: Final = frozenset({OCI_INDEX, DOCKER_LIST})
MANIFEST_TYPES: Final = (OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST, DOCKER_SCHEMA1)
CONFIG_TYPES: Final = frozenset({OCI_CONFIG, DOCKER_CONFIG})
NO_IMAGES: Final = (
    "application/vnd.oci.empty.",
    "application/vnd.unknown.",
    "application/vnd.buildkit.",
    "application/vnd.cncf.",
    "application/vnd.cyclonedx",
    "application/vnd.dev.cosign",
    "application/vnd.dev.sigstore",
    "application/vnd.docker.plugin.",
    "application/vnd.goharbor.",
    "application/vnd.in-toto",
    "application/vnd.oras.",
    "application/vnd.wasm.",
    "application/spdx",
)
"""How media types of configurations begin that are something else's for certain: ORAS's default, BuildKit's caches,
Helm's charts, WebAssembly, signatures, bills of materials, Docker's plugins. They are not read, which saves a request
each; any other is, once, as those of images are."""


_MEDIA_TYPE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}")
"""RFC 6838, 4.2."""
_NO_MANIFEST: Final = re.compile(
    r"application/vnd\.(?:oci\.image\.(?:layer|config)|docker\.(?:image\.rootfs|container\.image)|buildkit\.cacheconfig)\."
)
"""How media types begin that are blobs' for certain."""
_ELSEWHERE: Final = re.compile(r"\.(?:nondistributable|foreign)\.")


NESTED_AT_MOST: Final = 16
"""Indexes within indexes, and what refers to what refers to something: so deep is looked, and whatever goes deeper is
refused. No tool makes more than two levels."""


Labels: TypeAlias = Callable[[Mapping[str, str]], Mapping[str, str]]
"""Which labels or annotations of an image's are remembered. Raises ValueError for one of which too much would have to
be."""


def every_label(labels: Mapping[str, str]) -> Mapping[str, str]:
    return labels


class Malformed(ValueError):
    """A manifest or configuration that cannot be understood, so nothing may be concluded from it.

    `needs`: manifests that a more lenient reader may see in it, and which therefore stay as long as it does."""

    def __init__(self, what: str, needs: tuple[Digest, ...] = ()) -> None:
        super().__init__(what)
        self.needs = needs


_NONE: Final[Mapping[str, str]] = MappingProxyType({})


class RawManifest(msgspec.Struct, frozen=True):
    """The bytes as the registry stores them; `digest` was computed from `body`.

    Made with what a server says of the media type, which may be a proxy's guess; kept is what the bytes say of
    themselves, wherever they come from: the wire, the journal or the cache."""

    digest: Digest
    media_type: str
    body: bytes

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "media_type", own_media_type(self.body, self.media_type))


def own_media_type(body: bytes, said: str) -> str:
    """The `mediaType` of the bytes; without one `said` if it is a type for their shape, else the usual type of that.
    `said` alone, without parameters, for bytes that say nothing; empty if it is no type either."""
    said = said.partition(";")[0].strip().lower()
    said = said if _MEDIA_TYPE.fullmatch(said) else ""  # it goes into files and headers, and may be of any bytes
    try:
        shape = msgspec.json.decode(body, type=_Shape)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return said
    if isinstance(shape.mediaType, str) and _MEDIA_TYPE.fullmatch(shape.mediaType):
        return shape.mediaType
    match shape:
        case _Shape(config=dict()):
            usual: tuple[str, ...] = (OCI_MANIFEST, DOCKER_MANIFEST)
        case _Shape(manifests=list()):
            usual = (OCI_INDEX, DOCKER_LIST)
        case _Shape(fsLayers=list()):
            usual = (DOCKER_SCHEMA1, DOCKER_SCHEMA1_UNSIGNED)
        case _:
            return said
    return said if said in usual else usual[0]


class Manifest(msgspec.Struct, frozen=True):
    digest: Digest
    media_type: str
    size: int
    """Bytes of the manifest itself."""
    config: Digest | None = None
    """The image configuration, i.e. Docker's image id; None for an index or an artifact without one."""
    children: tuple[Digest, ...] = ()
    """Manifests that an index lists, in its order."""
    blobs: tuple[Digest, ...] = ()
    """What an index lists and says to be no manifest, e.g. the layers of BuildKit's cache
    (moby/buildkit, cache/remotecache/export.go). They cannot be read as manifests; should one of these digests be that
    of a manifest all the same, it stays with the index."""
    subject: Digest | None = None
    layers_size: int = 0
    """Bytes of all layers as stored."""
    annotations: Mapping[str, str] = _NONE
    """Those that were asked for. What is no text is left out."""
    attested: Mapping[Digest, tuple[Digest, ...]] = NOTHING
    """Of an index, where annotations were asked for: which of its children attest something of which."""
    statements: tuple[Statement, ...] = ()
    """Of a manifest that attests something, likewise: its provenance."""
    says_image: bool = True
    """False: the media type of the configuration is none of an image's, nor known to be something else's, so that only
    its content can tell. Docker 1.10 wrote `application/octet-stream`."""

    @property
    def is_index(self) -> bool:
        return self.media_type in INDEX_TYPES

    @property
    def named(self) -> tuple[Digest, ...]:
        """Whatever it lists, manifest or not, and what it is about."""
        return (*self.children, *self.blobs, *((self.subject,) if self.subject else ()))


class _Shape(msgspec.Struct):
    mediaType: object = None
    config: object = None
    manifests: object = None
    fsLayers: object = None


class _WireManifest(msgspec.Struct):
    mediaType: str = ""
    artifactType: str | None = None
    annotations: object = None
    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] | None = None
    manifests: tuple[Descriptor, ...] | None = None
    subject: Descriptor | None = None


class _AnnotatedManifest(_WireManifest):
    layers: tuple[Annotated, ...] | None = None
    manifests: tuple[Annotated, ...] | None = None


def parse_manifest(raw: RawManifest, annotations: Labels | None = None) -> Manifest:
    """The manifest that the bytes say. `annotations`: which of them are remembered. Raises Malformed."""
    try:
        refuse_ambiguous(raw.body, ANNOTATED if annotations else MANIFEST)
        wire = msgspec.json.decode(raw.body, type=_AnnotatedManifest if annotations else _WireManifest)
        media_type = raw.media_type
        # Whatever it is called, the content decides.
        is_index = wire.manifests is not None and wire.config is None
        if is_index and media_type not in INDEX_TYPES:
            media_type = OCI_INDEX
        if media_type in INDEX_TYPES and wire.manifests is None:
            raise Malformed(f"{raw.digest} is called an index but lists no manifests")
        says_image = _says_image(wire)
        listed = wire.manifests or ()
        return Manifest(
            digest=raw.digest,
            media_type=media_type,
            size=len(raw.body),
            config=Digest.parse(wire.config.digest) if wire.config and says_image is not False else None,
            says_image=says_image is not None,
            children=tuple(Digest.parse(child.digest) for child in listed if not _NO_MANIFEST.match(child.mediaType)),
            blobs=tuple(Digest.parse(child.digest) for child in listed if _NO_MANIFEST.match(child.mediaType)),
            subject=Digest.parse(wire.subject.digest) if wire.subject else None,
            layers_size=sum(layer.size for layer in wire.layers or ()),
            annotations=annotations(texts(wire.annotations)) if annotations else _NONE,
            attested=attested(wire.manifests or ()) if isinstance(wire, _AnnotatedManifest) else NOTHING,
            statements=statements(wire.layers or ()) if isinstance(wire, _AnnotatedManifest) else (),
        )
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Malformed(f"manifest {raw.digest} cannot be understood: {error}", _mentioned(raw.body)) from error


def understood(raw: RawManifest) -> Manifest | None:
    """The manifest that the bytes say; None for what cannot be understood."""
    try:
        return parse_manifest(raw)
    except Malformed:
        return None


def named(raw: RawManifest) -> tuple[Digest, ...]:
    """Whatever the bytes list, and what they are about; of what cannot be understood, all that any reader may see in
    it."""
    try:
        return parse_manifest(raw).named
    except Malformed as error:
        return error.needs


def _mentioned(body: bytes) -> tuple[Digest, ...]:
    found = []
    for text in mentioned(body):
        with suppress(InvalidName):
            found.append(Digest.parse(text))
    return tuple(found)


def _says_image(wire: _WireManifest) -> bool | None:
    """Whether the manifest says that it is an image's; None if nothing is said either way."""
    kind = (wire.config.mediaType if wire.config else "").partition(";")[0].strip().lower()
    if wire.layers and all(layer.mediaType == IN_TOTO for layer in wire.layers):
        return False
    if kind in CONFIG_TYPES:
        return True
    return False if wire.config is None or wire.artifactType or kind.startswith(NO_IMAGES) else None


def parts(indexes: Iterable[Digest], manifests: Mapping[Digest, Manifest]) -> set[Digest]:
    """What these indexes list, at any depth, be it known or not."""
    found: set[Digest] = set()
    frontier = set(indexes)
    while frontier:
        children = {child for digest in frontier if (manifest := manifests.get(digest)) for child in manifest.children}
        frontier = children - found
        found |= children
    return found


def blobs_of(raw: RawManifest) -> tuple[Digest, ...]:
    """What the registry must hold for it besides manifests: configuration and layers, without those that are kept
    elsewhere (`nondistributable`, Docker's `foreign`). Empty for bytes that cannot be understood."""
    try:
        wire = msgspec.json.decode(raw.body, type=_WireManifest)
        named = ((wire.config,) if wire.config else ()) + tuple(wire.layers or ())
        return tuple(
            dict.fromkeys(Digest.parse(each.digest) for each in named if not _ELSEWHERE.search(each.mediaType))
        )
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return ()
