"""Version check, tags/list and the catalog, with their paging."""

import bisect
import re
import urllib.parse
import zlib
from collections.abc import Sequence
from typing import Any

from holystone.embedded.errors import ErrorReply, error_reply
from holystone.embedded.exchange import Incoming, Reply, json_reply
from holystone.embedded.quirks import Quirks
from holystone.embedded.routes import Route
from holystone.embedded.storage import Storage


def version(_storage: Storage, quirks: Quirks, _request: Incoming, _route: Route) -> Reply:
    headers = {"Content-Type": "application/json"}
    if quirks.allows_header:
        headers["Access-Control-Allow-Headers"] = f"Authorization,content-type,{quirks.allows_header}"
    return Reply(200, b"{}", headers)


def tags(storage: Storage, quirks: Quirks, request: Incoming, route: Route) -> Reply:
    state = storage.repositories.get(route.repository)
    if state is None or not state.has_begun(quirks.repository_begins):
        raise error_reply("NAME_UNKNOWN", {"name": route.repository})
    # The order of a directory, which is what distribution 2.8 shows: stable, and without meaning.
    names = sorted(state.tags, key=None if quirks.sorted_tags else lambda tag: (zlib.crc32(tag.encode()), tag))
    headers: dict[str, str] = {}
    if quirks.pages:
        try:
            size = _number(request, lenient=quirks.lenient_numbers == "everywhere")
        except ErrorReply:
            if quirks.bare_list_errors:
                raise ErrorReply(Reply(400)) from None
            raise
        if size is None:
            size = quirks.page_size
        elif quirks.page_size_max is not None:
            size = min(size, quirks.page_size_max)
        last = request.query.get("last")
        rest = _after(names, last.lower() if last and quirks.folds_tags else last, quirks)
        names = rest[:size]
        if names and _goes_on(quirks, more=len(rest) > len(names), full=len(names) == size):
            headers["Link"] = _link(request.path, names[-1], size)
    shown: Any = None if not names and quirks.no_tags == "null" else names
    return json_reply({"name": route.repository, "tags": shown}, headers=headers)


def catalog(storage: Storage, quirks: Quirks, request: Incoming, _route: Route) -> Reply:
    size = _number(request, lenient=quirks.lenient_numbers != "nowhere")
    if size is not None and quirks.catalog_page_max is not None and size > quirks.catalog_page_max:
        raise error_reply("PAGINATION_NUMBER_INVALID", {"n": size})
    size = quirks.catalog_page if size is None else size
    if size is not None and quirks.catalog_page_cut is not None:
        size = min(size, quirks.catalog_page_cut)
    names = sorted(
        name
        for name, state in storage.repositories.items()
        if state.had_manifests or (quirks.catalog_lists_blobs_only and state.blobs)
    )
    last = request.query.get("last", "")
    rest = names[bisect.bisect_right(names, last) :]
    if last and last not in names and quirks.catalog_unknown_last == "nothing":
        rest = []
    page = rest[:size]
    more = bool(page) and (len(rest) > len(page) or (quirks.catalog_link_after_full_page and len(page) == size))
    headers = {"Link": _link(request.path, page[-1], len(page))} if more else {}
    return json_reply({"repositories": page}, headers=headers)


def _number(request: Incoming, *, lenient: bool) -> int | None:
    text = request.query.get("n")
    if text is None:
        return None
    if re.fullmatch(r"[0-9]{1,18}", text):  # what Go's int holds
        return int(text)
    if lenient:
        return None
    raise error_reply("PAGINATION_NUMBER_INVALID", {"n": text})


def _goes_on(quirks: Quirks, *, more: bool, full: bool) -> bool:
    """Whether the server says that the list goes on, which some say in vain."""
    match quirks.links:
        case "where-more":
            return more
        case "after-full-page":
            return more or full
        case "after-any-page":
            return True
        case "nowhere":
            return False


def _after(names: Sequence[str], last: str | None, quirks: Quirks) -> list[str]:
    if not last:
        return list(names)
    known = last in names
    if not known and quirks.unknown_last == "not-found":
        raise ErrorReply(Reply(404))
    if not known and quirks.unknown_last == "skips-one":
        return list(names[bisect.bisect_left(names, last) + 1 :])
    rest = [name for name in names if name > last]
    return list(names) if quirks.starts_over and not rest else rest


def _link(path: str, last: str, size: int | None) -> str:
    query = urllib.parse.urlencode({"last": last} | ({} if size is None else {"n": size}))
    return f'<{path}?{query}>; rel="next"'
