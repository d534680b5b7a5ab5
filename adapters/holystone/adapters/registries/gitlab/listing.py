"""GET /gitlab/v1/repositories/NAME/tags/list/: tags with their digests, of registries with a metadata database
(gitlab-org/container-registry, docs/spec/gitlab/api.md and registry/handlers/repositories.go)."""

import base64
import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from typing import Annotated, Final, NamedTuple
from urllib.parse import urlencode

import msgspec

from holystone.adapters.http.errors import error_code, summary
from holystone.adapters.http.paging import PageGuard, next_link
from holystone.adapters.http.reply import Reply
from holystone.adapters.registries.listed import ListedNames
from holystone.adapters.registries.oci_replies import STRANGE, unreadable
from holystone.adapters.registries.page import decoded_page
from holystone.engine.errors import IncompleteSource
from holystone.engine.model.manifests import DOCKER_MANIFEST, Manifest
from holystone.engine.model.references import Digest, InvalidName, Repository, Tag
from holystone.engine.ports import Listing

PAGE_SIZE: Final = 1000
"""The most that is allowed; one more is 400."""
_Moment = Annotated[dt.datetime, msgspec.Meta(tz=True)]


class _Referrer(msgspec.Struct):
    digest: str


class _Entry(msgspec.Struct):
    name: str
    digest: str
    media_type: str
    config_digest: str | None = None
    """Absent for an index."""
    size_bytes: int | None = None
    created_at: _Moment | None = None
    updated_at: _Moment | None = None
    published_at: _Moment | None = None
    """The later of the two (container-registry, docs/spec/gitlab/api.md): when this tag was last given to a manifest. A
    server that does not say it (before 4.7) says the others. Of manifests nothing is said."""
    referrers: list[_Referrer] | None = None


class Detailed(NamedTuple):
    listing: Listing
    referrers: Mapping[Digest, tuple[Digest, ...]]
    """Of the manifests that have any, as far as they are tagged."""


async def list_detailed(get: Callable[[str], Awaitable[Reply]], repository: Repository) -> Detailed:
    """Raises IncompleteSource for anything but a whole list.

    The server's own `Link` is not followed: it forgets `referrers=true` (registry/handlers/catalog.go, generateLink),
    and its marker may be one that the server itself reads as another (`_marker`). A full page without a `Link` is not
    believed to be the last one: a proxy may have removed the header."""
    base = f"/gitlab/v1/repositories/{repository.path}/tags/list/"  # without the slash at the end: 301
    found: dict[str, _Entry] = {}
    guard = PageGuard(str(repository))
    last = ""
    again: Set[str] = frozenset()
    while True:
        guard.admit(last)
        query = {"n": str(PAGE_SIZE), "referrers": "true", **({"last": last} if last else {})}
        reply = await get(f"{base}?{urlencode(query)}")
        if reply.status == 404 and error_code(reply) == "NAME_UNKNOWN" and not last:
            return Detailed(Listing({}, exists=False), {})
        if reply.status != 200 and last:
            raise IncompleteSource(
                f"Page {guard.pages} of the tags of {repository} could not be read: {summary(reply)}.",
                what_to_do="Run again; the repository was probably deleted or renamed while it was read.",
            )
        if reply.status != 200:
            raise unreadable(f"The tags of {repository}", reply)
        page = _page(repository, reply)
        guard.take(len(page) + sum(len(entry.referrers or ()) for entry in page))
        for entry in page:
            if entry.name in found and entry.name not in again:
                raise IncompleteSource(f"The tags of {repository} cannot be listed: {entry.name} is on two pages.")
            found[entry.name] = entry
        goes_on = next_link(reply) is not None
        if not goes_on and len(page) < PAGE_SIZE:
            return _detailed(found)
        if not page:
            raise IncompleteSource(f"The tags of {repository} cannot be listed: an empty page says that more follow.")
        names = [each.name for each in page]
        last = _marker(repository, names)
        again = frozenset(names[names.index(last) + 1 :])


def _marker(repository: Repository, names: Sequence[str]) -> str:
    """The last of a page's names that cannot be taken for anything else; those behind it come once more.

    A marker that is base64 of two values with a bar between them is read as a moment and a name. Later versions look
    whether the moment is one. 3.86 answers `last=v998` with 400, and `last=fHp6`, which is `|zz`, with what follows zz
    (seen; registry/handlers/repositories.go, filterParamsFromRequest). Raises IncompleteSource."""
    for name in reversed(names):
        if not _two_values(name):
            return name
    raise IncompleteSource(
        f"The tags of {repository} cannot be listed: {names[-1]} can be read as base64, and older versions of this "
        "server do, so that what follows it cannot be asked for.",
        what_to_do="Bring the registry up to date, or give the image another tag and delete this one.",
    )


def _two_values(name: str) -> bool:
    try:
        return base64.b64decode(name, validate=True).count(b"|") == 1
    except ValueError:
        return False


def _page(repository: Repository, reply: Reply) -> list[_Entry]:
    try:
        page = decoded_page(reply.body, list[_Entry])
        for entry in page:
            for digest in (entry.digest, *(each.digest for each in entry.referrers or ())):
                Digest.parse(digest)
            if entry.config_digest:
                Digest.parse(entry.config_digest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, InvalidName) as error:
        raise IncompleteSource(
            f"The tags of {repository} cannot be read: the answer is not a tag list ({error}).", what_to_do=STRANGE
        ) from error
    return page


def _detailed(found: Mapping[str, _Entry]) -> Detailed:
    listed = ListedNames()
    manifests: dict[Digest, Manifest] = {}
    put: dict[Tag, int] = {}
    referrers: dict[Digest, tuple[Digest, ...]] = {}
    for name, entry in found.items():
        digest = Digest(entry.digest)
        tag = listed.add(name, digest)
        moments = [each for each in (entry.created_at, entry.updated_at, entry.published_at) if each]
        if tag and moments:
            put[tag] = int(max(moments).timestamp())
        if entry.referrers:
            referrers[digest] = tuple(Digest(each.digest) for each in entry.referrers)
        # An OCI manifest may have a subject or be no image, and the list says neither. Docker's can do neither.
        if entry.media_type == DOCKER_MANIFEST and entry.config_digest:
            manifests[digest] = Manifest(
                digest,
                entry.media_type,
                size=0,  # not said; its bytes are next to nothing beside the layers
                config=Digest(entry.config_digest),
                layers_size=entry.size_bytes or 0,
            )
    listing = msgspec.structs.replace(listed.listing(), manifests=manifests, put=put)
    return Detailed(listing, referrers)
