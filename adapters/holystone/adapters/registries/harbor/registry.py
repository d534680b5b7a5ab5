"""The registry port over Harbor's API v2.0 and, for manifests and blobs, over /v2."""

from collections.abc import Sequence
from functools import partial
from typing import Final

import msgspec

from holystone.adapters.http.paging import pages
from holystone.adapters.http.reply import Reply
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.deletion import failed_deletion
from holystone.adapters.registries.harbor.api import WRITE_TIMEOUT, HarborApi, artifact, project
from holystone.adapters.registries.harbor.listing import read_artifacts
from holystone.adapters.registries.harbor.probe import probe
from holystone.adapters.registries.harbor.replies import deletion_outcome, is_absent
from holystone.adapters.registries.harbor.sheet import RIGHTS
from holystone.adapters.registries.listed import Listed
from holystone.adapters.registries.oci import STRANGE, OciApi, names_on, unreadable
from holystone.engine.errors import HolystoneError, IncompleteSource, Unauthorized
from holystone.engine.model.capabilities import Capabilities
from holystone.engine.model.outcomes import AlreadyGone, Failed, Outcome
from holystone.engine.model.references import Digest, RegistryHost, Repository, Tag
from holystone.engine.ports import Listing
from holystone.engine.scheduler import Lane

_UNREAD: Final = (
    "whether its project is a proxy cache, which no deletion empties, is not known: the credential may not read the "
    "project (project:read)"
)
_CONTRADICTS: Final = "The API and /v2 contradict each other: check that both addresses lead to the same Harbor."


