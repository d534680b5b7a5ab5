"""Blobs, and the three ways to upload one: in one POST, POST and PUT, or POST, PATCH… and PUT."""

from holystone.embedded.errors import error_reply
from holystone.embedded.exchange import Incoming, Reply
from holystone.embedded.handlers.ranges import part_of
from holystone.embedded.quirks import Quirks
from holystone.embedded.routes import Route
from holystone.embedded.storage import Storage
from holystone.engine.model.references import Digest, InvalidName


def get(storage: Storage, quirks: Quirks, request: Incoming, route: Route) -> Reply:
    digest = _digest(route.reference)
    if quirks.finds_blobs_elsewhere and request.method == "HEAD":
        storage.adopt_blob(route.repository, digest)
    body = storage.find_blob(route.repository, digest)
    if body is None:
        raise error_reply("BLOB_UNKNOWN", digest)
    stored = storage.stored_digest(route.repository, digest)
    headers = {"Content-Type": "application/octet-stream", "Docker-Content-Digest": stored, "Etag": f'"{stored}"'}
    return part_of(Reply(200, body, {**headers, "Accept-Ranges": "bytes"}), request.headers.get("Range", ""))


def delete(storage: Storage, quirks: Quirks, _request: Incoming, route: Route) -> Reply:
    if not quirks.deletion:
        raise error_reply("UNSUPPORTED")
    if not storage.delete_blob(route.repository, _digest(route.reference)):
        raise error_reply("BLOB_UNKNOWN")
    return Reply(202)


def begin(storage: Storage, quirks: Quirks, request: Incoming, route: Route) -> Reply:
    query = request.query
    mount = query.get("mount", "")
    if mount and _mounted(storage, quirks, route, _digest(mount), query.get("from", "")):
        return _stored(quirks, request, route, mount)
    if "digest" in query and quirks.upload_in_one_post:
        return _store(storage, quirks, request, route, request.body)
    return _progress(202, storage, quirks, request, route, storage.begin_upload())


def _mounted(storage: Storage, quirks: Quirks, route: Route, digest: Digest, source: str) -> bool:
    if quirks.finds_blobs_elsewhere:
        return storage.adopt_blob(route.repository, digest)
    found = storage.find_blob(source, digest) is not None
    if found:
        storage.link_blob(route.repository, digest, digest)
    return found


def progress(storage: Storage, quirks: Quirks, request: Incoming, route: Route) -> Reply:
    _check_tracked(quirks)
    _upload(storage, quirks, route)
    return _progress(204, storage, quirks, request, route, route.reference)


def append(storage: Storage, quirks: Quirks, request: Incoming, route: Route) -> Reply:
    upload = _upload(storage, quirks, route)
    _check_range(quirks, request, upload)
    upload += request.body
    return _progress(202, storage, quirks, request, route, route.reference)


def finish(storage: Storage, quirks: Quirks, request: Incoming, route: Route) -> Reply:
    upload = _upload(storage, quirks, route)
    _check_range(quirks, request, upload)
    reply = _store(storage, quirks, request, route, bytes(upload) + request.body)
    storage.end_upload(route.reference)
    return reply


def cancel(storage: Storage, quirks: Quirks, _request: Incoming, route: Route) -> Reply:
    _check_tracked(quirks)
    _upload(storage, quirks, route)
    storage.end_upload(route.reference)
    return Reply(204, headers={"Docker-Upload-Uuid": route.reference})


def _check_tracked(quirks: Quirks) -> None:
    if not quirks.tracks_uploads:
        raise error_reply("NAME_INVALID")


def _upload(storage: Storage, quirks: Quirks, route: Route) -> bytearray:
    upload = storage.upload(route.reference)
    if upload is None and not quirks.tracks_uploads:
        return bytearray()
    if upload is None:
        raise error_reply("BLOB_UPLOAD_UNKNOWN")
    return upload


def _check_range(quirks: Quirks, request: Incoming, upload: bytearray) -> None:
    start = request.headers.get("Content-Range", "").partition("-")[0]
    if start and quirks.checks_content_range and start != str(len(upload)):
        raise error_reply("RANGE_INVALID")


def _store(storage: Storage, quirks: Quirks, request: Incoming, route: Route, body: bytes) -> Reply:
    digest = _digest(request.query.get("digest", ""))
    if Digest.of(body, digest.algorithm) != digest:
        raise error_reply("DIGEST_INVALID")
    stored = storage.put_blob(route.repository, body, "sha256" if quirks.sha512 == "no" else digest.algorithm)
    storage.link_blob(route.repository, digest, stored)
    return _stored(quirks, request, route, stored)


def _stored(quirks: Quirks, request: Incoming, route: Route, digest: str) -> Reply:
    headers = {"Docker-Content-Digest": digest}
    if quirks.locations != "of-uploads":
        headers["Location"] = f"{_base(quirks, request)}/v2/{route.repository}/blobs/{digest}"
    return Reply(201, headers=headers)


def _progress(status: int, storage: Storage, quirks: Quirks, request: Incoming, route: Route, upload: str) -> Reply:
    location = f"{_base(quirks, request)}/v2/{route.repository}/blobs/uploads/{upload}?_state={upload[-4:]}"
    come = _range(storage.upload(upload) or bytearray())
    return Reply(status, headers={"Location": location, "Range": come, "Docker-Upload-Uuid": upload})


def _range(upload: bytearray) -> str:
    return f"0-{max(len(upload) - 1, 0)}"


def _base(quirks: Quirks, request: Incoming) -> str:
    return request.base if quirks.locations == "absolute" else ""


def _digest(text: str) -> Digest:
    try:
        return Digest.parse(text)
    except InvalidName as error:
        raise error_reply("DIGEST_INVALID", "digest parsing failed") from error
