"""All tags of a repository with their digests and locks: GET /acr/v1/NAME/_tags.

Azure has two lists that would do. `_manifests` also shows manifests without tags (nothing needs those: the registry has
the referrers API) and locks of manifests, but not the locks of tags, which are the usual ones: they are set apart
(Azure/acr#495). Whether the server spares a locked tag when its manifest is deleted by digest is UNCONFIRMED, so that
whoever reads `_manifests` alone may destroy what somebody locked; and reading both doubles the price. `_tags` shows
them, and what the plan does not see then, a locked manifest, is refused by the server itself when it is to be deleted.

`timeasc`: what is pushed or moved meanwhile goes to the end, so nothing is missed. UNCONFIRMED: what follows a `last`
that was deleted meanwhile (a reply other than 200 fails the listing); a tag with `listEnabled` false is in no list.
"""

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from holystone.adapters.http.paging import pages
from holystone.adapters.http.reply import Reply
from holystone.adapters.registries.acr.attributes import Attributes
from holystone.adapters.registries.acr.replies import is_absent, unreadable
from holystone.adapters.registries.oci import STRANGE
from holystone.engine.errors import IncompleteSource
from holystone.engine.model.references import Digest, InvalidName, Repository, Tag
from holystone.engine.ports import Listing

PAGE_SIZE: Final = 100
"""What azure-cli and acr-cli ask for. The server's maximum is UNCONFIRMED."""


class _Tag(msgspec.Struct):
    name: str
    digest: str
    lastUpdateTime: str = ""
    changeableAttributes: Attributes | None = None


class _Page(msgspec.Struct):
    imageName: str
    tags: list[_Tag] | None = None
    """Azure's description of 2021-07-01 requires it; its clients reckon without it where there are none (Azure/acr-cli,
    cmd/acr/purge.go)."""


async def read_tags(repository: Repository, get: Callable[[str], Awaitable[Reply]]) -> Listing:
    """Raises IncompleteSource, and what `get` raises."""
    tags: dict[Tag, Digest | None] = {}
    locked: dict[Tag, str] = {}
    pushed: dict[Digest, int] = {}
    first = f"/acr/v1/{repository.path}/_tags?n={PAGE_SIZE}&orderby=timeasc"
    async for reply in pages(get, first, what=f"the tags of {repository}"):
        if is_absent(reply):
            return Listing({}, exists=False)
        if reply.status != 200:
            raise unreadable(f"The tags of {repository}", reply)
        for row in _rows(repository, reply):
            tag, digest = _names(repository, row)
            # One that moved while the list was read comes again, at the end: the later row counts.
            tags[tag] = digest
            if row.changeableAttributes and (lock := row.changeableAttributes.lock):
                locked[tag] = lock
            if when := _unix(row.lastUpdateTime):
                pushed[digest] = max(when, pushed.get(digest, 0))
    return Listing(tags, locked=locked, pushed=pushed)


def _rows(repository: Repository, reply: Reply) -> list[_Tag]:
    try:
        page = msgspec.json.decode(reply.body, type=_Page)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _strange(repository, f"the answer is not a tag list ({error})") from error
    if page.imageName != repository.path:
        raise _strange(repository, "the answer is about another repository")
    return page.tags or []


def _names(repository: Repository, row: _Tag) -> tuple[Tag, Digest]:
    try:
        return Tag.parse(row.name), Digest.parse(row.digest)
    except InvalidName as error:
        raise _strange(repository, str(error)) from error


def _unix(text: str) -> int:
    """0 if there is no time, or none that can be read. Azure writes seven digits of a second."""
    try:
        moment = msgspec.convert(text, type=dt.datetime)
    except msgspec.ValidationError:
        return 0
    return int((moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp())


def _strange(repository: Repository, why: str) -> IncompleteSource:
    return IncompleteSource(f"The tags of {repository} cannot be read: {why}.", what_to_do=STRANGE)
