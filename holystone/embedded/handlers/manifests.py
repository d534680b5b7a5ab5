"""Manifests by tag and digest, and the referrers of one."""

from holystone.embedded.errors import ErrorReply, error_reply
from holystone.embedded.exchange import Incoming, Reply, encode
from holystone.embedded.handlers.negotiation import negotiated
from holystone.embedded.manifests import SIZE_LIMIT, Invalid, StoredManifest, read, referrer_entry
from holystone.embedded.quirks import Quirks
from holystone.embedded.routes import Route
from holystone.embedded.storage import Missing, RepositoryState, Storage
from holystone.engine.model.manifests import OCI_INDEX
from holystone.engine.model.references import Digest, InvalidName, Tag


def get(storage: Storage, quirks: Quirks, request: Incoming, route: Route) -> Reply:
    _check_digest(quirks, route)
    stored = storage.find(route.repository, route.reference)
    if stored is None:
        state = storage.repositories.get(route.repository)
        known = state is not None and state.has_begun(quirks.repository_begins)
        if quirks.unknown_repository == "NAME_UNKNOWN" and not known:
            raise error_reply("NAME_UNKNOWN")
        raise _unknown(quirks, route)
    body, media_type, digest = negotiated(storage, quirks, request, route, stored)
    if quirks.conditions and request.headers.get("If-None-Match", "").strip('"') == digest:
        return Reply(304)
    return Reply(200, body, {"Content-Type": media_type, "Docker-Content-Digest": digest, "Etag": f'"{digest}"'})


def put(storage: Storage, quirks: Quirks, request: Incoming, route: Route) -> Reply:
    if not quirks.malformed_digest_is_a_tag:
        _check_digest(quirks, route)
    if len(request.body) > SIZE_LIMIT and not quirks.takes_anything:
        raise error_reply("MANIFEST_INVALID", "request body too large", status=quirks.oversized_status)
    by_digest = ":" in route.reference
    wanted = _wanted_digest(quirks, request, route)
    algorithm = wanted.algorithm if wanted else "sha256"
    if wanted and Digest.of(request.body, algorithm) != wanted:
        raise error_reply("DIGEST_INVALID")
    asked = request.query.get("tag") if by_digest and quirks.sha512 == "tag-parameter" else None
    if asked and not _is(Tag, asked):
        raise error_reply("TAG_INVALID")
    tag = asked if by_digest else route.reference
    media_type = request.headers.get("Content-Type", "").partition(";")[0].strip()
    state = storage.repository(route.repository)
    before = state.tags.get(tag) if tag else None
    pin = quirks.pins_tagged or not state.tags_of(route.reference)
    try:
        if not (quirks.nested_indexes and quirks.foreign_layers):
            _check_content(quirks, state, read(Digest.of(request.body), media_type, request.body))
        stored = storage.put_manifest(
            route.repository,
            request.body,
            media_type,
            tag,
            pin=pin,
            algorithm=algorithm,
            anything=quirks.takes_anything,
        )
    except Invalid as error:
        raise error_reply("MANIFEST_INVALID", str(error)) from error
    except Missing as error:
        raise _lacking(quirks, error) from error
    _check_digest(quirks, route)
    if tag and not quirks.pins_tagged:
        state.pinned.discard(stored.digest)
    if before and quirks.overwrite_drops:
        storage.release(route.repository, before, blobs=quirks.blobs_go)
    headers = {"Docker-Content-Digest": str(stored.digest)}
    if quirks.locations != "of-uploads":
        base = request.base if quirks.locations == "absolute" else ""
        named = request.path.rpartition("/")[2] if quirks.locations == "as-pushed" else stored.digest
        headers["Location"] = f"{base}/v2/{route.repository}/manifests/{named}"
    if stored.subject and _is(Digest, stored.subject) and quirks.referrers_api:
        headers["OCI-Subject"] = stored.subject
    if asked:
        headers["OCI-Tag"] = asked
    return Reply(201, headers=headers)


def _wanted_digest(quirks: Quirks, request: Incoming, route: Route) -> Digest | None:
    """The digest that the client names, a valid one. None: the server may choose."""
    named = route.reference if ":" in route.reference else ""
    if not named and quirks.sha512 == "digest-parameter":
        named = request.query.get("digest", "")
    if not _is(Digest, named):
        return None
    if named.startswith("sha512:") and quirks.sha512 == "no":
        raise error_reply("DIGEST_INVALID")
    return Digest(named)