class HarborRegistry(OciApi):
    """A GET of a manifest on /v2 counts as a pull and moves the artifact's pull time, which Harbor's own rules on
    "not pulled for days" go by; HEAD and the API do not (goharbor/harbor:src/server/registry/manifest.go). Only /v2
    gives manifests, though, and werf's image ids are nowhere else: each digest is read once, ever.
    """

    write_timeout = WRITE_TIMEOUT

    def __init__(self, host: RegistryHost, http: RegistryHttp, reads: Lane, writes: Lane, api: HarborApi) -> None:
        super().__init__(host, http, reads, writes)
        self.api = api
        self._own: set[str] = set()
        """Projects that are not known to be proxy caches."""
        self._unread: set[str] = set()
        """… since the credential may not read them."""
        self._readable: set[Repository] = set()
        """Which this credential may list and pull from."""
        self._shown: set[Repository] = set()
        """Of which the API has shown an artifact: it means by their paths what we mean."""
        self._accessories: dict[Repository, dict[Digest, tuple[Digest, ...]]] = {}
        """As they were listed last."""

    async def probe(self, repository: Repository) -> Capabilities:
        if repository not in self._readable:
            await self._check_project(repository)
        can = await probe(self.api, repository, listed=repository in self._readable)
        return msgspec.structs.replace(can, warnings=(_UNREAD,)) if project(repository) in self._unread else can

    async def list_tags(self, repository: Repository) -> Listing:
        """The API does not show signatures and other referrers as artifacts, and so not their tags either. /v2 names
        the tags of everything (goharbor/harbor:src/server/registry/tag.go); it is asked last, so that what comes in
        between is only one tag more to look at."""
        await self._check_project(repository)
        artifacts = await read_artifacts(
            repository,
            lambda path: self.api.get(repository, path),
            lambda reply: self.api.refused(f"The tags of {repository}", repository, reply),
        )
        names = await self._names(repository)
        self._readable.add(repository)
        self._accessories[repository] = {each.digest: each.accessories for each in artifacts}
        if artifacts:
            self._shown.add(repository)
        elif not await self._exists(repository, names):
            return Listing({}, exists=False)
        if names is None:
            raise IncompleteSource(f"The tags of {repository} cannot be listed.", what_to_do=_CONTRADICTS)
        rule = f"an immutability rule of the project {project(repository)}"
        listed = Listed()
        for name, digest in {**dict.fromkeys(names), **{tag: at.digest for at in artifacts for tag in at.tags}}.items():
            listed.add(name, digest)
        locked = {tag for each in artifacts for tag in each.immutable} & listed.tags.keys()
        listing = msgspec.structs.replace(
            listed.listing(),
            locked=dict.fromkeys(sorted(map(Tag, locked)), rule),
            indexes=tuple(each.digest for each in artifacts if each.is_index and not each.tags),
            put={Tag(tag): when for each in artifacts for tag, when in each.put.items() if tag in listed.tags},
            pushed={each.digest: each.pushed for each in artifacts if each.pushed},
        )
        return await self.look_up_odd(repository, listing)

    async def referrers(self, repository: Repository, subject: Digest) -> Sequence[Digest]:
        """Of an artifact the listing has told them; what refers to a referrer is asked for."""
        listed = self._accessories.get(repository, {}).get(subject)
        return await super().referrers(repository, subject) if listed is None else listed

    async def delete_tags(self, repository: Repository, tags: Sequence[Tag]) -> Sequence[Outcome]:
        return [await self._deletion(repository, tag, f"{artifact(tag)}/tags/{tag}") for tag in tags]

    async def delete_manifests(self, repository: Repository, digests: Sequence[Digest]) -> Sequence[Outcome]:
        """Takes the referrers and the untagged children that no other index lists along, in one transaction. Never by
        tag, which would do the same to the tag's siblings."""
        return [await self._deletion(repository, digest, artifact(digest)) for digest in digests]

    async def restore(self, repository: Repository, digest: Digest, tags: Sequence[Tag]) -> bool:
        return False

    def unreadable(self, repository: Repository, what: str, reply: Reply) -> IncompleteSource:
        """A HEAD's 412 has no body (seen on Harbor 2.15); nothing else on /v2 answers a read so."""
        if reply.status != 412:
            return super().unreadable(repository, what, reply)
        return IncompleteSource(
            f"{what} cannot be read: a policy of the project {project(repository)} blocks pulls of images that are "
            "unsigned (content trust) or vulnerable (prevent vulnerable images from running).",
            what_to_do="Lift it while the cleanup runs (project, Configuration, Deployment security): what cannot be "
            "read can be neither judged nor put back.",
        )

    async def _check_project(self, repository: Repository) -> None:
        name = project(repository)
        if name in self._own:
            return
        proxy = await self.api.is_proxy_cache(repository)
        if proxy is None:
            self._unread.add(name)
        if proxy:
            raise IncompleteSource(
                f"{repository} is in {name}, a proxy cache: the tags that Harbor shows there are those of the registry "
                "behind it, and a deletion takes only the copy until the next pull.",
                not_deleted="Nothing was deleted.",
                what_to_do="Leave it out, and let Harbor clean the cache: project, Policy, Tag retention.",
            )
        self._own.add(name)

    async def _names(self, repository: Repository) -> list[str] | None:
        """All tags by /v2; None if it does not know the repository."""
        found: dict[str, None] = {}
        first = f"/v2/{repository.path}/tags/list"
        get = partial(self._read_names, repository)
        async for reply in pages(get, first, what=str(repository), names=names_on):
            if is_absent(reply):
                return None
            if reply.status != 200:
                raise unreadable(f"The tags of {repository}", reply)
            try:
                found |= dict.fromkeys(names_on(reply))
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                raise IncompleteSource(
                    f"The tags of {repository} cannot be read: the answer is not a tag list ({error}).",
                    what_to_do=STRANGE,
                ) from error
        return list(found)

    async def _read_names(self, repository: Repository, path: str) -> Reply:
        try:
            return await self.read_tags(repository, path)
        except Unauthorized as error:
            # The list of artifacts was given to it, so that its password is right.
            raise Unauthorized(
                error.message, what_to_do=f"It may list artifacts and not pull. It needs {RIGHTS}."
            ) from error

    async def _exists(self, repository: Repository, names: list[str] | None) -> bool:
        """Harbor lists a repository that is not there as empty (goharbor/harbor#17443)."""
        reply = await self.api.get(repository)
        if reply.status == 200:
            return True
        if reply.status in (401, 403):
            return names is not None  # an OIDC user's CLI secret may not ask
        if not is_absent(reply):
            raise unreadable(str(repository), reply)
        if names is not None:
            raise IncompleteSource(f"The tags of {repository} cannot be listed.", what_to_do=_CONTRADICTS)
        return False

    async def _deletion(self, repository: Repository, reference: Tag | Digest, path: str) -> Outcome:
        try:
            outcome = deletion_outcome(await self.api.delete(repository, path))
            if isinstance(outcome, AlreadyGone) and not await self._is_gone(repository, reference):
                return Failed("the API says that it is not there, but /v2 still has it")
            return outcome
        except HolystoneError as error:
            return failed_deletion(error)

    async def _is_gone(self, repository: Repository, reference: Tag | Digest) -> bool:
        """A 404 proves it only if the path was understood: behind a proxy that decodes it, everything is "gone"."""
        return repository in self._shown or await self.resolve(repository, reference) is None
