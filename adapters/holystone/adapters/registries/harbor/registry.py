"""The registry port over Harbor's API v2.0 and, for manifests and blobs, over /v2."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

import msgspec

from holystone.adapters.http.paging import pages
from holystone.adapters.http.reply import Reply
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.catalog import Catalog
from holystone.adapters.registries.deletion import failed_deletion
from holystone.adapters.registries.harbor.api import WRITE_TIMEOUT, HarborApi, artifact, project
from holystone.adapters.registries.harbor.catalog import read_catalog
from holystone.adapters.registries.harbor.listing import Artifact, read_artifacts
from holystone.adapters.registries.harbor.probe import probe
from holystone.adapters.registries.harbor.profile import RIGHTS
from holystone.adapters.registries.harbor.replies import deletion_outcome, is_absent
from holystone.adapters.registries.listed import ListedNames, tag_or_none
from holystone.adapters.registries.oci import OciSession
from holystone.adapters.registries.oci_api import OciApi
from holystone.adapters.registries.oci_replies import STRANGE, names_on, unreadable
from holystone.engine.errors import HolystoneError, IncompleteSource, Unauthorized
from holystone.engine.model.capabilities import Capabilities
from holystone.engine.model.inventory import Pulls
from holystone.engine.model.outcomes import AlreadyGone, Failed, Outcome
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.ports import TAGS, CatalogPage, Listing, Wanted
from holystone.engine.scheduler import Lane

_UNREAD: Final = (
    "whether its project is a proxy cache, which no deletion empties, is not known: the credential may not read the "
    "project (project:read)"
)
_CONTRADICTS: Final = "The API and /v2 contradict each other: check that both addresses lead to the same Harbor."


class HarborRegistry(OciApi):
    def __init__(self, host: RegistryHost, http: RegistryHttp, reads: Lane, writes: Lane, api: HarborApi) -> None:
        super().__init__(host, http, reads, writes)
        self.api = api
        self.own: set[str] = set()
        """Projects that are not known to be proxy caches."""
        self.unread: set[str] = set()
        """Projects that may be proxy caches: the credential may not read them."""

    def open(self, repository: Repository) -> "HarborSession":
        return HarborSession(self, repository)

    def repositories(self, prefix: RepositoryPath | None = None) -> AsyncIterator[CatalogPage]:
        """Lists those in proxy caches, too, which a session refuses."""
        return read_catalog(self.api, Catalog(self.host, prefix))


class HarborSession(OciSession):
    """A GET of a manifest on /v2 counts as a pull and moves the artifact's pull time, which Harbor's own rules on
    "not pulled for days" go by; HEAD and the API do not (goharbor/harbor:src/server/registry/manifest.go). Only /v2
    gives manifests, though, and werf's image ids are nowhere else: each digest is read once, ever.
    """

    registry: HarborRegistry

    write_timeout = WRITE_TIMEOUT

    def __init__(self, registry: HarborRegistry, repository: Repository) -> None:
        super().__init__(registry, repository)
        self.api = registry.api
        self._is_readable = False
        """This credential may list and pull."""
        self._is_shown = False
        """The API has shown an artifact: it means by this path what we mean."""
        self._accessories: Mapping[Digest, tuple[Digest, ...]] = {}
        """As they were listed last."""

    async def probe(self) -> Capabilities:
        if not self._is_readable:
            await self._check_project()
        can = await probe(self.api, self.repository, listed=self._is_readable)
        is_unread = project(self.repository) in self.registry.unread
        return msgspec.structs.replace(can, warnings=(_UNREAD,)) if is_unread else can

    async def list_tags(self, wanted: Wanted = TAGS) -> Listing:
        """The API does not show signatures and other referrers as artifacts, and so not their tags either. /v2 names
        the tags of everything (goharbor/harbor:src/server/registry/tag.go); it is asked last, so that what comes in
        between is only one tag more to look at."""
        await self._check_project()
        artifacts = await self._artifacts()
        names = await self._names()
        self._is_readable = True
        self._accessories = {each.digest: each.accessories for each in artifacts}
        if artifacts:
            self._is_shown = True
        elif not await self._exists(names):
            return Listing({}, exists=False)
        if names is None:
            raise IncompleteSource(f"The tags of {self.repository} cannot be listed.", what_to_do=_CONTRADICTS)
        rule = f"an immutability rule of the project {project(self.repository)}"
        listed = ListedNames()
        for name, digest in {**dict.fromkeys(names), **{tag: at.digest for at in artifacts for tag in at.tags}}.items():
            listed.add(name, digest)
        locked = {tag for each in artifacts for tag in each.immutable} & listed.tags.keys()
        listing = msgspec.structs.replace(
            listed.listing(),
            locked=dict.fromkeys(sorted(map(Tag, locked)), rule),
            indexes=tuple(each.digest for each in artifacts if each.is_index and not each.tags),
            put={Tag(tag): when for each in artifacts for tag, when in each.put.items() if tag in listed.tags},
            pushed={each.digest: each.pushed for each in artifacts if each.pushed},
            pulls=await self._pulls() if wanted.pulls else None,
            loose=tuple(each.digest for each in artifacts if not each.tags) if wanted.loose else None,
        )
        return await self.look_up_odd(listing)

    async def _artifacts(self, *, parts: bool = False) -> Sequence[Artifact]:
        return await read_artifacts(
            self.repository,
            lambda path: self.api.get(self.repository, path),
            lambda reply: self.api.refused(f"The tags of {self.repository}", self.repository, reply),
            parts=parts,
        )

    async def _pulls(self) -> Pulls:
        """Reads a list of its own, since the usual one hides the parts of indexes."""
        artifacts = await self._artifacts(parts=True)
        return Pulls(
            tags={tag: at for each in artifacts for name, at in each.pulled_by.items() if (tag := tag_or_none(name))},
            manifests={each.digest: each.pulled for each in artifacts if each.pulled},
        )

    async def referrers(self, subject: Digest) -> Sequence[Digest]:
        """What refers to a manifest. Of an artifact the listing has told them; what refers to a referrer is asked
        for."""
        listed = self._accessories.get(subject)
        return await super().referrers(subject) if listed is None else listed

    async def delete_tags(self, tags: Sequence[Tag]) -> Sequence[Outcome]:
        return [await self._deletion(tag, f"{artifact(tag)}/tags/{tag}") for tag in tags]

    async def delete_manifests(self, digests: Sequence[Digest]) -> Sequence[Outcome]:
        """Takes the referrers and the untagged children that no other index lists along, in one transaction. Never by
        tag, which would do the same to the tag's siblings."""
        return [await self._deletion(digest, artifact(digest)) for digest in digests]

    async def restore(self, digest: Digest, tags: Sequence[Tag]) -> bool:
        return False

    def unreadable(self, what: str, reply: Reply) -> IncompleteSource:
        """A HEAD's 412 has no body (seen on Harbor 2.15); nothing else on /v2 answers a read so."""
        if reply.status != 412:
            return super().unreadable(what, reply)
        return IncompleteSource(
            f"{what} cannot be read: a policy of the project {project(self.repository)} blocks pulls of images "
            "that are unsigned (content trust) or vulnerable (prevent vulnerable images from running).",
            what_to_do="Lift it while the cleanup runs (project, Configuration, Deployment security): what cannot be "
            "read can be neither judged nor put back.",
        )

    async def _check_project(self) -> None:
        name = project(self.repository)
        if name in self.registry.own:
            return
        proxy = await self.api.is_proxy_cache(self.repository)
        if proxy is None:
            self.registry.unread.add(name)
        if proxy:
            raise IncompleteSource(
                f"{self.repository} is in {name}, a proxy cache: the tags that Harbor shows there are those of "
                "the registry behind it, and a deletion takes only the copy until the next pull.",
                not_deleted="Nothing was deleted.",
                what_to_do="Leave it out, and let Harbor clean the cache: project, Policy, Tag retention.",
            )
        self.registry.own.add(name)

    async def _names(self) -> list[str] | None:
        """The names of all tags by /v2; None if it does not know the repository."""
        found: dict[str, None] = {}
        first = f"/v2/{self.repository.path}/tags/list"
        async for reply in pages(self._read_names, first, what=str(self.repository), names=names_on):
            if is_absent(reply):
                return None
            if reply.status != 200:
                raise unreadable(f"The tags of {self.repository}", reply)
            try:
                found |= dict.fromkeys(names_on(reply))
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                raise IncompleteSource(
                    f"The tags of {self.repository} cannot be read: the answer is not a tag list ({error}).",
                    what_to_do=STRANGE,
                ) from error
            del reply
        return list(found)

    async def _read_names(self, path: str) -> Reply:
        try:
            return await self.read_tags(path)
        except Unauthorized as error:
            # The list of artifacts was given to it, so that its password is right.
            raise Unauthorized(
                error.message, what_to_do=f"It may list artifacts and not pull. It needs {RIGHTS}."
            ) from error

    async def _exists(self, names: list[str] | None) -> bool:
        """Harbor lists a repository that is not there as empty (goharbor/harbor#17443)."""
        reply = await self.api.get(self.repository)
        if reply.status == 200:
            return True
        if reply.status in (401, 403):
            return names is not None  # an OIDC user's CLI secret may not ask
        if not is_absent(reply):
            raise unreadable(str(self.repository), reply)
        if names is not None:
            raise IncompleteSource(f"The tags of {self.repository} cannot be listed.", what_to_do=_CONTRADICTS)
        return False

    async def _deletion(self, reference: Tag | Digest, path: str) -> Outcome:
        try:
            outcome = deletion_outcome(await self.api.delete(self.repository, path))
            if isinstance(outcome, AlreadyGone) and not await self._is_gone(reference):
                return Failed("the API says that it is not there, but /v2 still has it")
            return outcome
        except HolystoneError as error:
            return failed_deletion(error)

    async def _is_gone(self, reference: Tag | Digest) -> bool:
        """A 404 proves it only if the path was understood: behind a proxy that decodes it, everything is "gone"."""
        return self._is_shown or await self.resolve(reference) is None