def delete(storage: Storage, quirks: Quirks, _request: Incoming, route: Route) -> Reply:
    if not quirks.malformed_digest_is_a_tag:
        _check_digest(quirks, route)
    is_tag = ":" not in route.reference
    if not quirks.deletion and (_is(Digest, route.reference) or not quirks.tags_deletable_when_off):
        raise error_reply("UNSUPPORTED")
    state = storage.repositories.get(route.repository)
    if state is None and quirks.unknown_repository_on_delete == "NAME_UNKNOWN":
        raise error_reply("NAME_UNKNOWN")
    if state is None and quirks.unknown_repository_on_delete == "NAME_UNKNOWN-400":
        raise error_reply("NAME_UNKNOWN", status=400)
    if state is None and quirks.unknown_repository_on_delete == "NAME_UNKNOWN-of-tags" and is_tag:
        raise error_reply("NAME_UNKNOWN")
    if is_tag:
        return _delete_tag(storage, quirks, route)
    if not quirks.deletes_tags and not _is(Digest, route.reference):
        raise error_reply("DIGEST_INVALID")
    _check_digest(quirks, route)
    if quirks.protects_children and state and state.indexes_with(route.reference):
        raise error_reply("DENIED", "manifest is listed by an index", status=405)
    if not storage.delete_manifest(route.repository, route.reference, leaves=quirks.digest_delete_leaves):
        raise error_reply("MANIFEST_UNKNOWN")
    if quirks.blobs_go:
        storage.release(route.repository, route.reference, blobs=True)
    return Reply(202)


def _delete_tag(storage: Storage, quirks: Quirks, route: Route) -> Reply:
    if not quirks.deletes_tags:
        raise error_reply("DIGEST_INVALID")
    stored = storage.find(route.repository, route.reference)
    if not storage.delete_tag(route.repository, route.reference):
        raise error_reply("MANIFEST_UNKNOWN")
    if stored and quirks.last_tag_drops:
        storage.release(route.repository, stored.digest, blobs=quirks.blobs_go)
    return Reply(202)


def referrers(storage: Storage, quirks: Quirks, request: Incoming, route: Route) -> Reply:
    if not _is(Digest, route.reference):
        raise error_reply("DIGEST_INVALID", status=400)
    state = storage.repositories.get(route.repository)
    entries = [referrer_entry(each) for each in (state.referrers(route.reference) if state else ())]
    headers = {"Content-Type": OCI_INDEX}
    if wanted := request.query.get("artifactType"):
        entries = [entry for entry in entries if entry["artifactType"] == wanted]
        headers["OCI-Filters-Applied"] = "artifactType"
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    return Reply(200, encode(index), headers)


def _unknown(quirks: Quirks, route: Route) -> ErrorReply:
    if ":" in route.reference:
        return error_reply("MANIFEST_UNKNOWN", f"unknown {route.reference}")
    match quirks.absent_tag:
        case "unknown-tag":
            return error_reply("MANIFEST_UNKNOWN", f"unknown tag={route.reference}")
        case "document":
            return error_reply("MANIFEST_UNKNOWN", {"Tag": route.reference})
        case "words":
            return error_reply("MANIFEST_UNKNOWN", "tag or digest was not found in repository")


def _check_content(quirks: Quirks, state: RepositoryState, manifest: StoredManifest) -> None:
    """Refuses a manifest whose parts are missing. A subject may be an index."""
    if manifest.foreign and not quirks.foreign_layers:
        raise error_reply("UNKNOWN")
    listed = (state.manifests.get(child.digest) for child in manifest.children)
    if not quirks.nested_indexes and any(child and child.children for child in listed):
        raise error_reply("MANIFEST_INVALID")


def _lacking(quirks: Quirks, missing: Missing) -> ErrorReply:
    if quirks.missing_code != "BLOB_UNKNOWN":
        return error_reply(quirks.missing_code, missing.digests[0])
    return error_reply("BLOB_UNKNOWN") if missing.blobs else error_reply("MANIFEST_BLOB_UNKNOWN", status=404)


def _is(kind: type[Digest | Tag], text: str) -> bool:
    try:
        kind.parse(text)
    except InvalidName:
        return False
    return True


def _check_digest(quirks: Quirks, route: Route) -> None:
    if ":" in route.reference and not _is(Digest, route.reference):
        raise (
            error_reply("UNKNOWN", "invalid path")
            if quirks.malformed_digest_is_a_tag
            else error_reply("DIGEST_INVALID")
        )
