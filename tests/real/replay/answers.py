"""What an answer says, in words that are the same wherever and whenever it is given: digests by the names of their
documents, no hosts, no numbers of uploads, no dates."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from multidict import CIMultiDictProxy

from tests.real.replay.documents import DOCUMENTS
from tests.real.replay.requests import LONG, LONGER, Ask

Facts: TypeAlias = Mapping[str, str]
_NAMES: Final = {each.digest: name for name, each in reversed(list(DOCUMENTS.items()))}
_BODIES: Final = {each.body: name for name, each in reversed(list(DOCUMENTS.items()))}
_DIGEST: Final = re.compile(r"sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})")
_UPLOAD: Final = re.compile(r"(/blobs/uploads/).*")
_QUERY: Final = re.compile(r"\?([^>]+)")
_TAG_OF_DIGEST: Final = re.compile(r"sha256-([0-9a-f]{64})")
_FIELDS: Final = {
    *("name", "digest", "media_type", "config_digest", "referrers", "artifactType"),  # GitLab
    *("manifest_media_type", "tags", "immutable", "accessories", "type", "references", "child_digest", "registry_id"),
    *("manifest_digest", "is_manifest_list", "child_manifests_presence", "has_additional", "page"),  # Quay
    *("tag_expiration_s", "state", "can_write", "is_public"),
}
"""Of what vendors' own APIs tell."""
_VERSION: Final = re.compile(r"unknown|v?[0-9]+\.[0-9]+\.[0-9]+(-\w+)?")
_SIGNS: Final = (
    "Docker-Distribution-Api-Version",
    "Access-Control-Allow-Headers",
    "Gitlab-Container-Registry-Version",
    "Gitlab-Container-Registry-Database-Enabled",
)
"""Headers by which a server says what it is."""


@dataclass(frozen=True, slots=True)
class Places:
    """What the names of a side's repositories and its address are replaced by."""

    host: str
    repo: str
    other: str

    def plain(self, text: str) -> str:
        text = (
            text.replace(LONGER, "LONGER").replace(LONG, "LONG").replace(self.other, "OTHER").replace(self.repo, "REPO")
        )
        text = text.replace(self.repo.replace("/", "%2F"), "REPO").replace(self.host, "HOST")
        text = text.replace(self.repo.rpartition("/")[2], "REPO")
        text = _DIGEST.sub(lambda found: _NAMES.get(found[0], "another digest"), text)
        return _TAG_OF_DIGEST.sub(lambda found: f"sha256-{_NAMES.get(f'sha256:{found[1]}', 'other')}", text)


def facts(ask: Ask, status: int, headers: CIMultiDictProxy[str], body: bytes, places: Places) -> Facts:
    if ask.setting:
        return {"succeeds": str(200 <= status < 300), "status": str(status)} if status >= 400 else {"succeeds": "True"}
    document = _json(body)
    found = {"status": str(status), "code": _code(document)}
    if status in (200, 206):
        found["type"] = headers.get("Content-Type", "").partition(";")[0]
    for name in ("Docker-Content-Digest", "OCI-Subject", "OCI-Filters-Applied", "OCI-Tag"):
        found[name] = places.plain(headers.get(name, ""))
    if "/uploads/" in ask.path or ask.path == "{upload}":
        found["Range"] = headers.get("Range", "")
    found["Location"] = _UPLOAD.sub(r"\1UPLOAD", places.plain(headers.get("Location", "")))
    found["Link"] = _QUERY.sub(_in_order, places.plain(headers.get("Link", "")))
    found["challenge"] = _challenge(headers.getall("WWW-Authenticate", ()), places)
    if ask.path == "/v2/":
        found |= {name: _VERSION.sub("VERSION", headers.get(name, "")) for name in _SIGNS}
    if status in (200, 206) and ("/manifests/" in ask.path or "/blobs/" in ask.path):
        found["Content-Length"] = headers.get("Content-Length", "")
        found["Content-Range"] = headers.get("Content-Range", "")
        if ask.method == "GET":
            found["body"] = _BODIES.get(body) or ("another document" if document else body.decode(errors="replace"))
    if ask.of_an_api and status == 200:
        found |= {"told": _told_by_an_api(document, places), "total": headers.get("X-Total-Count", "")}
    elif status == 200:
        found |= _listed(document, places)
    return {name: value for name, value in found.items() if value}


def _in_order(query: re.Match[str]) -> str:
    return "?" + "&".join(sorted(query[1].split("&")))


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _code(document: Any) -> str:
    """OCI's, and those of the vendors' own APIs."""
    match document:
        case {"errors": [{"code": code}, *_]}:
            return str(code)
        case {"error_type": str(code)}:
            return code
        case _:
            return ""


def _challenge(values: Iterable[str], places: Places) -> str:
    """Its kind, where a token is had, and for what."""
    found = []
    for value in values:
        kind, _, rest = value.partition(" ")
        said = dict(re.findall(r'(\w+)="([^"]*)"', rest))
        told = [f"{name}={places.plain(said[name])}" for name in ("realm", "service", "scope", "error") if name in said]
        found.append(" ".join((kind, *told)))
    return "; ".join(sorted(found))


def _listed(document: Any, places: Places) -> Facts:
    match document:
        case {"tags": None, "name": _}:
            return {"tags": "null"}
        case {"tags": [*tags], "name": _} if all(isinstance(each, str) for each in tags):
            order = "sorted" if tags == sorted(tags) else "its own"
            return {"tags": " ".join(map(places.plain, sorted(tags))) or "none", "order": order}
        case {"manifests": [*entries], "schemaVersion": 2}:
            return {"entries": "; ".join(sorted(_entry(each, places) for each in entries)) or "none"}
        case _:
            return {}


def _entry(entry: Mapping[str, Any], places: Places) -> str:
    told = [places.plain(str(entry.get("digest", ""))), str(entry.get("mediaType", "")), str(entry.get("size", ""))]
    told += [f"{name}={entry[name]}" for name in ("artifactType", "annotations") if entry.get(name)]
    return " ".join(told)


def _told_by_an_api(document: Any, places: Places) -> str:
    """What our adapters read of it, or may do so."""
    return places.plain(json.dumps(_read(document), sort_keys=True).replace('"', ""))


def _read(document: Any) -> Any:
    if isinstance(document, dict):
        fields = _FIELDS - {"media_type"} if "manifest_media_type" in document else _FIELDS
        return {name: _read(each) for name, each in sorted(document.items()) if name in fields or ":" in name}
    if isinstance(document, list):
        return sorted(map(_read, document), key=json.dumps)
    return document
