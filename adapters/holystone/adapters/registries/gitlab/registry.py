"""The registry port for GitLab."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

import anyio
import msgspec

from holystone.adapters.credentials.credential import Anonymous, Credential
from holystone.adapters.http.errors import summary
from holystone.adapters.http.reply import Reply
from holystone.adapters.http.tokens import described
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.catalog import Catalog
from holystone.adapters.registries.default.catalog import read_catalog
from holystone.adapters.registries.default.registry import DefaultSession, OciRegistry
from holystone.adapters.registries.deletion import failed_deletion
from holystone.adapters.registries.gitlab.api import Door, GitlabApi, outcome
from holystone.adapters.registries.gitlab.catalog import NEEDED, read_below
from holystone.adapters.registries.gitlab.listing import list_detailed
from holystone.adapters.registries.gitlab.login import lacking
from holystone.adapters.registries.gitlab.probe import Way, cannot, capabilities, find_way
from holystone.adapters.registries.gitlab.replies import deletion_outcome, is_rule
from holystone.adapters.registries.gitlab.rights import GrantedRights, read_rights
from holystone.adapters.registries.oci_reading import TokenAccess
from holystone.adapters.registries.oci_replies import MANIFEST_LIMIT, PAGE_LIMIT, unreadable
from holystone.engine.errors import DeletionDisabled, HolystoneError, Unauthorized
from holystone.engine.model.capabilities import Capabilities
from holystone.engine.model.outcomes import AlreadyGone, Failed, Forbidden, Locked, Outcome
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.ports import TAGS, CatalogPage, Listing, Wanted
from holystone.engine.scheduler import Lane

_VERSION: Final = "Gitlab-Container-Registry-Version"
_DATABASE: Final = "Gitlab-Container-Registry-Database-Enabled"


class GitlabRegistry(OciRegistry):
    """GitLab's container registry. With a metadata database (GitLab.com, and self-managed ones that switched it on) it
    lists by GitLab's own API; without one it is a distribution that can delete tags, and lists like one."""

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
        self.credential = credential
        self.api = api
        self.meeting = anyio.Lock()
        self.refused: Unauthorized | None = None
        self.database: bool | None = None
        self.way: tuple[Way | None] | None = None
        """How the server deletes a tag, once that is known."""

    def open(self, repository: Repository) -> "GitlabSession":
        return GitlabSession(self, repository)

    def repositories(self, prefix: RepositoryPath | None = None) -> AsyncIterator[CatalogPage]:
        """Lists with an access token those of a group or project, else all, which only an administrator may list."""
        catalog = Catalog(self.host, prefix)
        if self.api and prefix:
            return read_below(self.api, catalog)
        return read_catalog(self.http, self.reads, catalog, who=described(self.credential), needed=NEEDED)


