"""All tags of a repository with their digests and locks: GET /acr/v1/NAME/_tags.

Azure has two lists that would do. `_manifests` also shows manifests without tags (nothing needs those: the registry has
the referrers API) and locks of manifests, but not the locks of tags, which are the usual ones: they are set apart
(Azure/acr#495). Whether the server spares a locked tag when its manifest is deleted by digest is UNCONFIRMED, so that
whoever reads `_manifests` alone may destroy what somebody locked; and reading both doubles the price. `_tags` shows
them, and what the plan does not see then, a locked manifest, is refused by the server itself when it is to be deleted.

`timeasc`: what is pushed or moved meanwhile goes to the end, so nothing is missed. UNCONFIRMED: what follows a `last`
that was deleted meanwhile (a reply other than 200 fails the listing).

A tag with `listEnabled` false is in no list of tags (container-registry-image-lock.md), and its manifest would go with
a visible tag of its own. The repository counts its tags; where it has more than the list, `_manifests` names the tags
of each manifest. That the count and `_manifests` know hidden tags is UNCONFIRMED: where they do not explain each other,
no manifest is deleted by digest.
"""

import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple, TypeVar

import msgspec

from holystone.adapters.http.errors import error_code
from holystone.adapters.http.paging import pages
from holystone.adapters.http.reply import Reply
from holystone.adapters.registries.acr.attributes import Attributes
from holystone.adapters.registries.acr.replies import is_absent, unreadable
from holystone.adapters.registries.listed import ListedNames
from holystone.adapters.registries.oci_replies import STRANGE
from holystone.engine.errors import IncompleteSource
from holystone.engine.model.references import Digest, InvalidName, Repository, Tag
from holystone.engine.ports import Listing

PAGE_SIZE: Final = 100
"""What azure-cli and acr-cli ask for. The server's maximum is UNCONFIRMED."""


class _Tag(msgspec.Struct):
    name: str
    digest: str
    lastUpdateTime: str = ""
    """When the tag was changed last (Azure's description of 2021-07-01, TagAttributesBase): put onto a manifest, or
    locked. Of manifests only `_manifests` says something."""
    changeableAttributes: Attributes = Attributes()


class _Manifest(msgspec.Struct):
    digest: str
    tags: list[str] | None = None
    createdTime: str = ""
    lastUpdateTime: str = ""
    """Of a manifest (ManifestAttributesBase): not earlier than it was pushed, or pushed once more."""
    changeableAttributes: Attributes = Attributes()


class _Manifests(msgspec.Struct):
    imageName: str
    manifests: list[_Manifest] | None = None


class _OneManifest(msgspec.Struct):
    imageName: str
    manifest: _Manifest


class Tags(NamedTuple):
    listing: Listing
    locks_known: bool
    """Every row said whether its tag is locked."""


class _Page(msgspec.Struct):
    imageName: str
    tags: list[_Tag] | None = None
    """Azure's description of 2021-07-01 requires it; its clients reckon without it where there are none (Azure/acr-cli,
    cmd/acr/purge.go)."""


async def read_tags(repository: Repository, get: Callable[[str], Awaitable[Reply]]) -> Tags:
    """All tags with what Azure says of them. Raises IncompleteSource, and what `get` raises."""
    listed = ListedNames()
    locked: dict[Tag, str] = {}
    put: dict[Tag, int] = {}
    locks_known = True
    first = f"/acr/v1/{repository.path}/_tags?n={PAGE_SIZE}&orderby=timeasc"
    names = partial(_tag_names, repository)
    async for reply in pages(get, first, what=f"the tags of {repository}", names=names, size=PAGE_SIZE, each=b"{"):
        if is_absent(reply):
            return Tags(Listing({}, exists=False), locks_known)
        if reply.status != 200:
            raise unreadable(f"The tags of {repository}", reply)
        for row in _page(repository, reply, _Page).tags or ():
            digest = _digest(repository, row.digest)
            # One that moved while the list was read comes again, at the end: the later row counts.
            tag = listed.add(row.name, digest)
            locks_known &= row.changeableAttributes.known
            if (lock := row.changeableAttributes.lock) and tag:
                locked[tag] = lock
            if (when := _unix(row.lastUpdateTime)) and tag:
                put[tag] = when
        del reply
    return Tags(msgspec.structs.replace(listed.listing(), locked=locked, put=put), locks_known)


