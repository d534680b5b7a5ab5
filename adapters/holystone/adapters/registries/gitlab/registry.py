"""The registry port for GitLab."""

from collections.abc import Sequence
from typing import Final

import anyio
import msgspec

from holystone.adapters.credentials.credential import Anonymous, Credential
from holystone.adapters.http.errors import summary
from holystone.adapters.http.reply import Reply
from holystone.adapters.http.tokens import described
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.default import OciRegistry
from holystone.adapters.registries.deletion import failed_deletion
from holystone.adapters.registries.gitlab.api import Door, GitlabApi, outcome
from holystone.adapters.registries.gitlab.listing import list_detailed
from holystone.adapters.registries.gitlab.login import lacking
from holystone.adapters.registries.gitlab.probe import Way, cannot, capabilities, find_way
from holystone.adapters.registries.gitlab.replies import deletion_outcome, is_rule
from holystone.adapters.registries.gitlab.rights import Rights, read_rights
from holystone.adapters.registries.oci import MANIFEST_LIMIT, PAGE_LIMIT, Access, unreadable
from holystone.engine.errors import DeletionDisabled, HolystoneError, Unauthorized
from holystone.engine.model.capabilities import Capabilities
from holystone.engine.model.outcomes import AlreadyGone, Failed, Forbidden, Locked, Outcome
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.ports import Listing
from holystone.engine.scheduler import Lane

_VERSION: Final = "Gitlab-Container-Registry-Version"
_DATABASE: Final = "Gitlab-Container-Registry-Database-Enabled"


