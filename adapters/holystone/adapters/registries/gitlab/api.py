"""GitLab's API v4, by which a Developer deletes what the registry itself lets only Maintainers delete: single tags.

`destroy_container_image_tag` is a Developer's, unless a rule protects the tag; the token server gives `delete` for
`admin_container_image`, a Maintainer's (gitlab-org/gitlab, app/policies/project_policy.rb,
lib/api/project_container_repositories.rb, app/services/auth/container_registry_authentication_service.rb). Behind it
GitLab deletes by the same path as we do with more rights, manifests/TAG (lib/container_registry/client.rb).
"""

from collections.abc import Mapping
from typing import Final, NamedTuple, TypeVar
from urllib.parse import quote

import msgspec
from yarl import URL

from holystone.adapters.credentials.credential import RegistryToken
from holystone.adapters.http.errors import summary
from holystone.adapters.http.reply import Reply, to_url
from holystone.adapters.http.tokens import described
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.oci_replies import MANIFEST_LIMIT, PAGE_LIMIT, STRANGE
from holystone.engine.errors import IncompleteSource, Unauthorized, UsageError
from holystone.engine.model.capabilities import Quota
from holystone.engine.model.outcomes import Deleted, Failed, Forbidden, Outcome
from holystone.engine.model.references import RegistryHost, Repository, Tag
from holystone.engine.scheduler import Lane

HOSTED: Final = frozenset(("registry.gitlab.com", "gitlab.com"))
QUOTA: Final = Quota(rate=25.0, burst=25.0)
"""Of GitLab.com, three quarters of its 2,000 requests a minute and user (docs.gitlab.com, GitLab.com settings, rate
limits): the same user's jobs ask, too."""
_V4: Final = "/api/v4"
_DEVELOPER: Final = 30
"""docs.gitlab.com/api/members, Roles."""
_PAGE: Final = 100
"""docs.gitlab.com/api/rest, Pagination: no more a page."""
_MOST_PAGES: Final = 100
_T = TypeVar("_T")


class Door(NamedTuple):
    """Where the API has a repository: GitLab numbers them anew."""

    project: str
    number: int


class _Token(msgspec.Struct):
    user_id: int
    scopes: list[str]


class _Member(msgspec.Struct):
    access_level: int


class _Row(msgspec.Struct):
    id: int
    path: str


class GitlabApi:
    """GitLab's API as one access token sees it: personal, of a project or of a group. It is sent as OAuth's header,
    which GitLab takes for all of them (docs.gitlab.com/api/rest/authentication)."""

    def __init__(self, http: RegistryHttp, reads: Lane, writes: Lane, token: RegistryToken, *, prefix: str) -> None:
        self.who = described(token)
        self._http = http
        self._reads = reads
        self._writes = writes
        self._prefix = prefix

    def __repr__(self) -> str:
        return f"<GitlabApi {self._http!r}>"

    async def door(self, repository: Repository, project: str) -> Door:
        """Where the API has the repository, for a token that may delete there. `project`: its whole path. Raises
        Unauthorized for a token that may not delete tags in it, and IncompleteSource for answers that are none. To
        delete what is not there would not tell: GitLab says 403 of a tag that is absent, as of one that may not be
        deleted."""
        token = await self._one("/personal_access_tokens/self", _Token, "what its scopes are")
        if "api" not in token.scopes:
            has = ", ".join(sorted(token.scopes)) or "none"
            raise Unauthorized(f"{self.who} has not the scope api, only {has}")
        members = f"/projects/{quote(project, safe='')}/members/all/{token.user_id}"
        if (await self._one(members, _Member, f"its role in {project}")).access_level < _DEVELOPER:
            raise Unauthorized(f"{self.who} has a lower role than Developer in {project}")
        return Door(project, await self._number(repository, project))

    async def delete(self, door: Door, tag: Tag) -> Reply:
        """Every status that is not retried is returned: see `outcome`."""
        path = f"{_repositories(door.project)}/{door.number}/tags/{quote(tag, safe='')}"
        return await self._http.request(
            "DELETE", f"{self._prefix}{path}", lane=self._writes, limit=MANIFEST_LIMIT, final=(401,)
        )

    async def repositories(self, holder: str, path: str, page: int, size: int) -> Reply:
        """One page of those of a group or project. Every status that is not retried is returned."""
        asked = f"/{holder}/{quote(path, safe='')}/registry/repositories?per_page={size}&page={page}"
        return await self._http.request(
            "GET", f"{self._prefix}{asked}", lane=self._reads, limit=PAGE_LIMIT, final=(401,)
        )

    async def _number(self, repository: Repository, project: str) -> int:
        for page in range(1, _MOST_PAGES + 1):
            path = f"{_repositories(project)}?per_page={_PAGE}&page={page}"
            rows = await self._one(path, list[_Row], f"where it has {repository}")
            if not rows:
                break
            for row in rows:
                if row.path == repository.path:
                    return row.id
        raise Unauthorized(f"GitLab's API shows {self.who} no repository {repository.path}")

    async def _one(self, path: str, kind: type[_T], what: str) -> _T:
        path = f"{self._prefix}{path}"
        reply = await self._http.request("GET", path, lane=self._reads, limit=MANIFEST_LIMIT, final=(401,))
        if reply.status in (401, 403, 404):
            raise Unauthorized(f"GitLab's API does not say to {self.who} {what}: {summary(reply)}")
        try:
            if reply.status == 200:
                return msgspec.json.decode(reply.body, type=kind)
            problem = summary(reply)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            problem = str(error)
        raise IncompleteSource(f"GitLab's API does not say to {self.who} {what}: {problem}.", what_to_do=STRANGE)


def _repositories(project: str) -> str:
    return f"/projects/{quote(project, safe='')}/registry/repositories"


def outcome(reply: Reply) -> Outcome | None:
    """The outcome of a deletion. None for 403 and 404, which only a look at the tag explains: GitLab says 403 of a tag
    that is not there, 200 of one that went a moment before, and 400 of all that the registry behind it refuses."""
    match reply.status:
        case 200 | 202 | 204:
            return Deleted()
        case 401:
            return Forbidden(f"no right to delete: {summary(reply)}")
        case 403 | 404:
            return None
        case _:
            return Failed(summary(reply))


def api_base(host: RegistryHost, given: URL | None, environ: Mapping[str, str]) -> tuple[URL, str] | None:
    """The address and what the API's paths begin with; None where neither the registry's name, nor an option, nor a
    pipeline that is about this registry says where it is. Raises UsageError for an address of the pipeline's that is
    none."""
    if given is None and host in HOSTED:
        given = URL("https://gitlab.com")
    if given is None and environ.get("CI_REGISTRY", "").strip().lower() == host and environ.get("CI_API_V4_URL"):
        given = _parsed(environ["CI_API_V4_URL"])
    if given is None:
        return None
    return given, "" if given.path.endswith(_V4) else _V4


def _parsed(text: str) -> URL:
    try:
        url = to_url(text.strip().rstrip("/"))
    except ValueError:
        url = URL()
    if url.scheme not in ("http", "https") or not url.host or url.user:
        raise UsageError("$CI_API_V4_URL is not the address of an API.", what_to_do="Write https://HOST/api/v4.")
    return url
