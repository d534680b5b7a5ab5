"""One package: its versions by digest, how they are deleted and how they come back."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Final, TypeVar

import anyio
import msgspec

from holystone.adapters.http.errors import summary
from holystone.adapters.registries.github.addresses import owner_of, package_path
from holystone.adapters.registries.github.api import GithubApi
from holystone.adapters.registries.github.listing_lock import ListingLock
from holystone.adapters.registries.github.replies import deletion_outcome, forbidden
from holystone.adapters.registries.github.versions import read_versions
from holystone.adapters.registries.listed import ListedNames
from holystone.engine.errors import RegistryFailure
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Outcome
from holystone.engine.model.references import Digest, Repository, Tag
from holystone.engine.ports import Listing

_NOT_LISTED_YET: Final = "the registry has the manifest, and GitHub's list of versions does not show it yet"


class Package:
    def __init__(
        self, api: GithubApi, repository: Repository, resolve: Callable[[Tag | Digest], Awaitable[Digest | None]]
    ) -> None:
        """`resolve` asks the registry itself."""
        self._api = api
        self._repository = repository
        self._resolve = resolve
        self._ids: dict[Digest, tuple[int, ...]] | None = None
        """By which numbers GitHub deletes a manifest, as the last list said, without those that were deleted since.
        More than one where the list still shows a version that was deleted and pushed again."""
        self._deleted: dict[Digest, int] | None = None
        """What can be restored; read once for as long as nothing is deleted."""
        self._reading = anyio.Lock()
        self._listing_lock = ListingLock()
        self._may_delete = False
        """True once a deletion has succeeded."""

    def __repr__(self) -> str:
        return f"<Package {self._repository}, {len(self._ids or ())} manifests known, {self._listing_lock!r}>"

    async def list(self) -> Listing | None:
        """Lists the package; None if GitHub shows no such one, which may have two reasons. Raises IncompleteSource."""
        async with self._listing_lock.listing():
            versions = await read_versions(self._api, await self._path(), "active", what=str(self._repository))
        listed = ListedNames()
        seen: set[str] = set()
        ids: defaultdict[Digest, list[int]] = defaultdict(list)
        put: dict[Tag, int] = {}
        pushed: dict[Digest, int] = {}
        for version in versions or ():
            digest = version.digest
            # A tag on two versions moved while the list was read: then it says nothing of where it points.
            for name in version.tags:
                if tag := listed.add(name, None if name in seen else digest):
                    put[tag] = max(version.touched, put.get(tag, 0))
            seen.update(version.tags)
            ids[digest].append(version.id)
            pushed[digest] = max(version.pushed, pushed.get(digest, 0))
        self._ids = {digest: tuple(numbers) for digest, numbers in ids.items()}
        if versions is None:
            return None
        tagged = {version.digest for version in versions if version.tags}
        untagged = tuple(digest for digest in ids if digest not in tagged)
        return msgspec.structs.replace(listed.listing(), untagged=untagged, put=_told(put), pushed=_told(pushed))

    async def delete(self, digest: Digest) -> Outcome:
        """Takes all tags of it along. Raises what a request raises."""
        numbers = await self._numbers(digest)
        if not numbers:
            return Failed(_NOT_LISTED_YET) if await self._resolve(digest) else AlreadyGone()
        outcome: Outcome = AlreadyGone()
        async with self._listing_lock.deletion():
            for number in numbers:
                one = await self._delete(number)
                if not isinstance(one, Deleted | AlreadyGone):
                    return one
                outcome = one if isinstance(one, Deleted) else outcome
        if self._ids is not None:
            self._ids.pop(digest, None)  # pushed again, it is another version
        self._deleted = None
        return outcome

    async def restore(self, digest: Digest) -> bool:
        """Within 30 days, and while no version of the same name is there (github/docs, "Deleting and restoring a
        package"). False also for what the token must not do: it may still push."""
        path = await self._path()
        async with self._reading:
            if self._deleted is None:
                what = f"{self._repository} that were deleted"
                versions = await read_versions(self._api, path, "deleted", what=what)
                # Deleted more than once, the newest record is the one that still has its content.
                records = sorted(versions or (), key=lambda version: version.id)
                self._deleted = {version.digest: version.id for version in records}
            number = (self._deleted or {}).pop(digest, None)
        if number is None:
            return False
        reply = await self._api.write("POST", f"{path}/versions/{number}/restore")
        if reply.status == 204:
            return True
        if 400 <= reply.status < 500:
            return False
        raise RegistryFailure(f"{self._repository}: {digest} could not be restored: {summary(reply)}.")

    async def _delete(self, number: int) -> Outcome:
        """GitHub answers 404 also to whoever is no admin of the package (actions/delete-package-versions#237). Until a
        deletion has succeeded, a 404 is not believed before the version is looked for."""
        version = f"{await self._path()}/versions/{number}"
        reply = await self._api.write("DELETE", version)
        outcome = deletion_outcome(reply, self._api.who)
        if isinstance(outcome, Deleted):
            self._may_delete = True
        elif isinstance(outcome, AlreadyGone) and not self._may_delete:
            there = await self._api.get(version)
            if there.status == 200:
                return forbidden(self._api.who, f"{summary(reply)}, though the version is there")
            if there.status != 404:
                return Failed(f"{summary(reply)}, and then {summary(there)}")
        return outcome

    async def _numbers(self, digest: Digest) -> Sequence[int]:
        """What was pushed after the last list, a tombstone above all, is found in a new one."""
        known = self._ids
        if known is not None and (digest in known or await self._resolve(digest) is None):
            return known.get(digest, ())
        async with self._reading:
            if self._ids is known:  # nobody else has read a new one meanwhile
                await self.list()
        return (self._ids or {}).get(digest, ())

    async def _path(self) -> str:
        return await self._api.prefix(owner_of(self._repository)) + package_path(self._repository)


K = TypeVar("K", bound=Hashable)


def _told(times: Mapping[K, int]) -> Mapping[K, int]:
    return {each: when for each, when in times.items() if when}
