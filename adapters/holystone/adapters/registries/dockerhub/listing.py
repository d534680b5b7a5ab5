"""All tags of a repository: numbered pages, which shift whenever somebody pushes or deletes in between."""

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from typing import Final, Generic, TypeVar

import msgspec

from holystone.adapters.http.paging import PageGuard
from holystone.adapters.registries.dockerhub.api import TAG_SCOPE, HubApi
from holystone.adapters.registries.listed import ListedNames, digest_or_none, tag_or_none
from holystone.adapters.registries.oci_replies import STRANGE
from holystone.engine.errors import IncompleteSource
from holystone.engine.model.inventory import Pulls
from holystone.engine.model.references import Digest, InvalidName, Repository, Tag
from holystone.engine.ports import TAGS, Listing, Wanted
from holystone.engine.scheduler import map_each

_LOOKS: Final = 3
"""How often a list that changed meanwhile is read again."""
_AT_ONCE: Final = 8
"""Pages that are prepared at once. One takes about half a second, so that ten thousand tags would take a minute."""
_MAX_PAGES: Final = 100_000


class _HubTag(msgspec.Struct):
    name: str
    digest: str | None = None
    """Not in the published schema, and null at times. `images` was found empty, so it is not looked at
    (docker/hub-feedback, issue 2484)."""
    tag_last_pushed: str | None = None
    """When the tag was pushed last (Docker Hub's description of its API, `tag`). Of manifests nothing is said."""


class _HubImage(msgspec.Struct):
    digest: str | None = None
    last_pulled: str | None = None


class _PulledTag(_HubTag):
    tag_last_pulled: str | None = None
    """When the tag was pulled last (the same description), be it by somebody who copies or scans all tags. UNCONFIRMED:
    whether a pull by digest counts here; `images` says it of each manifest, where it is not empty."""
    images: list[_HubImage] | dict[str, object] | None = None
    """A list, though the description calls it an object."""


T = TypeVar("T", bound=_HubTag)


class _Page(msgspec.Struct, Generic[T]):
    count: int
    next: str | None
    results: list[T]


async def read_tags(hub: HubApi, repository: Repository, wanted: Wanted = TAGS) -> Listing:
    """Lists the tags with what the Hub says of them. Raises IncompleteSource if no complete list could be had."""
    if not wanted.pulls:
        return _parsed(repository, await _read(hub, repository, _Page[_HubTag]))
    tags = await _read(hub, repository, _Page[_PulledTag])
    return msgspec.structs.replace(_parsed(repository, tags), pulls=_pulls(tags))


async def _read(hub: HubApi, repository: Repository, kind: type[_Page[T]]) -> Collection[T]:
    for _ in range(_LOOKS):
        pages = await _look(hub, repository, kind)
        tags = {tag.name: tag for page in pages for tag in page.results}
        if _is_complete(pages, len(tags)):
            return tags.values()
    raise IncompleteSource(
        f"The tags of {repository} cannot be listed: {_LOOKS} times in a row their number and what the pages held did "
        "not agree.",
        what_to_do="Run again when less is pushed and deleted there.",
    )


async def _look(hub: HubApi, repository: Repository, kind: type[_Page[T]]) -> Sequence[_Page[T]]:
    """The address in `next` is not followed, wherever it leads: all that counts is whether there is one."""
    guard = PageGuard(str(repository))

    async def page(number: int) -> _Page[T]:
        found = await _page(hub, repository, number, kind)
        guard.take(len(found.results))
        return found

    first = await page(1)
    if first.next is None:
        return [first]
    size = len(first.results)
    last = -(-first.count // size) if size else 0
    if not 1 < last <= _MAX_PAGES:
        raise IncompleteSource(
            f"The tags of {repository} cannot be listed: a page of {size} of {first.count} tags is followed by another."
        )

    return [first, *await map_each(range(2, last + 1), page, workers=_AT_ONCE)]


async def _page(hub: HubApi, repository: Repository, number: int, kind: type[_Page[T]]) -> _Page[T]:
    reply = await hub.tags(repository, number)
    if reply.status == 404 and number > 1:
        return _Page(0, None, [])  # past the end: there are fewer tags now, which the count tells
    if reply.status != 200:
        raise hub.refused(f"Page {number} of the tags of {repository} cannot be read", reply, TAG_SCOPE)
    try:
        return msgspec.json.decode(reply.body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _strange(repository, error) from error


def _is_complete(pages: Sequence[_Page[T]], names: int) -> bool:
    """A tag that was moved from one page to the next while they were read is there twice, and another not at all."""
    numbers = {*(page.count for page in pages), sum(len(page.results) for page in pages)}
    return numbers == {names} and pages[-1].next is None


def _parsed(repository: Repository, tags: Iterable[_HubTag]) -> Listing:
    listed = ListedNames()
    put: dict[Tag, int] = {}
    for tag in tags:
        try:
            digest = Digest.parse(tag.digest) if tag.digest else None
        except InvalidName as error:
            raise _strange(repository, error) from error
        name = listed.add(tag.name, digest)
        if name and (moment := _unix(tag.tag_last_pushed)):
            put[name] = moment
    return msgspec.structs.replace(listed.listing(), put=put)


def _pulls(tags: Iterable[_PulledTag]) -> Pulls:
    by_tag: dict[Tag, int] = {}
    manifests: dict[Digest, int] = {}
    for tag in tags:
        if (name := tag_or_none(tag.name)) and (when := _unix(tag.tag_last_pulled)):
            by_tag[name] = when
        for image in tag.images if isinstance(tag.images, list) else ():
            if (digest := digest_or_none(image.digest)) and (when := _unix(image.last_pulled)):
                manifests[digest] = max(when, manifests.get(digest, 0))
    return Pulls(by_tag, manifests)


def _unix(text: str | None) -> int:
    """0 for what cannot be understood, and for the year 1, which stands for "never"."""
    try:
        return max(0, int(dt.datetime.fromisoformat(text or "").timestamp()))
    except (ValueError, OverflowError):
        return 0


def _strange(repository: Repository, error: Exception) -> IncompleteSource:
    return IncompleteSource(
        f"The tags of {repository} cannot be read: the answer is not a tag list ({error}).", what_to_do=STRANGE
    )
