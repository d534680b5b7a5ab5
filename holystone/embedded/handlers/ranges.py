"""A part of a blob (RFC 9110, 14): one range of bytes. Several, other units, and any of an empty blob are answered with
the whole."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from holystone.embedded.errors import ErrorReply, plain
from holystone.embedded.exchange import Reply


def part_of(whole: Reply, asked: str) -> Reply:
    """Raises ErrorReply."""
    unit, _, text = asked.partition("=")
    if unit != "bytes" or "," in text or not whole.body:
        return whole
    size = len(whole.body)
    found = re.fullmatch(r"([0-9]{0,18})-([0-9]{0,18})", text.strip())  # what Go's int64 holds
    if found is None or not any(found.groups()):
        raise _refused(whole, "invalid range\n")
    first, last = found.groups()
    begin = int(first) if first else max(size - int(last), 0)
    end = min(int(last), size - 1) if first and last else size - 1
    if first and last and int(last) < begin:
        raise _refused(whole, "invalid range\n")
    if begin >= size:
        raise _refused(whole, "invalid range: failed to overlap\n", {"Content-Range": f"bytes */{size}"})
    told = {"Content-Range": f"bytes {begin}-{end}/{size}"}
    return Reply(206, whole.body[begin : end + 1], {**whole.headers, **told})


def _refused(whole: Reply, why: str, headers: Mapping[str, str] = MappingProxyType({})) -> ErrorReply:
    return plain(416, why, {"Docker-Content-Digest": whole.headers["Docker-Content-Digest"], **headers})
