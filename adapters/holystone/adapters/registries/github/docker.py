"""The registry port over the old Docker registry of a GitHub Enterprise Server that was not migrated, as werf 1.1 used
it. No such server could be asked: whether deleting a version leaves another tag of its manifest alone is not known, so
nothing is concluded from it."""

from collections.abc import Sequence
from typing import Final

import msgspec

from holystone.adapters.http.errors import error_code, summary
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.deletion import failed_deletion
from holystone.adapters.registries.github.api import GithubApi
from holystone.adapters.registries.github.graphql import Found, delete_version, find_versions
from holystone.adapters.registries.github.replies import forbidden
from holystone.adapters.registries.oci import LIST_LIMIT, OciApi
from holystone.engine.errors import HolystoneError, IncompleteSource
from holystone.engine.model.capabilities import Capabilities
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Outcome
from holystone.engine.model.references import Digest, RegistryHost, Repository, Tag
from holystone.engine.ports import Listing
from holystone.engine.scheduler import Lane

_CAN: Final = Capabilities(
    implementation="github",
    can_delete=True,
    tag_delete=True,
    last_tag="may-take-manifest",
    digest_delete=False,
    overwrite="impossible",
)


class GithubDockerRegistry(OciApi):
    def __init__(self, host: RegistryHost, http: RegistryHttp, reads: Lane, writes: Lane, api: GithubApi) -> None:
        """`api` is opened where `/graphql` is."""
        super().__init__(host, http, reads, writes)
        self._api = api
        self._ids: dict[Repository, dict[Tag, str]] = {}
        """By tag the version's id, as the last list said, without those that were deleted since."""

    async def probe(self, repository: Repository) -> Capabilities:
        await self._find(repository)
        why = self._api.lacks("delete:packages", "repo")
        return msgspec.structs.replace(_CAN, can_delete=not why, cannot_delete_because=why)

    async def list_tags(self, repository: Repository) -> Listing:
        found = await self._find(repository)
        if found is None:
            await self._check_absence(repository)
            return Listing({}, exists=False)
        listing = Listing(dict.fromkeys(found.tags), untagged=tuple(found.untagged), odd=dict.fromkeys(found.odd))
        return await self.look_up_odd(repository, listing)

    async def delete_tags(self, repository: Repository, tags: Sequence[Tag]) -> Sequence[Outcome]:
        return [await self._deletion(repository, tag) for tag in tags]

    async def delete_manifests(self, repository: Repository, digests: Sequence[Digest]) -> Sequence[Outcome]:
        return [Failed("the old Docker registry deletes by tag only")] * len(digests)

    async def restore(self, repository: Repository, digest: Digest, tags: Sequence[Tag]) -> bool:
        return False

    async def _find(self, repository: Repository) -> Found | None:
        found = await find_versions(self._api, repository)
        self._ids[repository] = dict(found.tags) if found else {}
        return found

    async def _check_absence(self, repository: Repository) -> None:
        """A migrated package is no longer shown by GraphQL, and pulled all the same (github/docs, "Migrating to the
        Container registry from the Docker registry")."""
        reply = await self.read(repository, f"/v2/{repository.path}/tags/list?n=1", LIST_LIMIT)
        if reply.status == 404 and error_code(reply) == "NAME_UNKNOWN":
            return
        raise IncompleteSource(
            f"GraphQL shows no package {repository}, and the registry does not say that there is none: "
            f"{summary(reply)}.",
            what_to_do="If the server has migrated its images, name them by containers.HOST instead of docker.HOST.",
        )

    async def _deletion(self, repository: Repository, tag: Tag) -> Outcome:
        try:
            if tag not in self._ids.get(repository, {}):
                await self._find(repository)
            number = self._ids[repository].get(tag)
            outcome = await delete_version(self._api, number) if number else AlreadyGone()
            if isinstance(outcome, Deleted):
                self._ids[repository].pop(tag, None)
            elif number and isinstance(outcome, AlreadyGone):
                await self._find(repository)
                if tag in self._ids[repository]:
                    return forbidden(self._api.who, "GitHub does not find the version that it lists")
            return outcome
        except HolystoneError as error:
            return failed_deletion(error)