async def read_hidden(repository: Repository, get: Callable[[str], Awaitable[Reply]], listed: Listing) -> Listing:
    """Tags that manifests have and no list shows. Raises IncompleteSource, and what `get` raises."""
    hidden = ListedNames()
    async for rows in _manifests(repository, get):
        for row in rows:
            for tag in row.tags or ():
                if tag not in listed.tags and tag not in listed.odd:
                    hidden.add(tag, _digest(repository, row.digest))
    return hidden.listing()


async def read_loose(
    repository: Repository, get: Callable[[str], Awaitable[Reply]], listed: Listing, count: int
) -> Mapping[Digest, int] | None:
    """Manifests that have no tag, hidden ones included, and no lock, each with the Unix seconds of its push or a later
    moment; 0 if that is not said. None where there are others than `count` manifests: one that is hidden may be an
    index. Raises IncompleteSource, and what `get` raises."""
    tagged = set(listed.tags.values())
    found: dict[Digest, int] = {}
    seen: set[Digest] = set()
    async for rows in _manifests(repository, get):
        for row in rows:
            digest = _digest(repository, row.digest)
            seen.add(digest)
            if not row.tags and not row.changeableAttributes.lock and digest not in tagged:
                found[digest] = max(_unix(row.createdTime), _unix(row.lastUpdateTime))
    return found if len(seen) == count else None


async def _manifests(
    repository: Repository, get: Callable[[str], Awaitable[Reply]]
) -> AsyncIterator[Sequence[_Manifest]]:
    first = f"/acr/v1/{repository.path}/_manifests?n={PAGE_SIZE}&orderby=timeasc"
    names = partial(_digests, repository)
    async for reply in pages(get, first, what=f"the manifests of {repository}", names=names, size=PAGE_SIZE, each=b"{"):
        if is_absent(reply):
            return
        if reply.status != 200:
            raise unreadable(f"The manifests of {repository}", reply)
        yield _page(repository, reply, _Manifests).manifests or ()
        del reply


async def read_tags_of(repository: Repository, digest: Digest, get: Callable[[str], Awaitable[Reply]]) -> Sequence[str]:
    """The tags of one manifest, hidden ones too; none if it is not there. Raises IncompleteSource, and what `get`
    raises."""
    reply = await get(f"/acr/v1/{repository.path}/_manifests/{digest}")
    if reply.status == 404 and error_code(reply):
        return ()
    if reply.status != 200:
        raise unreadable(f"The manifest {digest} of {repository}", reply)
    tags = _page(repository, reply, _OneManifest).manifest.tags
    return tags or ()


P = TypeVar("P", _Page, _Manifests, _OneManifest)


def _page(repository: Repository, reply: Reply, kind: type[P]) -> P:
    try:
        page = msgspec.json.decode(reply.body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _strange(repository, f"the answer is not a tag list ({error})") from error
    if page.imageName != repository.path:
        raise _strange(repository, "the answer is about another repository")
    return page


def _tag_names(repository: Repository, reply: Reply) -> Sequence[str]:
    return [row.name for row in _page(repository, reply, _Page).tags or ()]


def _digests(repository: Repository, reply: Reply) -> Sequence[str]:
    return [row.digest for row in _page(repository, reply, _Manifests).manifests or ()]


def _digest(repository: Repository, digest: str) -> Digest:
    try:
        return Digest.parse(digest)
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
