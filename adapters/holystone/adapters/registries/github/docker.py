"""The registry port over the old Docker registry of a GitHub Enterprise Server that was not migrated, as werf 1.1 used
it. No such server could be asked: whether deleting a version leaves another tag of its manifest alone is not known, so
nothing is concluded from it."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

import msgspec

from holystone.adapters.http.errors import error_code, summary
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.deletion import failed_deletion
from holystone.adapters.registries.github.api import GithubApi
from holystone.adapters.registries.github.graphql import Found, delete_version, find_versions
from holystone.adapters.registries.github.replies import forbidden
from holystone.adapters.registries.oci import OciSession
from holystone.adapters.registries.oci_api import OciApi
from holystone.adapters.registries.oci_replies import LIST_LIMIT
from holystone.engine.errors import HolystoneError, IncompleteSource, UsageError
from holystone.engine.model.capabilities import Capabilities, TagDeletion
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Outcome
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.ports import TAGS, CatalogPage, Listing, Wanted
from holystone.engine.scheduler import Lane

_CAN: Final = Capabilities("github", tags=TagDeletion())


class GithubDockerRegistry(OciApi):
    def __init__(self, host: RegistryHost, http: RegistryHttp, reads: Lane, writes: Lane, api: GithubApi) -> None:
        """`api` is opened where `/graphql` is."""
        super().__init__(host, http, reads, writes)
        self.api = api

    def open(self, repository: Repository) -> "GithubDockerSession":
        return GithubDockerSession(self, repository)

    def repositories(self, prefix: RepositoryPath | None = None) -> AsyncIterator[CatalogPage]:
        """Cannot be listed: GraphQL lists packages by git repository only, by a call that GitHub has taken out of its
        reference."""
        raise UsageError(
            f"{self.host} is GitHub's old Docker registry, which lists no repositories.",
            what_to_do="Name the repositories themselves.",
        )


class GithubDockerSession(OciSession):
    registry: GithubDockerRegistry

    def __init__(self, registry: GithubDockerRegistry, repository: Repository) -> None:
        super().__init__(registry, repository)
        self._api = registry.api
        self._ids: dict[Tag, str] = {}
        """By tag the version's id, as the last list said, without those that were deleted since."""

    async def probe(self) -> Capabilities:
        await self._find()
        why = self._api.lacks("delete:packages", "repo")
        return msgspec.structs.replace(_CAN, forbidden=why)

    async def list_tags(self, wanted: Wanted = TAGS) -> Listing:
        found = await self._find()
        if found is None:
            await self._check_absence()
            return Listing({}, exists=False)
        listing = Listing(dict.fromkeys(found.tags), untagged=tuple(found.untagged), odd=dict.fromkeys(found.odd))
        return await self.look_up_odd(listing)

    async def delete_tags(self, tags: Sequence[Tag]) -> Sequence[Outcome]:
        return [await self._deletion(tag) for tag in tags]

    async def delete_manifests(self, digests: Sequence[Digest]) -> Sequence[Outcome]:
        return [Failed("the old Docker registry deletes by tag only")] * len(digests)

    async def restore(self, digest: Digest, tags: Sequence[Tag]) -> bool:
        return False

    async def _find(self) -> Found | None:
        found = await find_versions(self._api, self.repository)
        self._ids = dict(found.tags) if found else {}
        return found

    async def _check_absence(self) -> None:
        """A migrated package is no longer shown by GraphQL, and pulled all the same (github/docs, "Migrating to the
        Container registry from the Docker registry")."""
        reply = await self.read(f"/v2/{self.repository.path}/tags/list?n=1", LIST_LIMIT)
        if reply.status == 404 and error_code(reply) == "NAME_UNKNOWN":
            return
        raise IncompleteSource(
            f"GraphQL shows no package {self.repository}, and the registry does not say that there is none: "
            f"{summary(reply)}.",
            what_to_do="If the server has migrated its images, name them by containers.HOST instead of docker.HOST.",
        )

    async def _deletion(self, tag: Tag) -> Outcome:
        try:
            if tag not in self._ids:
                await self._find()
            number = self._ids.get(tag)
            outcome = await delete_version(self._api, number) if number else AlreadyGone()
            if isinstance(outcome, Deleted):
                self._ids.pop(tag, None)
            elif number and isinstance(outcome, AlreadyGone):
                await self._find()
                if tag in self._ids:
                    return forbidden(self._api.who, "GitHub does not find the version that it lists")
            return outcome
        except HolystoneError as error:
            return failed_deletion(error)
