"""All objects of one kind, page by page: complete, or an error.

Paging: kubernetes.io, "Kubernetes API Concepts", retrieving large results sets in chunks.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

import msgspec

from holystone.adapters.http.bodies import TooLarge
from holystone.adapters.http.errors import summary
from holystone.adapters.http.reply import Reply, printable
from holystone.adapters.kubernetes.api import ApiServer
from holystone.adapters.kubernetes.objects import ObjectKind, Page
from holystone.engine.errors import IncompleteSource, Unauthorized

_SIZES: Final = (500, 100, 20, 4, 1)
"""Objects that are asked for at once; each further one when a page of the last one was too large to be read. One object
has 1.5 MiB at most, as etcd keeps it (etcd.io, "System limits"), and whoever may make any may make hundreds of that."""
_PAGES: Final = 10_000
"""In one list, restarts included, that have no object in them. The others are as many as there are objects, at worst:
four pods of 1.5 MiB make all of them short."""
_OBJECTS: Final = 1_000_000
"""In one list, restarts included. A cluster has a tenth of that at most (kubernetes.io, "Considerations for large
clusters": 150,000 pods)."""
_BRACES: Final = 3_000_000
"""In one page. Each thing that is read of it has at least one, takes three bytes of the reply then and up to a hundred
of memory; 500 pods of twenty containers, with the managed fields of each, have half as many."""
_CURSOR: Final = 1 << 16
"""Characters of a `continue` token, which names an object. It becomes a part of the next address: one of 7 MB, of one
cluster, took two gigabytes."""
_RESTARTS: Final = 5
"""A `continue` token is good for about five minutes, the server's compaction of its history."""


async def list_all(
    server: ApiServer,
    kind: ObjectKind,
    namespace: str,
    take: Callable[[Any], None],
    *,
    or_else: str = "",
    most: int = _OBJECTS,
) -> None:
    """Every object goes to `take`, some twice if the list had to begin again. `namespace`: empty for all. `or_else`:
    what else than a right would help a user who may not list them. `most`: objects. Raises IncompleteSource,
    Unauthorized."""
    where = f"in namespace {printable(namespace)}" if namespace else "in all namespaces"
    what = f"{kind.plural} {where}"
    groups = list(kind.groups)
    sizes = list(_SIZES)
    after, seen, restarts, objects, empty = "", set[bytes](), 0, 0, 0
    while empty < _PAGES:
        query = {"limit": str(sizes[0]), **({"continue": after} if after else {})}
        try:
            reply = await _get(server, _path(groups[0], namespace, kind.plural), query, what)
        except TooLarge:
            if len(sizes) == 1:
                raise
            # From the beginning: `continue` is good for the same question alone (API reference, "ListOptions").
            sizes.pop(0)
            after, seen = "", set()
            continue
        if reply.status == 404 and len(groups) > 1 and not after:
            groups.pop(0)
            continue
        if reply.status == 410 and restarts < _RESTARTS:
            after, seen, restarts = "", set(), restarts + 1
            continue
        number, after = _taken(_page(reply, kind, what, namespace, or_else), take, most - objects)
        del reply  # dozens of lists wait for their next page at once
        objects += number
        empty += not number
        if objects > most:
            raise IncompleteSource(f"its list of {what} has more than {most:,} objects")
        if not after:
            return
        if len(after) > _CURSOR:
            raise IncompleteSource(f"its list of {what} goes on with a token of more than {_CURSOR:,} characters")
        mark = hashlib.sha256(after.encode(errors="surrogatepass")).digest()
        if mark in seen:
            raise IncompleteSource(f"its list of {what} goes round in circles")
        seen.add(mark)
    raise IncompleteSource(f"its list of {what} has more than {_PAGES:,} pages with nothing in them")


async def _get(server: ApiServer, path: str, query: Mapping[str, str], what: str) -> Reply:
    reply = await server.get(path, query)
    if reply.body.count(b"{") > _BRACES:
        raise TooLarge(f"a page of its list of {what} has more than {_BRACES:,} parts")
    return reply


def _taken(page: Page[Any], take: Callable[[Any], None], most: int) -> tuple[int, str]:
    """How many objects it has, none of which is taken if they are more than `most`, and where the next page begins."""
    items = page.items or ()
    if len(items) <= most:
        for each in items:
            take(each)
    return len(items), page.metadata.after


def _path(group: str, namespace: str, plural: str) -> str:
    return f"{group}/namespaces/{quote(namespace, safe='')}/{plural}" if namespace else f"{group}/{plural}"


def _page(reply: Reply, kind: ObjectKind, what: str, namespace: str, or_else: str) -> Page[Any]:
    match reply.status:
        case 200:
            pass
        case 403:
            right = f"a Role in {printable(namespace)}" if namespace else "a ClusterRole"
            raise Unauthorized(
                f"its user may not list {what}: {summary(reply)}",
                what_to_do=f"Grant it `list` on {kind.plural} by {right} (docs/in-use.md has one to paste)"
                + (f", or {or_else}." if or_else else "."),
            )
        case 410:
            raise IncompleteSource(
                f"its list of {what} expired {_RESTARTS + 1} times before it was read to the end: {summary(reply)}",
                what_to_do="The cluster answers too slowly: run again when it is not busy.",
            )
        case _:
            raise IncompleteSource(f"it cannot list {what}: {summary(reply)}")
    try:
        page = kind.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise IncompleteSource(f"its list of {what} cannot be understood: {error}") from error
    if page.kind != f"{kind.name}List":
        raise IncompleteSource(f"its list of {what} is something else")
    return page
