"""What a server sends in place of the stored manifest when `Accept` lacks its media type."""

from typing import Any

import msgspec

from holystone.embedded.errors import error_reply
from holystone.embedded.exchange import Incoming
from holystone.embedded.manifests import StoredManifest
from holystone.embedded.quirks import Quirks
from holystone.embedded.routes import Route
from holystone.embedded.storage import Storage
from holystone.engine.model.codec import from_json
from holystone.engine.model.manifests import DOCKER_LIST, DOCKER_MANIFEST, DOCKER_SCHEMA1, OCI_INDEX, OCI_MANIFEST
from holystone.engine.model.references import Digest

Served = tuple[bytes, str, str]
"""Body, media type, and the digest that the header tells."""


def negotiated(storage: Storage, quirks: Quirks, request: Incoming, route: Route, stored: StoredManifest) -> Served:
    as_stored = (stored.body, stored.media_type, stored.digest)
    if quirks.strict_accept == "none":
        return as_stored
    accepted = {each.partition(";")[0].strip() for each in request.headers.get("Accept", "").split(",")}
    if stored.media_type in accepted:
        return as_stored
    if stored.media_type == OCI_MANIFEST or (stored.media_type == OCI_INDEX and quirks.strict_accept == "all"):
        raise error_reply("MANIFEST_UNKNOWN", "OCI manifest found, but accept header does not support it")
    if ":" in route.reference:
        return as_stored
    if stored.media_type == DOCKER_LIST:
        stored = _amd64(storage, route, stored)
        if DOCKER_MANIFEST not in accepted and quirks.insists_on_docker and not quirks.converts_to_schema1:
            raise error_reply("MANIFEST_INVALID", "schema 2 manifest not supported by client")
    if quirks.converts_to_schema1 and stored.media_type == DOCKER_MANIFEST and DOCKER_MANIFEST not in accepted:
        body = _schema1(storage, route, stored)
        return body, DOCKER_SCHEMA1, Digest.of(body)
    return stored.body, stored.media_type, stored.digest


def _amd64(storage: Storage, route: Route, index: StoredManifest) -> StoredManifest:
    for child in index.children:
        if child.platform and (child.platform.os, child.platform.architecture) == ("linux", "amd64"):
            found = storage.find(route.repository, child.digest)
            if found:
                return found
    raise error_reply("MANIFEST_UNKNOWN")


class _Config(msgspec.Struct):
    architecture: str = ""
    history: list[dict[str, Any]] | None = None


def _schema1(storage: Storage, route: Route, manifest: StoredManifest) -> bytes:
    config_digest, *layers = manifest.blobs
    try:
        config = from_json(storage.find_blob(route.repository, config_digest) or b"", _Config)
    except msgspec.DecodeError:
        config = _Config()
    history = config.history or ()
    if not history or sum(not each.get("empty_layer") for each in history) != len(layers):
        raise error_reply("MANIFEST_INVALID")  # distribution cannot convert such a configuration
    return msgspec.json.encode(
        {
            "schemaVersion": 1,
            "name": route.repository,
            "tag": route.reference,
            "architecture": config.architecture,
            "fsLayers": [{"blobSum": digest} for digest in reversed(layers)],
            "history": [{"v1Compatibility": msgspec.json.encode(each).decode()} for each in history],
        }
    )