class GitlabRegistry(OciRegistry):
    """With a metadata database (GitLab.com, and self-managed ones that switched it on) it lists by GitLab's own API;
    without one it is a distribution that can delete tags, and lists like one."""

    def __init__(
        self,
        host: RegistryHost,
        http: RegistryHttp,
        reads: Lane,
        writes: Lane,
        credential: Credential,
        api: GitlabApi | None = None,
    ) -> None:
        """`api`: for repositories where `credential` may not delete."""
        super().__init__(host, http, reads, writes)
        self._credential = credential
        self._api = api
        self._doors: dict[RepositoryPath, Door] = {}
        """Of repositories whose tags are deleted by the API."""
        self._meeting = anyio.Lock()
        self._refused: Unauthorized | None = None
        self._database: bool | None = None
        self._way: tuple[Way | None] | None = None
        """How the server deletes a tag, once that is known."""
        self._whole: set[RepositoryPath] = set()
        """Where the right to delete is only granted as `*`."""
        self._referrers: dict[RepositoryPath, dict[Digest, tuple[Digest, ...]]] = {}
        """As the last listing told them."""

    def scope(self, repository: Repository, access: Access) -> str:
        """To ask for `push` creates a repository that is not there and is refused on a protected path, so it is only
        asked where something is pushed."""
        if access == "delete" and repository.path in self._whole:
            return f"repository:{repository.path}:*"
        return super().scope(repository, access)

    async def probe(self, repository: Repository) -> Capabilities:
        database = await self._has_database(repository)
        try:
            rights = await self._rights(repository)
        except Unauthorized as refusal:
            # E.g. while GitLab is in maintenance mode. Raises once more if not even reading is allowed.
            await self._check_readable(repository)
            return cannot(refusal.message)
        if rights is not None and not rights.may_delete:
            await self._check_readable(repository)
            try:
                await self._door(repository, rights)
            except Unauthorized as refusal:
                return cannot(refusal.message)
            return capabilities("manifests", database=database, by_digest=False)
        try:
            way = await self._find_way(repository)
        except DeletionDisabled as refusal:
            return cannot(refusal.message)
        except Unauthorized as refusal:
            return cannot(f"{described(self._credential)} was refused: {refusal.message}")
        return capabilities(way, database=database, by_digest=rights is None or rights.rule_for_digests is None)

    async def list_tags(self, repository: Repository) -> Listing:
        if await self._has_database(repository):
            listing, referrers = await list_detailed(lambda path: self.read(repository, path, PAGE_LIMIT), repository)
            self._referrers[repository.path] = dict(referrers)
        else:
            listing = await super().list_tags(repository)
        try:
            rights = await self._rights(repository)
        except Unauthorized:
            rights = None  # it may not delete at all, and the probe says why
        return msgspec.structs.replace(listing, locked=rights.locked(listing.tags)) if rights else listing

    async def referrers(self, repository: Repository, subject: Digest) -> Sequence[Digest]:
        """GitLab's list names those of tagged manifests. Of others, and of registries before 3.85, only the
        referrers API could tell; whether GitLab has it is not documented, and it is asked once."""
        told = self._referrers.get(repository.path, {}).get(subject)
        return told or await super().referrers(repository, subject)

    async def delete_tags(self, repository: Repository, tags: Sequence[Tag]) -> Sequence[Outcome]:
        return [await self._outcome(repository, tag) for tag in tags]

    async def delete_manifests(self, repository: Repository, digests: Sequence[Digest]) -> Sequence[Outcome]:
        return [await self._outcome(repository, digest) for digest in digests]

    async def _outcome(self, repository: Repository, reference: Tag | Digest) -> Outcome:
        try:
            if isinstance(reference, Tag) and self._api and (door := await self._needed_door(repository)):
                return await self._by_api(self._api, door, repository, reference)
            way = await self._find_way(repository) if isinstance(reference, Tag) else "manifests"
            if way is None:
                return Failed("this registry cannot delete a tag by its name")
            reply = await self._send_deletion(repository, f"{way}/{reference}")
            return await self._refusal(repository, reference, reply) if reply.status == 401 else deletion_outcome(reply)
        except DeletionDisabled as error:
            return Forbidden(error.message)
        except HolystoneError as error:
            return failed_deletion(error)

    async def _by_api(self, api: GitlabApi, door: Door, repository: Repository, tag: Tag) -> Outcome:
        reply = await api.delete(door, tag)
        if found := outcome(reply):
            return found
        if await self.resolve(repository, tag) is None:
            return AlreadyGone()
        said = f"GitLab's API refuses to delete it: {summary(reply)}"
        return Locked(f"{said} (a rule protects the tag)") if reply.status == 403 else Failed(said)

    async def _needed_door(self, repository: Repository) -> Door | None:
        """None where the registry itself gives the right to delete."""
        if repository.path not in self._doors:
            await self._has_database(repository)  # before the first contact there are no rights to read
            rights = await self._rights(repository)
            return None if rights is None or rights.may_delete else await self._door(repository, rights)
        return self._doors[repository.path]

    async def _door(self, repository: Repository, rights: Rights) -> Door:
        """Raises Unauthorized where the API does not help."""
        if repository.path not in self._doors:
            if self._api is None:
                raise Unauthorized(lacking(self._credential, repository, rights))
            try:
                if not rights.project:
                    # Since GitLab 16 a token says it; a path below a project does not tell where the project ends.
                    raise Unauthorized("its token does not say in which project that is, as the API has to be told")
                self._doors[repository.path] = await self._api.door(repository, rights.project)
            except Unauthorized as refusal:
                raise Unauthorized(lacking(self._credential, repository, rights, refusal.message)) from refusal
        return self._doors[repository.path]

    async def _refusal(self, repository: Repository, reference: Tag | Digest, reply: Reply) -> Outcome:
        """A 401 after a new token was tried: what that token says is more than what the reply says."""
        rights = await self._rights(repository)
        if rights is not None:
            if rule := rights.rule(reference) if isinstance(reference, Tag) else rights.rule_for_digests:
                return Locked(rule)
            if not rights.may_delete and not is_rule(reply):
                return Forbidden(lacking(self._credential, repository, rights))
        return deletion_outcome(reply)

    async def _send_deletion(self, repository: Repository, what: str) -> Reply:
        """`what` is a path below the repository. A 401 that a new token does not mend is returned: it may be a rule."""
        return await self.http.request(
            "DELETE",
            f"/v2/{repository.path}/{what}",
            lane=self.writes,
            limit=MANIFEST_LIMIT,
            scope=self.scope(repository, "delete"),
            final=(401,),
        )

    async def _find_way(self, repository: Repository) -> Way | None:
        if self._way is None:
            self._way = (await find_way(lambda what: self._send_deletion(repository, what), repository),)
        return self._way[0]

    async def _rights(self, repository: Repository) -> Rights | None:
        """Those to delete, of the token that is sent for it; None if the registry asks for none of GitLab's tokens.

        `delete` by name first: a job token has it and is never given `*`; servers that know only `*` come after."""
        named = await self._granted(repository, "pull,delete")
        if named is None or named.may_delete:
            return named
        try:
            whole = await self._granted(repository, "*")
        except Unauthorized:
            return named  # `*` includes push, which protected repositories answer with 403
        if whole is None or not whole.may_delete:
            return named
        self._whole.add(repository.path)
        return whole

    async def _granted(self, repository: Repository, actions: str) -> Rights | None:
        scope = f"repository:{repository.path}:{actions}"
        return read_rights(await self.http.granted(scope, lane=self.reads), repository.path)

    async def _check_readable(self, repository: Repository) -> None:
        """Raises Unauthorized. GitLab does not tell a project that is not there from one that may not be seen."""
        rights = await self._granted(repository, "pull")
        if rights is not None and not rights.actions:
            raise Unauthorized(
                f"GitLab grants {described(self._credential)} nothing in {repository}: the project does not exist, "
                "its registry is switched off, or it may not be read.",
                what_to_do="Check the address, and use a credential with the role Reporter or higher (Maintainer to "
                "delete) and the scope api.",
            )

    async def _has_database(self, repository: Repository) -> bool:
        """Found out on first contact. A credential that is refused there is not shown again: GitLab answers 403 for
        an hour after 30 wrong logins (docs.gitlab.com/security/rate_limits)."""
        async with self._meeting:
            if self._refused is not None:
                raise self._refused
            if self._database is None:
                try:
                    self._database = await self._ask_database(repository)
                except Unauthorized as refusal:
                    # Nobody's is refused for one project and not for another.
                    if not isinstance(self._credential, Anonymous):
                        self._refused = refusal
                    raise
            return self._database

    async def _ask_database(self, repository: Repository) -> bool:
        """registry/handlers/app.go: distributionAPIBase, dbAssertionhandler."""
        reply = await self.read(repository, "/v2/", MANIFEST_LIMIT)
        if reply.status != 200:
            raise unreadable(f"{self.host}/v2/", reply)
        if _DATABASE in reply.headers:
            return reply.headers[_DATABASE].lower() == "true"
        # Before that header: 200 with a database, 404 without. A proxy that sends this path somewhere else, as where
        # GitLab and its registry share a host, does not know the other header.
        reply = await self.http.request(
            "GET",
            "/gitlab/v1/",
            lane=self.reads,
            limit=MANIFEST_LIMIT,
            scope=self.scope(repository, "read"),
            final=(200, 401),  # the first may be a page of GitLab's own
        )
        return reply.status == 200 and _VERSION in reply.headers
