"""The registry port over the OCI distribution API and nothing else."""

from collections.abc import Sequence
from typing import Final

import msgspec

from holystone.adapters.http.errors import error_code
from holystone.adapters.http.paging import pages
from holystone.adapters.http.reply import Reply
from holystone.adapters.registries.default.probe import probe
from holystone.adapters.registries.default.replies import deletion_outcome
from holystone.adapters.registries.deletion import failed_deletion
from holystone.adapters.registries.oci import LIST_LIMIT, STRANGE, OciApi, unreadable
from holystone.engine.errors import HolystoneError, IncompleteSource
from holystone.engine.model.capabilities import Capabilities
from holystone.engine.model.outcomes import Outcome
from holystone.engine.model.references import Digest, Repository, Tag
from holystone.engine.ports import Listing

PAGE_SIZE: Final = 1000
"""distribution 3.1 clamps to this; smaller servers ignore or refuse `n`."""
_ABSENT: Final = {"NAME_UNKNOWN", "NOT_FOUND"}


class _TagPage(msgspec.Struct):
    tags: list[str] | None


class OciRegistry(OciApi):
    async def probe(self, repository: Repository) -> Capabilities:
        async def has_referrers_api() -> bool:
            await self.referrers(repository, Digest("sha256:" + "0" * 64))
            return bool(self.referrers_api)

        return await probe(lambda reference: self.delete(repository, reference), has_referrers_api)

    async def list_tags(self, repository: Repository) -> Listing:
        base = f"/v2/{repository.path}/tags/list"
        tags: dict[Tag, Digest | None] = {}
        for first in (f"{base}?n={PAGE_SIZE}", base):
            async for reply in pages(lambda path: self.read(repository, path, LIST_LIMIT), first, what=str(repository)):
                if reply.status == 404 and error_code(reply) in _ABSENT:
                    return Listing({}, exists=False)
                if reply.status == 400 and first != base:
                    break  # a server that does not page, and says so
                if reply.status != 200:
                    raise unreadable(f"The tags of {repository}", reply)
                tags.update(dict.fromkeys(_tags(repository, reply)))
            else:
                return Listing(tags)
        raise IncompleteSource(f"The tags of {repository} cannot be listed: the registry refuses the request.")

    async def delete_tags(self, repository: Repository, tags: Sequence[Tag]) -> Sequence[Outcome]:
        return [await self._deletion(repository, tag) for tag in tags]

    async def delete_manifests(self, repository: Repository, digests: Sequence[Digest]) -> Sequence[Outcome]:
        return [await self._deletion(repository, digest) for digest in digests]

    async def _deletion(self, repository: Repository, reference: Tag | Digest) -> Outcome:
        try:
            return deletion_outcome(await self.delete(repository, reference))
        except HolystoneError as error:
            return failed_deletion(error)

    async def restore(self, repository: Repository, digest: Digest, tags: Sequence[Tag]) -> bool:
        return False


def _tags(repository: Repository, reply: Reply) -> list[Tag]:
    """Raises IncompleteSource for a reply that is not a tag list: cut short, or a page of a proxy."""
    try:
        return [Tag.parse(tag) for tag in msgspec.json.decode(reply.body, type=_TagPage).tags or ()]
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise IncompleteSource(
            f"The tags of {repository} cannot be read: the answer is not a tag list ({error}).", what_to_do=STRANGE
        ) from error
