"""Harbor's API v2.0, as far as a cleaner needs it: paths, and one request at a time."""

from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import quote, urlencode

import msgspec

from holystone.adapters.credentials.credential import Credential
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.http.authorization import bearer
from holystone.adapters.http.errors import summary
from holystone.adapters.http.reply import Reply
from holystone.adapters.http.tokens import described
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.granted import granted_actions
from holystone.adapters.registries.harbor.profile import RIGHTS
from holystone.adapters.registries.oci_replies import PAGE_LIMIT, STRANGE
from holystone.engine.errors import IncompleteSource, Unauthorized, UsageError
from holystone.engine.model.references import Repository
from holystone.engine.scheduler import Lane

WRITE_TIMEOUT: Final = 330.0
"""Seconds. Each deletion of an artifact, and each push, refreshes the project's quota under an optimistic lock, which
Harbor tries for up to five minutes (goharbor/harbor:src/controller/quota/controller.go). The nginx that Harbor brings
waits 900 seconds for /v2/ and 60 for /api/ (make/photon/prepare/templates/nginx): a deletion that takes longer is
answered 504 there, goes on, and is found done when it is sent again."""
_BY_NAME: Final = {"X-Is-Resource-Name": "true"}
"""Where a project may be named by its number, too, one that is called 2024 is not the 2024th
(goharbor/harbor:src/server/v2.0/handler/util.go, parseProjectNameOrID)."""
_ERROR_LIMIT: Final = 1024 * 1024
_LARGEST_TOKEN: Final = 64 * 1024
"""Bytes, as of every token server; what a token says of itself takes twenty times its size."""


class _Project(msgspec.Struct):
    registry_id: int | None = None
    """Of the registry that the project is a proxy cache of; 0 or none for others (api/v2.0/swagger.yaml, Project)."""


class _Token(msgspec.Struct):
    token: str


class HarborApi:
    """No cookies are kept (see `http.wire`): Harbor wants a CSRF token from whoever sends its session cookie back.

    Harbor limits no rates. Deletions in one project compete for its quota and for database locks
    (goharbor/harbor#18440, #21062), two to four at once are what it likes; the lane finds that out by itself, since it
    sends fewer when answers get slower or are 500.
    """

    def __init__(self, http: RegistryHttp, reads: Lane, writes: Lane, credential: Credential) -> None:
        self._http = http
        self._reads = reads
        self._writes = writes
        self.credential = credential
        """Whose requests these are, for messages."""

    def __repr__(self) -> str:
        return f"<HarborApi {self._http!r}>"

    async def get(self, repository: Repository, path: str = "") -> Reply:
        """One GET. `path` is below the repository. A 401 is returned, too: see `refused`."""
        return await self._get(_base(repository) + path)

    async def delete(self, repository: Repository, path: str, *, final: Collection[int] = ()) -> Reply:
        return await self._http.request(
            "DELETE",
            _base(repository) + path,
            lane=self._writes,
            limit=_ERROR_LIMIT,
            timeout=WRITE_TIMEOUT,
            final=final,
        )

    async def is_proxy_cache(self, repository: Repository) -> bool | None:
        """Whether its project is one. None where the credential may not read the project (a robot account without
        project:read). Raises Unauthorized for a project that Harbor says is not there."""
        reply = await self._get(f"/api/v2.0/projects/{quote(project(repository), safe='')}", headers=_BY_NAME)
        if _says_no_project(reply):
            raise self.refused(str(repository), repository, reply)
        if reply.status != 200:
            return None
        try:
            return bool(msgspec.json.decode(reply.body, type=_Project).registry_id)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None

    async def allowed(self, repository: Repository, *actions: str) -> frozenset[str] | None:
        """Which of `actions` of /v2 the credential has: Harbor's token server leaves out what is not allowed, for robot
        accounts too, and changes nothing (src/core/service/token/creator.go). None if it cannot be asked."""
        scope = f"repository:{repository.path}:{','.join(actions)}"
        asked = urlencode({"service": "harbor-registry", "scope": scope})
        reply = await self._get(f"/service/token?{asked}", limit=_LARGEST_TOKEN)
        try:
            token = msgspec.json.decode(reply.body, type=_Token).token if reply.status == 200 else ""
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        return granted_actions(bearer(Secret(token)).claims, repository.path)

    def refused(self, what: str, repository: Repository, reply: Reply) -> IncompleteSource:
        """What to say of a reply that is no answer. 401 stands for a wrong credential, and for a project that is not
        there, which administrators alone are told (seen on Harbor 2.15: "project … not found"); all others are told 403
        of both a project that is not there and one that is closed."""
        who = described(self.credential)
        if _says_no_project(reply):
            return Unauthorized(
                f"There is no project {project(repository)} on {repository.host}: {summary(reply)}.",
                what_to_do="Check the address: it is HOST/PROJECT/REPOSITORY.",
            )
        if reply.status == 401:
            return Unauthorized(
                f"{repository.host} refuses {who} for {what}: {summary(reply)}.",
                what_to_do="Check its password and its rights, or use another credential.",
            )
        if reply.status == 403:
            return Unauthorized(
                f"{what} cannot be read as {who}: {summary(reply)}.",
                what_to_do=f"Check that the project exists, and that the credential has {RIGHTS}.",
            )
        return IncompleteSource(f"{what} cannot be read: {summary(reply)}.", what_to_do=STRANGE)

    async def ask(self, path: str) -> Reply:
        """GET of a path of the API; a 401 is returned, too."""
        return await self._get(path)

    async def _get(self, path: str, *, limit: int = PAGE_LIMIT, headers: Mapping[str, str] | None = None) -> Reply:
        return await self._http.request("GET", path, lane=self._reads, limit=limit, headers=headers, final=(401,))


def _says_no_project(reply: Reply) -> bool:
    said = summary(reply)
    return reply.status in (401, 404) and " project " in f" {said} " and said.endswith("not found")


def project(repository: Repository) -> str:
    """The project that a repository is in. Raises UsageError for a name without one."""
    name, slash, _ = repository.path.partition("/")
    if not slash:
        raise UsageError(
            f"{repository} names no repository of Harbor.",
            what_to_do="Write HOST/PROJECT/REPOSITORY, as in docker push.",
        )
    return name


def artifact(reference: str) -> str:
    """The path of one, by tag or digest."""
    return f"/artifacts/{quote(reference, safe=':')}"


def _base(repository: Repository) -> str:
    """A slash in the name is encoded twice: Harbor's router decodes once, its handler again (goharbor/harbor#12131)."""
    name = repository.path.partition("/")[2]
    return (
        f"/api/v2.0/projects/{quote(project(repository), safe='')}/repositories/{quote(quote(name, safe=''), safe='')}"
    )