class GitlabSession(DefaultSession):
    registry: GitlabRegistry

    def __init__(self, registry: GitlabRegistry, repository: Repository) -> None:
        super().__init__(registry, repository)
        self._credential = registry.credential
        self._api = registry.api
        self._known_door: Door | None = None
        """By which the API deletes its tags."""
        self._whole = False
        """The right to delete is only granted as `*`."""
        self._referrers: Mapping[Digest, tuple[Digest, ...]] = {}
        """As the last listing told them."""

    def scope(self, access: TokenAccess) -> str:
        """What a token must allow. To ask for `push` creates a repository that is not there and is refused on a
        protected path, so it is only asked where something is pushed."""
        if access == "delete" and self._whole:
            return f"repository:{self.repository.path}:*"
        return super().scope(access)

    async def probe(self) -> Capabilities:
        database = await self._has_database()
        try:
            rights = await self._rights()
        except Unauthorized as refusal:
            # E.g. while GitLab is in maintenance mode. Raises once more if not even reading is allowed.
            await self._check_readable()
            return cannot(refusal.message)
        if rights is not None and not rights.may_delete:
            await self._check_readable()
            try:
                await self._door(rights)
            except Unauthorized as refusal:
                return cannot(refusal.message)
            return capabilities("manifests", database=database, by_digest=False)
        try:
            way = await self._find_way()
        except DeletionDisabled as refusal:
            return cannot(refusal.message)
        except Unauthorized as refusal:
            return cannot(f"{described(self._credential)} was refused: {refusal.message}")
        return capabilities(way, database=database, by_digest=rights is None or rights.rule_for_digests is None)

    async def list_tags(self, wanted: Wanted = TAGS) -> Listing:
        if await self._has_database():
            listing, referrers = await list_detailed(lambda path: self.read(path, PAGE_LIMIT), self.repository)
            self._referrers = dict(referrers)
        else:
            listing = await super().list_tags(wanted)
        try:
            rights = await self._rights()
        except Unauthorized:
            rights = None  # it may not delete at all, and the probe says why
        return msgspec.structs.replace(listing, locked=rights.locked(listing.tags)) if rights else listing

    async def referrers(self, subject: Digest) -> Sequence[Digest]:
        """GitLab's list names those of tagged manifests. Of others, and of registries before 3.85, only the
        referrers API could tell; whether GitLab has it is not documented, and it is asked once."""
        told = self._referrers.get(subject)
        return told or await super().referrers(subject)

    async def delete_tags(self, tags: Sequence[Tag]) -> Sequence[Outcome]:
        return [await self._outcome(tag) for tag in tags]

    async def delete_manifests(self, digests: Sequence[Digest]) -> Sequence[Outcome]:
        return [await self._outcome(digest) for digest in digests]

    async def _outcome(self, reference: Tag | Digest) -> Outcome:
        try:
            if isinstance(reference, Tag) and self._api and (door := await self._needed_door()):
                return await self._by_api(self._api, door, reference)
            way = await self._find_way() if isinstance(reference, Tag) else "manifests"
            if way is None:
                return Failed("this registry cannot delete a tag by its name")
            reply = await self._send_deletion(f"{way}/{reference}")
            return await self._refusal(reference, reply) if reply.status == 401 else deletion_outcome(reply)
        except DeletionDisabled as error:
            return Forbidden(error.message)
        except HolystoneError as error:
            return failed_deletion(error)

    async def _by_api(self, api: GitlabApi, door: Door, tag: Tag) -> Outcome:
        reply = await api.delete(door, tag)
        if found := outcome(reply):
            return found
        if await self.resolve(tag) is None:
            return AlreadyGone()
        said = f"GitLab's API refuses to delete it: {summary(reply)}"
        return Locked(f"{said} (a rule protects the tag)") if reply.status == 403 else Failed(said)

    async def _needed_door(self) -> Door | None:
        """The way through the API, if it is needed; None where the registry itself gives the right to delete."""
        if self._known_door is None:
            await self._has_database()  # before the first contact there are no rights to read
            rights = await self._rights()
            return None if rights is None or rights.may_delete else await self._door(rights)
        return self._known_door

    async def _door(self, rights: GrantedRights) -> Door:
        """The way through the API, which is looked for once. Raises Unauthorized where the API does not help."""
        if self._known_door is None:
            if self._api is None:
                raise Unauthorized(lacking(self._credential, self.repository, rights))
            try:
                if not rights.project:
                    # Since GitLab 16 a token says it; a path below a project does not tell where the project ends.
                    raise Unauthorized("its token does not say in which project that is, as the API has to be told")
                self._known_door = await self._api.door(self.repository, rights.project)
            except Unauthorized as refusal:
                raise Unauthorized(lacking(self._credential, self.repository, rights, refusal.message)) from refusal
        return self._known_door

    async def _refusal(self, reference: Tag | Digest, reply: Reply) -> Outcome:
        """A 401 after a new token was tried: what that token says is more than what the reply says."""
        rights = await self._rights()
        if rights is not None:
            if rule := rights.rule(reference) if isinstance(reference, Tag) else rights.rule_for_digests:
                return Locked(rule)
            if not rights.may_delete and not is_rule(reply):
                return Forbidden(lacking(self._credential, self.repository, rights))
        return deletion_outcome(reply)

    async def _send_deletion(self, what: str) -> Reply:
        """`what` is a path below the repository. A 401 that a new token does not mend is returned: it may be a rule."""
        return await self.http.request(
            "DELETE",
            f"/v2/{self.repository.path}/{what}",
            lane=self.writes,
            limit=MANIFEST_LIMIT,
            scope=self.scope("delete"),
            final=(401,),
        )

    async def _find_way(self) -> Way | None:
        if self.registry.way is None:
            self.registry.way = (await find_way(self._send_deletion, self.repository),)
        return self.registry.way[0]

    async def _rights(self) -> GrantedRights | None:
        """The rights to delete, of the token that is sent for it; None if the registry asks for none of GitLab's
        tokens.

        `delete` by name first: a job token has it and is never given `*`; servers that know only `*` come after."""
        named = await self._granted("pull,delete")
        if named is None or named.may_delete:
            return named
        try:
            whole = await self._granted("*")
        except Unauthorized:
            return named  # `*` includes push, which protected repositories answer with 403
        if whole is None or not whole.may_delete:
            return named
        self._whole = True
        return whole

    async def _granted(self, actions: str) -> GrantedRights | None:
        scope = f"repository:{self.repository.path}:{actions}"
        return read_rights(await self.http.granted(scope, lane=self.reads), self.repository.path)

    async def _check_readable(self) -> None:
        """Raises Unauthorized. GitLab does not tell a project that is not there from one that may not be seen."""
        rights = await self._granted("pull")
        if rights is not None and not rights.actions:
            raise Unauthorized(
                f"GitLab grants {described(self._credential)} nothing in {self.repository}: the project does "
                "not exist, its registry is switched off, or it may not be read.",
                what_to_do="Check the address, and use a credential with the role Reporter or higher (Maintainer to "
                "delete) and the scope api.",
            )

    async def _has_database(self) -> bool:
        """Found out on first contact. A credential that is refused there is not shown again: GitLab answers 403 for
        an hour after 30 wrong logins (docs.gitlab.com/security/rate_limits)."""
        async with self.registry.meeting:
            if self.registry.refused is not None:
                raise self.registry.refused
            if self.registry.database is None:
                try:
                    self.registry.database = await self._ask_database()
                except Unauthorized as refusal:
                    # Nobody's is refused for one project and not for another.
                    if not isinstance(self._credential, Anonymous):
                        self.registry.refused = refusal
                    raise
            return self.registry.database

    async def _ask_database(self) -> bool:
        """Whether there is a metadata database, by registry/handlers/app.go: distributionAPIBase,
        dbAssertionhandler."""
        reply = await self.read("/v2/", MANIFEST_LIMIT)
        if reply.status != 200:
            raise unreadable(f"{self.repository.host}/v2/", reply)
        if _DATABASE in reply.headers:
            return reply.headers[_DATABASE].lower() == "true"
        # Before that header: 200 with a database, 404 without. A proxy that sends this path somewhere else, as where
        # GitLab and its registry share a host, does not know the other header.
        reply = await self.http.request(
            "GET",
            "/gitlab/v1/",
            lane=self.reads,
            limit=MANIFEST_LIMIT,
            scope=self.scope("read"),
            final=(200, 401),  # the first may be a page of GitLab's own
        )
        return reply.status == 200 and _VERSION in reply.headers
