"""GitHub Packages: ghcr.io with its token service, and the part of the REST API that knows packages, on one host.

After github/docs (REST reference of packages, rate limits, "Deleting and restoring a package") and what its users saw:
the threads that the adapter names.
"""

import base64
import itertools
import math
import re
import time
import urllib.parse
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec

from holystone.embedded.access import Gate, TokenService, User
from holystone.embedded.errors import ErrorReply, error_reply
from holystone.embedded.exchange import Incoming, Reply, json_reply
from holystone.embedded.manifests import StoredManifest
from holystone.embedded.quirks import Quirks
from tests.emulators import github_documents as documents
from tests.emulators.vendor import Login, NotHere, VendorEmulator, json_error

GHCR: Final = Quirks(
    referrers_api=False,
    deletion=False,  # 405 UNSUPPORTED (podman-container-tools/skopeo#1880)
    lacking_rights_status=403,
)
OWNER: Final = "ghp_0wner000000000000000000000000000000"
READER: Final = "ghp_Reader00000000000000000000000000000"
WORKFLOW: Final = "ghs_Workflow0000000000000000000000000"
_DAY: Final = 86_400
_TYPES: Final = ("npm", "maven", "rubygems", "docker", "nuget", "container")
_PATH: Final = re.compile(
    r"/(?:orgs/(?P<org>[^/]+)|users/(?P<user>[^/]+)|user)/packages"
    r"(?:/(?P<kind>container|docker)/(?P<name>[^/]+)(?:/versions(?:/(?P<id>[0-9]+)(?P<restore>/restore)?)?)?)?"
)


@dataclass(frozen=True)
class Token:
    login: str | None
    """None: a workflow's, which is nobody's."""
    scopes: frozenset[str] | None
    """None: not a classic token, no header tells."""
    hourly: int = 5000
    admin: bool = True
    """Of every package."""
    fine_grained: bool = False
    """GitHub has no packages for such (snok/container-retention-policy#94)."""


@dataclass
class Version:
    id: int
    manifest: StoredManifest
    downloads: int = 0
    tags: tuple[str, ...] = ()
    """Those it had when it was deleted."""
    deleted_at: float = 0.0


@dataclass
class Package:
    active: dict[str, Version] = field(default_factory=dict)
    """By digest."""
    deleted: list[Version] = field(default_factory=list)


