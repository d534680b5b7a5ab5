"""What replies of the OCI distribution API say, and how long they may be."""

from typing import Final
from urllib.parse import unquote

import msgspec

from holystone.adapters.http.errors import summary
from holystone.adapters.http.reply import Reply
from holystone.engine.errors import IncompleteSource, Unauthorized
from holystone.engine.model.references import Digest, InvalidName, Repository

STRANGE: Final = "Check the address; a proxy on the way may have answered instead of the registry."
MANIFEST_LIMIT: Final = 4 * 1024 * 1024
"""Bytes; what distribution and zot accept on push."""
BLOB_LIMIT: Final = 8 * 1024 * 1024
"""Bytes of an image configuration."""
LIST_LIMIT: Final = 64 * 1024 * 1024
"""Bytes; distribution 2.8 sends all tags in one reply: half a million names."""
PAGE_LIMIT: Final = 16 * 1024 * 1024
"""Bytes of one page where servers page: a thousand rows of 16 KB."""


class TagPage(msgspec.Struct):
    """A page of GET /v2/NAME/tags/list."""

    tags: list[str] | None
    name: str = ""


def names_on(reply: Reply) -> list[str]:
    """The names on a page of tags, for `pages`. Raises what msgspec raises."""
    return msgspec.json.decode(reply.body, type=TagPage).tags or []


class _Named(msgspec.Struct):
    name: str = ""


class _Descriptor(msgspec.Struct):
    digest: str


class Index(msgspec.Struct):
    manifests: list[_Descriptor] | None = None


def stored(reply: Reply) -> str:
    """Which manifest the registry says it stored; empty if it does not. A `Location` names it by its digest, or by the
    tag that it was pushed as (distribution specification 1.1, "Pushing manifests")."""
    if said := reply.headers.get("Docker-Content-Digest"):
        return said
    last = reply.headers.get("Location", "").partition("?")[0].rpartition("/")[2]
    try:
        return Digest.parse(unquote(last))
    except InvalidName:
        return ""


def name_on(reply: Reply) -> str:
    """What a list of tags says whose tags they are; empty if it does not."""
    try:
        return msgspec.json.decode(reply.body, type=_Named).name if reply.status == 200 else ""
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""


def is_wide(body: bytes) -> bool:
    """Whether there may be letters in it that take four bytes each once they are read, with all others of their word
    (PEP 393). No tag has any."""
    return not body.isascii() or b"\\u" in body


def may_be(said: str, repository: Repository) -> bool:
    """Whether it is the repository's name, or that with more or less before it, in letters of any case."""
    theirs, ours = f"/{said.lower()}", f"/{str(repository.path).lower()}"
    return not said or theirs.endswith(ours) or ours.endswith(theirs)


def unreadable(what: str, reply: Reply) -> IncompleteSource:
    if reply.status in (401, 403):
        return Unauthorized(
            f"{what} cannot be read: {summary(reply)}.", what_to_do="Use a credential that may pull from there."
        )
    return IncompleteSource(f"{what} cannot be read: {summary(reply)}.", what_to_do=STRANGE)
