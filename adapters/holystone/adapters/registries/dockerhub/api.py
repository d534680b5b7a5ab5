"""The Hub API as one user. Its requests are limited together, per minute: X-RateLimit-* of its replies set the pace."""

from typing import Final, Literal
from urllib.parse import quote

import msgspec

from holystone.adapters.http.errors import summary
from holystone.adapters.http.reply import Reply, address
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.dockerhub.locks import ImmutableTags
from holystone.adapters.registries.dockerhub.login import HubLogin
from holystone.adapters.registries.dockerhub.replies import ADVICE, is_unrouted
from holystone.adapters.registries.oci_replies import MANIFEST_LIMIT, STRANGE
from holystone.engine.errors import IncompleteSource, Unauthorized, UsageError
from holystone.engine.model.references import Repository, Tag
from holystone.engine.scheduler import Lane

PAGE_SIZE: Final = 100
"""The largest; the default is 10."""
TAG_SCOPE: Final = "scope-tag-read, which scope-tag-admin has,"
Method = Literal["GET", "HEAD", "DELETE"]


class Permissions(msgspec.Struct):
    """The caller's own (schema repo_permissions)."""

    read: bool = False
    write: bool = False
    admin: bool = False


class About(msgspec.Struct):
    """A repository (docs.docker.com/reference/api/hub/latest, GetRepository)."""

    permissions: Permissions | None = None
    immutable_tags_settings: ImmutableTags | None = None


class HubApi:
    def __init__(self, http: RegistryHttp, lane: Lane, *, who: str, login: HubLogin | None, useless: str) -> None:
        """`who` names the credential and where it came from, for people. `useless`: why it is none for this API, so
        that only what everybody may see is seen; empty if it is one."""
        self.who = who
        self.useless = useless
        self._http = http
        self._lane = lane
        self._login = login

    def __repr__(self) -> str:
        return f"<HubApi {self._http!r}>"

    @property
    def account(self) -> str:
        """The user, or the organization, that logs in; empty if nobody does or a ready token hides it."""
        return self._login.account if self._login else ""

    async def about(self, repository: Repository) -> About | None:
        """What the Hub says of a repository; None if it says that there is none, which it also says of private ones to
        strangers."""
        reply = await self.request("GET", _path(repository))
        if reply.status == 404 and not is_unrouted(reply):
            return None
        if reply.status != 200:
            raise self.refused(f"{repository} cannot be read", reply, "scope-repository-read")
        try:
            return msgspec.json.decode(reply.body, type=About)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise IncompleteSource(
                f"{repository} cannot be read: the answer is no repository ({error}).", what_to_do=STRANGE
            ) from error

    async def tags(self, repository: Repository, page: int) -> Reply:
        return await self.request("GET", f"{_path(repository)}/tags?page={page}&page_size={PAGE_SIZE}")

    async def has_tag(self, repository: Repository, tag: Tag) -> bool:
        reply = await self.request("HEAD", tag_path(repository, tag))
        if reply.status not in (200, 404):
            raise self.refused(f"{repository}:{tag} cannot be read", reply, TAG_SCOPE)
        return reply.status == 200

    async def request(self, method: Method, path: str) -> Reply:
        """Every status but 401 is returned, if it is not retried. Raises Unauthorized and what `RegistryHttp.request`
        raises."""
        used = await self._login.token() if self._login else None
        reply = await self._send(method, path)
        if reply.status == 401 and self._login:
            await self._login.token(refused=used)
            reply = await self._send(method, path)
        if reply.status == 401:
            raise self.refused(f"{method} {reply.asked.path} is refused", reply)
        return reply

    async def _send(self, method: Method, path: str) -> Reply:
        return await self._http.request(method, path, lane=self._lane, limit=MANIFEST_LIMIT, final=(401,))

    def refused(self, what: str, reply: Reply, scope: str = "") -> IncompleteSource:
        """`scope`: what the call takes of an organization's token, each its own
        (docker/docs:content/manuals/security/access-tokens/reference.md)."""
        if reply.status not in (401, 403):
            return IncompleteSource(f"{what}: {address(reply.asked)} answered {summary(reply)}.", what_to_do=STRANGE)
        needs = f"; an organization's token needs {scope} for that" if scope and reply.status == 403 else ""
        return self.unseen(f"{what}: {address(reply.asked)} answers {self.who} with {summary(reply)}{needs}")

    def unseen(self, what: str) -> Unauthorized:
        reason = f"; {self.useless}" if self.useless else ""
        ready = not (self._login or self.useless)
        brief = "A ready token ends ten minutes after it was made: let Holystone make its own. " if ready else ""
        return Unauthorized(f"{what}{reason}.", what_to_do=f"{brief}{ADVICE}")


def names(repository: Repository) -> tuple[str, str]:
    """Namespace and name, fit for a path. Raises UsageError."""
    parts = repository.path.split("/")
    if len(parts) != 2:
        raise UsageError(
            f"{repository} is no repository of Docker Hub.",
            what_to_do="A repository there has exactly two parts, NAMESPACE/NAME, and none is nested in another.",
        )
    return quote(parts[0], safe=""), quote(parts[1], safe="")


def _path(repository: Repository) -> str:
    namespace, name = names(repository)
    return f"/v2/namespaces/{namespace}/repositories/{name}"


def tag_path(repository: Repository, tag: Tag) -> str:
    return f"{_path(repository)}/tags/{quote(tag, safe='')}"


def older_tag_path(repository: Repository, tag: Tag) -> str:
    """The address by which hub-tool and werf delete a tag; an organization's token is refused there."""
    namespace, name = names(repository)
    return f"/v2/repositories/{namespace}/{name}/tags/{quote(tag, safe='')}/"
