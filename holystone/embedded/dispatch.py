"""Finds the handler of a request. No I/O: the whole registry behind the socket, in one function."""

from collections.abc import Callable
from typing import Final

from holystone.embedded.errors import error_reply, unrouted
from holystone.embedded.exchange import Incoming, Reply
from holystone.embedded.handlers import blobs, listing, manifests
from holystone.embedded.quirks import Quirks
from holystone.embedded.routes import METHODS, Route, RouteKind
from holystone.embedded.storage import Storage

_LONGEST_NAME: Final = 255
Handler = Callable[[Storage, Quirks, Incoming, Route], Reply]

_HANDLERS: Final[dict[tuple[RouteKind, str], Handler]] = {
    ("version", "GET"): listing.version,
    ("catalog", "GET"): listing.catalog,
    ("tags", "GET"): listing.tags,
    ("manifest", "GET"): manifests.get,
    ("manifest", "PUT"): manifests.put,
    ("manifest", "DELETE"): manifests.delete,
    ("referrers", "GET"): manifests.referrers,
    ("blob", "GET"): blobs.get,
    ("blob", "DELETE"): blobs.delete,
    ("uploads", "POST"): blobs.begin,
    ("upload", "GET"): blobs.progress,
    ("upload", "PATCH"): blobs.append,
    ("upload", "PUT"): blobs.finish,
    ("upload", "DELETE"): blobs.cancel,
}


def dispatch(storage: Storage, quirks: Quirks, request: Incoming, route: Route) -> Reply:
    """Raises ErrorReply."""
    if route.kind == "referrers" and not quirks.referrers_api:
        raise unrouted(404, quirks.router_code)
    allowed = METHODS[route.kind]
    if quirks.read_only:
        allowed = tuple(method for method in allowed if method in ("GET", "HEAD"))
    if request.method not in allowed:
        raise unrouted(405, quirks.router_code, allowed)
    if len(route.repository) > _LONGEST_NAME:
        raise error_reply("NAME_INVALID")
    if quirks.folds_tags and ":" not in route.reference:
        route = route._replace(reference=route.reference.lower())
    method = "GET" if request.method == "HEAD" else request.method
    return _HANDLERS[route.kind, method](storage, quirks, request, route)
