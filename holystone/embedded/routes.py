"""Which resource a path names, and which verbs it has."""

import re
from typing import Final, Literal, NamedTuple

RouteKind = Literal["version", "catalog", "tags", "manifest", "blob", "uploads", "upload", "referrers"]

METHODS: Final[dict[RouteKind, tuple[str, ...]]] = {
    "version": ("GET", "HEAD"),
    "catalog": ("GET",),
    "tags": ("GET",),
    "manifest": ("DELETE", "GET", "HEAD", "PUT"),
    "blob": ("DELETE", "GET", "HEAD"),
    "uploads": ("POST",),
    "upload": ("DELETE", "GET", "HEAD", "PATCH", "PUT"),
    "referrers": ("GET",),
}


class Route(NamedTuple):
    kind: RouteKind
    repository: str = ""
    reference: str = ""
    """A tag, a digest (well-formed or not) or the id of an upload."""


_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME = rf"/v2/({_PART}(?:/{_PART})*)"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[A-Za-z0-9=_-]+"  # go-digest's: loose on purpose
_PATTERNS: Final[tuple[tuple[RouteKind, re.Pattern[str]], ...]] = (
    ("manifest", re.compile(rf"{_NAME}/manifests/({_DIGEST}|{_TAG})")),
    ("uploads", re.compile(rf"{_NAME}/blobs/uploads/?()")),
    ("upload", re.compile(rf"{_NAME}/blobs/uploads/([A-Za-z0-9_.=-]+)")),
    ("blob", re.compile(rf"{_NAME}/blobs/({_DIGEST})")),
    ("tags", re.compile(rf"{_NAME}/tags/list()")),
    ("referrers", re.compile(rf"{_NAME}/referrers/({_DIGEST})")),
)


def route(path: str) -> Route | None:
    if path == "/v2/":
        return Route("version")
    if path == "/v2/_catalog":
        return Route("catalog")
    for kind, pattern in _PATTERNS:
        if found := pattern.fullmatch(path):
            return Route(kind, found[1], found[2])
    return None
