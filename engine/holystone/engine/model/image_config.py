"""Image configurations as far as a cleaner needs them.

Grammar: OCI image specification 1.1 (config.md).
"""

import datetime as dt
from collections.abc import Mapping

import msgspec

from holystone.engine.model.ambiguous import CONFIG, may_be_ambiguous, refuse_ambiguous
from holystone.engine.model.manifests import Malformed
from holystone.engine.model.references import Digest, InvalidName


class ImageConfig(msgspec.Struct, frozen=True):
    digest: Digest
    created: int
    """Unix seconds; 0 if the image does not say."""
    labels: Mapping[str, str]
    parent: Digest | None
    """The image id this image was built from (Docker's `config.Image`)."""
    odd: str = ""
    """What in it is not as it should be, though the rest can be understood."""


class _WireInner(msgspec.Struct):
    Labels: dict[str, str | None] | None = None
    Image: str | None = None


class _WireConfig(msgspec.Struct):
    created: str | None = None
    config: _WireInner | None = None


class _OddInner(msgspec.Struct):
    Labels: object = None
    Image: object = None


class _OddConfig(msgspec.Struct):
    created: object = None
    config: object = None


def parse_config(digest: Digest, body: bytes) -> ImageConfig:
    """One field that makes no sense spoils itself. Raises Malformed for what is no configuration at all, or has two
    meanings."""
    try:
        if may_be_ambiguous(body, CONFIG):
            refuse_ambiguous(body, CONFIG)
        try:
            wire = msgspec.json.decode(body, type=_WireConfig)
            inner = wire.config or _WireInner()
            return ImageConfig(
                digest=digest,
                created=_unix(wire.created),
                labels={key: value or "" for key, value in (inner.Labels or {}).items()},
                parent=Digest.parse(inner.Image) if inner.Image else None,
            )
        except (msgspec.ValidationError, ValueError):
            return _odd_config(digest, msgspec.json.decode(body, type=_OddConfig))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Malformed(f"image configuration {digest} cannot be understood: {error}") from error


def _odd_config(digest: Digest, wire: _OddConfig) -> ImageConfig:
    odd: list[str] = []
    created, parent = 0, None
    try:
        created = _unix(msgspec.convert(wire.created, type=str | None))
    except (msgspec.ValidationError, ValueError, OverflowError):
        odd.append("its creation time is none")
    try:
        inner = msgspec.convert(wire.config or {}, type=_OddInner)
    except msgspec.ValidationError:
        inner = _OddInner()
        odd.append("its `config` is no object")
    if inner.Image:
        try:
            parent = Digest.parse(msgspec.convert(inner.Image, type=str))
        except (msgspec.ValidationError, InvalidName):
            # As `docker commit` writes it. A stage has the id of the one before, and no name is one.
            odd.append("its parent is no image id")
    said = inner.Labels or {}
    if not isinstance(said, dict):
        said = {}
        odd.append("its labels are no labels")
    labels = {key: value or "" for key, value in said.items() if value is None or isinstance(value, str)}
    if len(labels) < len(said):
        odd.append("one of its labels is no text")
    return ImageConfig(digest, created, labels, parent, odd=f"image configuration {digest.short}: {', '.join(odd)}")


def _unix(text: str | None) -> int:
    if not text:
        return 0
    moment = msgspec.convert(text, type=dt.datetime)  # RFC 3339 with up to nine digits of a second
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return int(moment.timestamp())
