"""Names that a registry knows and its list of tags does not have: a server that folds capital letters, or a list that
was cut short. Only asking tells them apart."""

from collections.abc import Awaitable, Callable, Iterable, Mapping

from holystone.engine.errors import IncompleteSource
from holystone.engine.model.in_use import UsedImage, User
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.references import Digest, Reference, Repository, Tag
from holystone.engine.names import unlisted
from holystone.engine.ports import RepositorySession
from holystone.engine.scheduler import for_each
from holystone.policies.werf.v1.project import ImageTag

_AT_ONCE = 16
SessionOf = Callable[[Repository], Awaitable[RepositorySession]]


async def look_up(
    used: Iterable[UsedImage], listed: Mapping[Repository, Mapping[Tag, Digest | None]], session_of: SessionOf
) -> tuple[UsedImage, ...]:
    """What is in use by names that were not listed, with its digest: one request for each such name.

    Gitea takes `app:GONE-1`, lists `gone-1` and answers to both (seen on a main of 2026). Raises IncompleteSource if a
    name answers that the registry does not list under any spelling: then others may be missing as well."""
    missing = unlisted(used, {repository: tags.keys() for repository, tags in listed.items()})
    found: dict[Reference, Digest] = {}

    async def ask(reference: Reference) -> None:
        at = reference.repository
        session = await session_of(at)
        digest = await session.resolve(reference.tag)
        if digest is None:
            return
        found[reference] = digest
        if digest not in {each for tag, each in listed[at].items() if _is_twin(tag, reference.tag)}:
            await _refuse_if_cut(session, reference, digest, missing[reference])

    await for_each(missing, ask, workers=_AT_ONCE)
    return tuple(
        UsedImage(reference.repository, reference.tag, found[reference], by)
        for reference in sorted(found)
        for by in missing[reference]
    )


async def _refuse_if_cut(
    session: RepositorySession, reference: Reference, digest: Digest, users: tuple[User, ...]
) -> None:
    """It may have been pushed since the list was read, which a second list shows."""
    at = reference.repository
    again = (await session.list_tags()).tags
    if reference.tag in again:
        return
    for twin in again:
        if _is_twin(twin, reference.tag) and await session.resolve(twin) == digest:
            return
    raise IncompleteSource(
        f"The list of tags of {at} is not complete: {reference.tag} is in use and the registry has it, but does not "
        "list it. So other tags may be missing from the list as well.",
        what_to_do="Find out why: a proxy in between that cuts answers short, a server that lags behind itself, or "
        "rights to see only some tags. If it was pushed this very moment, run again.",
    )


def _is_twin(tag: Tag, other: Tag) -> bool:
    return tag.lower() == other.lower()


async def folding(
    doubtful: Iterable[ImageTag], snapshots: Mapping[Repository, RepositorySnapshot], session_of: SessionOf
) -> frozenset[Repository]:
    """The repositories of `doubtful` tags whose registry folds capital letters: no listed tag has one, and a doomed
    tag's name in capitals answers with its digest. One request a repository, none where a capital letter is listed."""
    first: dict[Repository, ImageTag] = {}
    for tag in doubtful:
        at = tag.reference.repository
        if all(name == name.lower() for name in snapshots[at].names):
            first.setdefault(at, tag)
    found: list[Repository] = []

    async def ask(tag: ImageTag) -> None:
        at = tag.reference.repository
        session = await session_of(at)
        if await session.resolve(Tag(tag.reference.tag.upper())) == tag.digest:
            found.append(at)

    await for_each(first.values(), ask, workers=_AT_ONCE)
    return frozenset(found)
