"""Deletes one tag. The manifest and its other tags stay (jdubois/boot-ui, issue 438)."""

import secrets
from collections.abc import Callable
from typing import Final

from holystone.adapters.http.errors import summary
from holystone.adapters.http.reply import Reply
from holystone.adapters.registries.deletion import failed_deletion
from holystone.adapters.registries.dockerhub.api import HubApi, older_tag_path, tag_path
from holystone.adapters.registries.dockerhub.locks import locked
from holystone.adapters.registries.dockerhub.replies import DONE, is_unrouted, lacking, said
from holystone.engine.errors import HolystoneError
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Forbidden, Locked, Outcome
from holystone.engine.model.references import Repository, Tag

_PER_TAG: Final = (400, 403, 409, 423)
"""With which of them an immutable tag is refused is not documented."""


class TagDeletion:
    """Two addresses have the call: a newer one, the only one that takes an organization's token, and an older one,
    which other tools use. Whichever answers as it should is used from then on."""

    def __init__(self, hub: HubApi) -> None:
        self._hub = hub
        self._paths: tuple[Callable[[Repository, Tag], str], ...] = (tag_path, older_tag_path)

    def __repr__(self) -> str:
        return f"<TagDeletion by {' or '.join(path.__name__ for path in self._paths)}>"

    async def rehearse(self, repository: Repository) -> Reply:
        """The answer to deleting a tag that nobody has. 404: it would be done."""
        tag = Tag(f"holystone-probe-{secrets.token_hex(16)}")
        *others, last = self._paths
        for path in others:
            reply = await self._hub.request("DELETE", path(repository, tag))
            if not is_unrouted(reply):
                return reply
        reply = await self._hub.request("DELETE", last(repository, tag))
        if not is_unrouted(reply):
            self._paths = (last,)
        return reply

    async def delete(self, repository: Repository, tag: Tag) -> Outcome:
        """Deletes a tag. Raises Unreachable only."""
        try:
            return await self._delete(repository, tag)
        except HolystoneError as error:
            # Among them: 500 around a 401 of the registry behind it (docker/hub-feedback, issues 2251 and 2398), which
            # was tried again as often as the lane allows.
            return failed_deletion(error)

    async def _delete(self, repository: Repository, tag: Tag) -> Outcome:
        outcome: Outcome = AlreadyGone()
        for path in self._paths:
            reply = await self._hub.request("DELETE", path(repository, tag))
            if reply.status in DONE:
                self._paths = (path,)
                return Deleted()
            if reply.status not in (404, 405):
                return await self._refusal(repository, tag, reply)
            # 404 is said of a tag that is gone, of an address that has no such call, and perhaps for want of rights.
            if not is_unrouted(reply) and not await self._hub.has_tag(repository, tag):
                return AlreadyGone()
            outcome = Failed(f"asked to delete the tag, Docker Hub says {summary(reply)}")
        return outcome

    async def _refusal(self, repository: Repository, tag: Tag, reply: Reply) -> Outcome:
        if reply.status in _PER_TAG:
            about = await self._hub.about(repository)
            if about and (rule := locked(about.immutable_tags_settings, (tag,)).get(tag)):
                return Locked(rule)
            if "immutable" in said(reply):
                return Locked(summary(reply))
        if reply.status == 403:
            return Forbidden(lacking(reply, self._hub.who, str(repository)))
        return Failed(summary(reply))