class GithubEmulator(VendorEmulator):
    """`owner_kinds`: of users that are no organization. `points`: the secondary limit of a minute, of which a write
    takes five. `stale`: lists go on showing what was deleted. `restores_tags`: they come back with their version.
    `masks_absent`: the registry says of a package that is not there what it says of one that may not be seen.
    `plain_user_lists`: lists below /users/ heed no parameter, since none is documented."""

    implementation = "github"
    path = "acme/app"

    def __init__(
        self,
        *,
        owner_kinds: Mapping[str, Literal["User", "Organization"]] | None = None,
        public: bool = False,
        points: int | None = None,
        stale: bool = False,
        restores_tags: bool = True,
        masks_absent: bool = False,
        plain_user_lists: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(quirks=GHCR, clock=clock)
        self.clock = clock
        self.public = public
        self.points = points
        self.stale = stale
        self.restores_tags = restores_tags
        self.masks_absent = masks_absent
        self.plain_user_lists = plain_user_lists
        self.before_page: Callable[[int], object] = lambda _number: None
        """Called before a page of packages is made: what somebody else does meanwhile."""
        self.hidden: set[str] = set()
        """Packages that nobody's token may see."""
        self.tokens = {
            OWNER: Token("captain", frozenset({"read:packages", "write:packages", "delete:packages", "repo"})),
            READER: Token("cabin-boy", frozenset({"read:packages"})),
            WORKFLOW: Token(None, None, hourly=1000),
        }
        self.api_requests: list[tuple[str, str, str]] = []
        """Method, path and query as they came."""
        self._kinds = dict(owner_kinds or {})
        self._packages: defaultdict[str, Package] = defaultdict(Package)
        self._numbers = itertools.count(1001)
        self._used: dict[tuple[str, str], tuple[float, int]] = {}
        """By token and limit: when the window ends, and what was taken."""
        self._users = {
            OWNER: User(OWNER),
            WORKFLOW: User(WORKFLOW),
            READER: User(READER, {"*": frozenset({"pull"})}),
        }
        self.gate = Gate(TokenService(self._users, service="ghcr.io"), GHCR, time.monotonic)

    def login(self) -> Login:
        return self._login(OWNER)

    def bad_login(self) -> Login:
        return self._login("ghp_Wrong00000000000000000000000000000000")

    def weak_login(self) -> Login:
        return self._login(READER)

    def lock(self, path: str, tag: str) -> None:
        raise NotHere("no lock of GitHub's can be seen before a deletion is tried")

    def expire_tokens(self) -> None:
        self.gate.revoke_all()

    def add_token(self, secret: str, token: Token) -> None:
        self.tokens[secret] = token
        self._users[secret] = User(secret)

    def download(self, path: str, tag: str, times: int) -> None:
        self._current(path).active[self.storage.repositories[path].tags[tag]].downloads += times

    def number(self, path: str, tag: str) -> int:
        """Of the version that has this tag."""
        return self._current(path).active[self.storage.repositories[path].tags[tag]].id

    def may_throttle(self, request: Incoming) -> bool:
        return request.path != "/token"

    def answer(self, request: Incoming) -> Reply:
        if self.throttled and self.may_throttle(request):
            self.throttled -= 1
            return _registry_throttling() if request.path.startswith("/v2") else _secondary(0)
        if request.path == "/token":
            return super().answer(self._by_token_alone(request))
        if request.path.startswith("/v2"):
            return self._registry(request)
        return self._api(request)

    # The registry

    def _by_token_alone(self, request: Incoming) -> Incoming:
        """Any user name will do."""
        _, token = request.basic() or ("", "")
        if token not in self.tokens:
            raise error_reply("DENIED")
        basic = base64.b64encode(f"{token}:{token}".encode()).decode()
        return msgspec.structs.replace(request, headers={**request.headers, "Authorization": f"Basic {basic}"})

    def _registry(self, request: Incoming) -> Reply:
        path = request.path.removeprefix("/v2/")
        there = any(path.startswith(f"{each}/") for each in self.storage.repositories)
        if any(path.startswith(f"{each}/") for each in self.hidden) or (self.masks_absent and path and not there):
            raise error_reply("DENIED")
        reply = super().answer(request)
        found = re.fullmatch(r"(.+)/manifests/(.+)", path)
        if found and request.method == "GET" and reply.status == 200:
            self._current(found[1]).active[reply.headers["Docker-Content-Digest"]].downloads += 1
        return reply

    # The API

    def _api(self, request: Incoming) -> Reply:
        target, _, query = request.target.partition("?")
        self.api_requests.append((request.method, target, query))
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        token = self.tokens.get(secret)
        if scheme.lower() not in ("bearer", "token") or token is None:
            raise _refused(401, "Bad credentials")
        headers = self._counted(secret, token, request)
        try:
            reply = self.respond(request, target.removeprefix("/api/v3"), token)
        except ErrorReply as refused:
            reply = refused.reply
        return Reply(reply.status, reply.body, {**reply.headers, **headers})

    def respond(self, request: Incoming, path: str, token: Token) -> Reply:
        """One request that was let in."""
        if path == "/user":
            if token.login is None:
                raise _refused(403, "Resource not accessible by integration")
            return json_reply(documents.user(self.url, token.login, 1, "User"))
        if found := re.fullmatch(r"/users/([^/]+)", path):
            return json_reply(documents.user(self.url, found[1].title(), 2, self._kind(found[1])))
        where = _PATH.fullmatch(path)
        if where is None:
            raise _refused(404, "Not Found")
        if token.fine_grained:
            raise _refused(403, "Resource not accessible by personal access token")
        if token.scopes is not None and not token.scopes & {"read:packages", "write:packages"}:
            raise _refused(403, "You need at least read:packages scope to get a package's versions.")
        owner = self._owner(where, token)
        if where["name"] is None:
            return self._list_packages(request, owner, token)
        name = f"{owner}/{urllib.parse.unquote(where['name'])}"
        state = self.storage.repositories.get(name)
        if name in self.hidden or state is None or not state.had_manifests or not self._is_kind(where):
            raise _refused(404, "Package not found.")
        package = self._current(name)
        if where["id"] is None and not path.endswith("/versions"):
            return json_reply(self._package(name, package))
        if where["id"] is None:
            if where["user"] and self.plain_user_lists:
                return Reply(200, self._list(msgspec.structs.replace(request, query={}), name, package).body)
            return self._list(request, name, package)
        return self._version(request, name, package, int(where["id"]), token, restores=bool(where["restore"]))

    def _owner(self, where: re.Match[str], token: Token) -> str:
        if where["org"] and self._kind(where["org"]) != "Organization":
            raise _refused(404, "Not Found")
        if where["user"] and self._kind(where["user"]) != "User":
            raise _refused(404, "Not Found")
        if where["user"] and not self.public:  # dataaxiom/ghcr-cleanup-action#28
            if token.login is None:
                raise _refused(403, "Resource not accessible by integration")
            raise _refused(404, "Package not found.")
        owner = where["org"] or where["user"] or token.login
        if owner is None:
            raise _refused(403, "Resource not accessible by integration")
        return str(owner).lower()

    def _is_kind(self, where: re.Match[str]) -> bool:
        return where["kind"] == "container"

    def _kind(self, login: str) -> str:
        return self._kinds.get(login.lower(), "Organization")

    def _list_packages(self, request: Incoming, owner: str, token: Token) -> Reply:
        if token.login is None and request.query.get("package_type") == "container":
            raise _refused(400, "Invalid argument.")  # cli/cli#9606
        if request.query.get("package_type") not in _TYPES:  # required
            raise _refused(400, "Invalid argument.")
        names = [name for name in self.storage.repositories if name.startswith(f"{owner}/") and name not in self.hidden]
        size = min(int(request.query.get("per_page", "30")), 100)
        page = int(request.query.get("page", "1"))
        self.before_page(page)
        shown = sorted(names, reverse=True)[(page - 1) * size : page * size]
        links = _links(request, page, math.ceil(len(names) / size) or 1)
        return json_reply([self._package(name, self._current(name)) for name in shown], headers=links)

    def _package(self, name: str, package: Package) -> dict[str, Any]:
        pushed = self.storage.repositories[name].pushed
        newest = max((pushed[digest] for digest in package.active), default=0.0)
        return documents.package(self.url, name, len(package.active), newest, public=self.public)

    def _list(self, request: Incoming, name: str, package: Package) -> Reply:
        size = min(int(request.query.get("per_page", "30")), 100)
        page = int(request.query.get("page", "1"))
        if request.query.get("state", "active") == "deleted":
            rows = [(each, each.tags) for each in self._restorable(package)]
        else:
            state = self.storage.repositories[name]
            tags: defaultdict[str, list[str]] = defaultdict(list)
            for tag, digest in state.tags.items():
                tags[digest].append(tag)
            rows = [(each, tuple(sorted(tags[each.manifest.digest]))) for each in package.active.values()]
            rows += [(each, each.tags) for each in package.deleted] if self.stale else []
        rows.sort(key=lambda row: -row[0].id)
        shown = [self.row(name, each, own) for each, own in rows[(page - 1) * size : page * size]]
        return json_reply(shown, headers=_links(request, page, math.ceil(len(rows) / size) or 1))

    def row(self, name: str, version: Version, tags: Iterable[str]) -> dict[str, Any]:
        digest = version.manifest.digest
        state, tags = self.storage.repositories[name], tuple(tags)
        pushed = state.pushed[digest]
        updated = max((pushed, *(state.tagged[tag] for tag in tags if tag in state.tagged)))
        return documents.version(self.url, name, version.id, digest, pushed, updated, tags)

    def _version(
        self, request: Incoming, name: str, package: Package, number: int, token: Token, *, restores: bool
    ) -> Reply:
        if request.method == "POST" and restores:
            self._check_rights(token, "write:packages", "restore")
            return self._restore(name, package, number)
        version = next((each for each in package.active.values() if each.id == number), None)
        if request.method not in ("GET", "DELETE") or restores:
            raise _refused(404, "Not Found")
        if version is None:
            raise _refused(404, "Package not found.")
        tags = self.storage.repositories[name].tags_of(version.manifest.digest)
        if request.method == "GET":
            return json_reply(self.row(name, version, tags))
        self._check_rights(token, "delete:packages", "delete")
        self._check_rules(name, package, version)
        self.storage.delete_manifest(name, version.manifest.digest)
        del package.active[version.manifest.digest]
        version.tags, version.deleted_at = tags, self.clock()
        package.deleted.append(version)
        return Reply(204)

    def _check_rights(self, token: Token, scope: str, what: str) -> None:
        """To restore, read:packages and write:packages (REST reference of packages)."""
        if token.scopes is not None and scope not in token.scopes:
            raise _refused(403, f"You need at least {scope} scope to {what} a package version.")
        if not token.admin:
            raise _refused(404, "Package not found.")

    def _check_rules(self, name: str, package: Package, version: Version) -> None:
        if len(package.active) == 1:
            raise _refused(400, "You cannot delete the last version of a package. You must delete the package instead.")
        if set(self.storage.repositories[name].tags.values()) == {version.manifest.digest}:
            raise _refused(
                400, "You cannot delete the last tagged version of a package. You must delete the package instead."
            )
        if self.public and version.downloads > 5000:
            raise _refused(
                400,
                "Publicly visible package versions with more than 5000 downloads cannot be deleted. Contact GitHub "
                "support for further assistance.",
            )

    def _restore(self, name: str, package: Package, number: int) -> Reply:
        version = next((each for each in self._restorable(package) if each.id == number), None)
        if version is None:
            raise _refused(404, "Package not found.")
        digest = version.manifest.digest
        if digest in package.active:
            raise _refused(400, "A version with the same name exists.")
        package.deleted.remove(version)
        package.active[digest] = version
        state = self.storage.repositories[name]
        state.manifests[digest] = version.manifest
        if self.restores_tags:
            state.tags.update({tag: digest for tag in version.tags if tag not in state.tags})
        return Reply(204)

    def _restorable(self, package: Package) -> list[Version]:
        return [each for each in package.deleted if self.clock() - each.deleted_at <= 30 * _DAY]

    def _current(self, name: str) -> Package:
        """With a version for every manifest that the registry has."""
        package, state = self._packages[name], self.storage.repositories[name]
        for digest in state.manifests.keys() - package.active.keys():
            package.active[digest] = Version(0, state.manifests[digest])
        fresh = [version for version in package.active.values() if not version.id]
        for version in sorted(fresh, key=lambda version: state.pushed[version.manifest.digest]):
            version.id = next(self._numbers)
        return package

    def _counted(self, secret: str, token: Token, request: Incoming) -> dict[str, str]:
        """Raises ErrorReply."""
        told = {} if token.scopes is None else {"X-OAuth-Scopes": ", ".join(sorted(token.scopes))}
        ends, used = self._taken(secret, "hour", 3600, 1)
        headers = {
            **told,
            "X-RateLimit-Limit": str(token.hourly),
            "X-RateLimit-Remaining": str(max(0, token.hourly - used)),
            "X-RateLimit-Used": str(min(used, token.hourly)),
            "X-RateLimit-Reset": str(math.ceil(ends)),
            "X-RateLimit-Resource": "core",
        }
        if used > token.hourly:
            raise _refused(403, "API rate limit exceeded for user ID 1.", headers)
        if self.points is not None:
            ends, used = self._taken(secret, "minute", 60, 1 if request.method == "GET" else 5)
            if used > self.points:
                raise ErrorReply(_secondary(math.ceil(ends - self.clock()), headers))
        return headers

    def _taken(self, secret: str, limit: str, seconds: float, points: int) -> tuple[float, int]:
        ends, used = self._used.get((secret, limit), (0.0, 0))
        if self.clock() >= ends:
            ends, used = self.clock() + seconds, 0
        self._used[secret, limit] = ends, used + points
        return ends, used + points

    def _login(self, token: str) -> Login:
        auth = base64.b64encode(f"anyone:{token}".encode()).decode()
        return Login({"WERF_REPO_GITHUB_TOKEN": token}, {"auths": {self.host: {"auth": auth}}}, (token, auth))


def _refused(status: int, message: str, headers: Mapping[str, str] | None = None) -> ErrorReply:
    return json_error(
        status,
        {"message": message, "documentation_url": "https://docs.github.com/rest", "status": str(status)},
        headers,
    )


def _secondary(seconds: int, headers: Mapping[str, str] | None = None) -> Reply:
    text = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    return _refused(403, text, {**(headers or {}), "Retry-After": str(seconds)}).reply


def _registry_throttling() -> Reply:
    error = {"code": "TOOMANYREQUESTS", "message": "retry-after: 1.16676ms, allowed: 44000/minute"}
    return json_reply({"errors": [error]}, status=429)


def _links(request: Incoming, page: int, last: int) -> dict[str, str]:
    """GitHub's name the owner by number, and the address of its own API."""
    query = {key: value for key, value in request.query.items() if key != "page"}

    def link(number: int, relation: str) -> str:
        asked = urllib.parse.urlencode({**query, "page": number})
        return f'<{request.base}/organizations/4711{request.path}?{asked}>; rel="{relation}"'

    links = [link(page - 1, "prev")] if page > 1 else []
    links += [link(page + 1, "next"), link(last, "last")] if page < last else []
    links += [link(1, "first")] if page > 1 else []
    return {"Link": ", ".join(links)} if links else {}


EMULATOR = GithubEmulator
