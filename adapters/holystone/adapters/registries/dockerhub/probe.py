"""Whether the credential suffices, before the first deletion. Nothing is changed."""

from typing import Final

import msgspec

from holystone.adapters.http.errors import summary
from holystone.adapters.http.reply import Reply
from holystone.adapters.registries.dockerhub.api import HubApi, names
from holystone.adapters.registries.dockerhub.deleting import TagDeletion
from holystone.adapters.registries.dockerhub.profile import PROFILE
from holystone.adapters.registries.dockerhub.replies import ADVICE, DONE, is_unrouted, lacking, said
from holystone.engine.model.capabilities import Capabilities
from holystone.engine.model.references import Repository

_NO_CALL: Final = "the API there has no call that deletes a tag; check --repo-api-url"


async def probe(hub: HubApi, deletion: TagDeletion, repository: Repository) -> Capabilities:
    """Whoever may only read is known by `permissions`; what an access token lacks shows when it is used. A lack that
    Docker Hub hides behind a 404 cannot be told from a right: then the first deletion fails, and nothing is lost."""
    if hub.useless:
        return _cannot(f"{hub.useless}. {ADVICE}")
    about = await hub.about(repository)
    permissions = about.permissions if about else None
    # Not if it is the account's own: what `permissions` says to an organization's token is not documented.
    stranger = hub.account != names(repository)[0]
    if stranger and permissions and not (permissions.write or permissions.admin):
        return _cannot(f"{hub.who} may only read {repository}: its user needs the permission Admin there")
    why = _refusal(await deletion.rehearse(repository), hub.who, str(repository))
    return _cannot(why) if why else PROFILE.can


def _refusal(reply: Reply, who: str, repository: str) -> str:
    if is_unrouted(reply):
        return _NO_CALL
    if reply.status == 404 or reply.status in DONE or "immutable" in said(reply):
        return ""
    if reply.status == 403:
        return lacking(reply, who, repository)
    return f"{who}, asked to delete a tag that does not exist, got {summary(reply)}"


def _cannot(why: str) -> Capabilities:
    return msgspec.structs.replace(PROFILE.can, forbidden=why)
