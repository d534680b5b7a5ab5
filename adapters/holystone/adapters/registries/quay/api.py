"""Quay's own API, /api/v1, as one OAuth token. Robots cannot use it (quay/quay:auth/decorators.py, process_oauth)."""

from typing import Final, Literal
from urllib.parse import quote

import msgspec

from holystone.adapters.http.errors import summary
from holystone.adapters.http.reply import Reply
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.oci_replies import MANIFEST_LIMIT, STRANGE
from holystone.adapters.registries.quay.replies import NONSENSE, code
from holystone.engine.errors import IncompleteSource, Unauthorized
from holystone.engine.model.references import Digest, Repository, Tag
from holystone.engine.scheduler import Lane

_FINAL: Final = (401, 503)
"""401: told with a better advice than the usual one. 503: see `replies.later`."""
_ADVICE: Final = (
    "The Quay token must be an OAuth access token of a Quay application (robots' passwords belong into Docker's "
    "configuration), with the scopes repo:read and repo:write, of a user who may read and write the repository."
)


class About(msgspec.Struct):
    """A repository, as GET of it tells (quay/quay:endpoints/api/repository.py)."""

    state: str | None = None
    """NORMAL, READ_ONLY, MIRROR, …"""
    can_write: bool = False
    """The token's scopes, its user's role and the state all allow it."""
    tag_expiration_s: float | None = None
    """How long a deleted tag can be restored, in seconds."""


class QuayApi:
    def __init__(self, http: RegistryHttp, lane: Lane, *, prefix: str, who: str) -> None:
        """`who` names the token and where it came from, for people."""
        self.who = who
        self._http = http
        self._lane = lane
        self._prefix = prefix

    def __repr__(self) -> str:
        return f"<QuayApi {self._http!r}>"

    async def about(self, repository: Repository) -> About | None:
        """What the API says of a repository; None if there is no such one. Raises Unauthorized and IncompleteSource."""
        # Its tags are left out: they would be cut off at 500.
        reply = await self._request("GET", repository, "?includeTags=false")
        if absent(reply):
            return None
        if reply.status != 200:
            raise refused(f"{repository} cannot be read as {self.who}", reply)
        try:
            return msgspec.json.decode(reply.body, type=About)
        except NONSENSE as error:
            raise IncompleteSource(
                f"{repository} cannot be read: the answer is no repository ({error}).", what_to_do=STRANGE
            ) from error

    async def tags(self, repository: Repository, *, page: int, limit: int) -> Reply:
        """One page of a repository's tags. Raises Unauthorized."""
        # Without onlyActiveTags the history comes along: dead tags, and one name many times.
        reply = await self._request("GET", repository, f"/tag/?limit={limit}&page={page}&onlyActiveTags=true")
        if reply.status in (401, 403):
            raise refused(f"The tags of {repository} cannot be listed as {self.who}", reply)
        return reply

    async def repositories(self, query: str) -> Reply:
        """One page of the list of repositories that is asked for."""
        return await self._send("GET", query)

    async def delete_tag(self, repository: Repository, tag: Tag) -> Reply:
        return await self._request("DELETE", repository, f"/tag/{quote(tag, safe='')}")

    async def restore_tag(self, repository: Repository, tag: Tag, digest: Digest) -> Reply:
        body = msgspec.json.encode({"manifest_digest": str(digest)})
        return await self._request("POST", repository, f"/tag/{quote(tag, safe='')}/restore", body)

    async def _request(
        self, method: Literal["GET", "DELETE", "POST"], repository: Repository, rest: str, body: bytes | None = None
    ) -> Reply:
        path = "/".join(quote(part, safe="") for part in repository.path.split("/"))
        return await self._send(method, f"/{path}{rest}", body)

    async def _send(self, method: Literal["GET", "DELETE", "POST"], rest: str, body: bytes | None = None) -> Reply:
        return await self._http.request(
            method,
            f"{self._prefix}/repository{rest}",
            lane=self._lane,
            limit=MANIFEST_LIMIT,
            headers={"Content-Type": "application/json"} if body else None,
            body=body,
            final=_FINAL,
        )


def absent(reply: Reply) -> bool:
    """Rights are looked at before the repository is (endpoints/api/__init__.py, require_repo_permission), so whoever is
    told 404 would have been allowed to see it. A 404 that is not Quay's own proves nothing."""
    return reply.status == 404 and code(reply) == "NOT_FOUND"


def refused(what: str, reply: Reply) -> IncompleteSource:
    if reply.status in (401, 403):
        return Unauthorized(f"{what}: {summary(reply)}.", what_to_do=_ADVICE)
    return IncompleteSource(f"{what}: {summary(reply)}.", what_to_do=STRANGE)
