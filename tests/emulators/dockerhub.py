"""Docker Hub: the Hub API (hub.docker.com) and the registry (registry-1.docker.io, auth.docker.io) on one host.

Paths, page sizes and bodies as in docker/docs:content/reference/api/hub/latest.yaml, and as people pasted them into
docker/hub-feedback (issues 2006, 2171, 2251, 2398, 2484)."""

import base64
import datetime as dt
import json
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec
import re2

from holystone.embedded.access import Gate, TokenService, User
from holystone.embedded.errors import ErrorReply, error_reply, plain
from holystone.embedded.exchange import Incoming, Reply, json_reply
from holystone.embedded.quirks import Quirks
from holystone.embedded.routes import route
from holystone.embedded.storage import RepositoryState
from tests.emulators.vendor import Login, VendorEmulator, json_error

Kind = Literal["password", "pat", "oat"]
Call = Literal["list", "about", "tags", "delete", "pull", "push"]
_OF_ORGANIZATIONS: Final[Mapping[Call, frozenset[str]]] = {
    "list": frozenset({"scope-repository-list"}),
    "about": frozenset({"scope-repository-read"}),
    "tags": frozenset({"scope-tag-read", "scope-tag-admin"}),
    "delete": frozenset({"scope-tag-admin"}),
    "pull": frozenset({"scope-image-pull", "scope-image-push"}),
    "push": frozenset({"scope-image-push"}),
}
_WORDS: Final[Mapping[Call, str]] = {
    "list": "read",
    "about": "read",
    "tags": "read",
    "delete": "delete",
    "push": "write",
}
_LISTED: Final = (
    *("name", "namespace", "repository_type", "status", "status_description", "description", "is_private"),
    *("star_count", "pull_count", "last_updated", "date_registered", "media_types", "content_types", "categories"),
)
"""What a list of repositories says as each does of itself."""
PAGE_SIZE_MAX: Final = 100
_ME: Final = "rob"
_SECRETS: Final = {"cleaner": "dckr_pat_clean-every-berth", "reader": "dckr_pat_look-around-only"}
_HUB = Quirks(sorted_tags=False, page_size=100, page_size_max=100)
_REPOSITORIES = re.compile(r"/v2/namespaces/([^/]+)/repositories")
_REPOSITORY = re.compile(r"/v2/namespaces/([^/]+)/repositories/([^/]+)")
_TAGS = re.compile(r"/v2/namespaces/([^/]+)/repositories/([^/]+)/tags")
_TAG = re.compile(r"/v2/namespaces/([^/]+)/repositories/([^/]+)/tags/([^/]+)")
_OLDER_TAG = re.compile(r"/v2/repositories/([^/]+)/([^/]+)/tags/([^/]+)/")


@dataclass(frozen=True)
class Account:
    """One way to log in."""

    kind: Kind
    identifier: str
    secret: str
    scopes: frozenset[str] = frozenset({"read", "write", "delete"})
    """Of an access token; a password has all. Of an organization's by Docker's own names (`scope-…`), each for a call
    of its own (docker/docs:content/manuals/security/access-tokens/reference.md), or all by the plain words."""
    role: Literal["read", "write", "admin"] = "admin"
    """Of the user in every repository."""

    def may(self, call: Call) -> bool:
        if any(scope.startswith("scope-") for scope in self.scopes):
            return bool(_OF_ORGANIZATIONS[call] & self.scopes)
        return call == "pull" or _WORDS[call] in self.scopes


@dataclass
class Rules:
    enabled: bool = False
    rules: list[Any] = field(default_factory=lambda: [".*"])


@dataclass(frozen=True)
class _Issued:
    account: Account
    ends: float


class DockerHubEmulator(VendorEmulator):
    """`lifetime`: of a JWT, in seconds. `private`: strangers do not see that a repository exists. `digests`:
    False: the list says null. `newer_delete`: what DELETE below /v2/namespaces is: a call, or the way in which it is
    none; `older_delete`: whether the other address has it. `masks_rights`: 404 instead of 403.
    `immutable_status` answers for an immutable tag. `backend_faults`: so many deletions answer 500.
    `pulls`: how many manifests may be read. `between_pages` is called after each page but the last. `abuse`: throttling
    is that of the protection against abuse. `retry_in`: seconds until X-Retry-After."""

    implementation = "dockerhub"
    path = "team/app"
    realm: str | None = None
    """Of the token server, where it is not on the registry's host."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        lifetime: float = 600.0,
        private: bool = True,
        digests: bool = True,
        newer_delete: Literal["call", "404", "405"] = "call",
        older_delete: bool = True,
        masks_rights: bool = False,
        immutable_status: int = 400,
        backend_faults: int = 0,
        pulls: int | None = None,
        between_pages: Callable[["DockerHubEmulator", int], None] | None = None,
        abuse: bool = False,
        retry_in: float = 0.0,
    ) -> None:
        super().__init__(quirks=_HUB, clock=clock)
        self.accounts = [
            Account("pat", _ME, _SECRETS["cleaner"]),
            Account("pat", _ME, _SECRETS["reader"], frozenset({"read"})),
        ]
        self.private = private
        self.clock = clock
        self.lifetime = lifetime
        self.digests = digests
        self.newer_delete = newer_delete
        self.older_delete = older_delete
        self.masks_rights = masks_rights
        self.immutable_status = immutable_status
        self.backend_faults = backend_faults
        self.pulls = pulls
        self.between_pages = between_pages
        self.abuse = abuse
        self.retry_in = retry_in
        self.logins = 0
        self.rules: dict[str, Rules] = {}
        self.pull_times: dict[str, float] = {}
        """When tags, and manifests by their digests, were pulled last."""
        self._issued: dict[str, _Issued] = {}
        self.let_in(*self.accounts)

    def let_in(self, *accounts: Account) -> None:
        """These, and nobody else."""
        self.accounts = list(accounts)
        # The registry's users have one password each: each way in is a user there, told apart in `answer`.
        users = {_registry_user(each): User(each.secret, {"*": frozenset(_actions(each))}) for each in accounts}
        users[""] = User("", {} if self.private else {"*": frozenset({"pull"})})
        service = TokenService(users, expires_in=300, service="registry.docker.io", realm=self.realm)
        self.gate = Gate(service, self.quirks, self.clock)

    def login(self) -> Login:
        return self.docker_login(_SECRETS["cleaner"])

    def bad_login(self) -> Login:
        return self.docker_login("dckr_pat_expired-long-ago")

    def weak_login(self) -> Login:
        return self.docker_login(_SECRETS["reader"])

    def docker_login(self, secret: str, user: str = _ME) -> Login:
        auth = base64.b64encode(f"{user}:{secret}".encode()).decode()
        return Login(docker_config={"auths": {self.host: {"auth": auth}}}, secrets=(secret, auth))

    def expire_tokens(self) -> None:
        self._issued.clear()
        self.gate.revoke_all()

    def lock(self, path: str, tag: str) -> None:
        there = self.rules.setdefault(path, Rules(rules=[]))
        there.enabled = True
        there.rules.append(f"^{re.escape(tag)}$")

    def issue(self, account: Account) -> str:
        """A JWT, as /v2/auth/token gives it."""
        now = self.clock()
        payload = {"iat": now, "exp": now + self.lifetime, "jti": secrets.token_hex(8)}
        token = ".".join((_part({"alg": "RS256", "typ": "JWT"}), _part(payload), secrets.token_urlsafe(16)))
        self._issued[token] = _Issued(account, now + self.lifetime)
        return token

    # Throttling

    def may_throttle(self, request: Incoming) -> bool:
        return _is_hub_api(request.path)

    def throttling(self) -> Reply:
        if self.abuse:
            return Reply(429, b"Too Many Requests\n", {"Content-Type": "text/plain"})
        comes_back = str(int(self.clock() + self.retry_in))
        return json_reply(
            {"detail": "Rate limit exceeded", "error": False}, status=429, headers={"X-Retry-After": comes_back}
        )

    # Requests

    def answer(self, request: Incoming) -> Reply:
        if _is_hub_api(request.path):
            if self.throttled:
                self.throttled -= 1
                return self.throttling()
            reply = self._log_in(request) if request.path == "/v2/auth/token" else self._hub(request)
            reset = int(self.clock()) + 60
            limits = {
                "X-RateLimit-Limit": "6000",
                "X-RateLimit-Remaining": "5999",
                "X-RateLimit-Reset": str(reset),
            }
            return msgspec.structs.replace(reply, headers={**reply.headers, **limits})
        return self._registry(request)

    def _registry(self, request: Incoming) -> Reply:
        if request.path == "/token":
            # No identity token, though it is asked for: Docker's configuration has a password for Docker Hub.
            query = {name: value for name, value in request.query.items() if name != "offline_token"}
            return self.gate.token(self._as_registry_user(msgspec.structs.replace(request, query=query)))
        where = route(request.path)
        if where and where.kind == "manifest" and request.method == "DELETE":
            self.gate.check(request, where)
            if ":" not in where.reference:
                raise error_reply("UNSUPPORTED")
            there = self.storage.repositories.get(where.repository)
            if there and (there.tags_of(where.reference) or there.indexes_with(where.reference)):
                raise error_reply("DENIED")
        counted = where is not None and where.kind == "manifest" and request.method == "GET"
        if counted and self.pulls == 0:
            raise error_reply("TOOMANYREQUESTS", headers={"RateLimit-Limit": "100;w=21600"})
        reply = super().answer(request)
        if self.pulls is None or where is None or where.kind != "manifest":
            return reply
        self.pulls -= counted
        limits = {"RateLimit-Limit": "100;w=21600", "RateLimit-Remaining": f"{self.pulls};w=21600"}
        return msgspec.structs.replace(reply, headers={**reply.headers, **limits})

    def _as_registry_user(self, request: Incoming) -> Incoming:
        basic = request.basic()
        account = next((each for each in self.accounts if (each.identifier, each.secret) == basic), None)
        if account is None:
            return request
        pair = base64.b64encode(f"{_registry_user(account)}:{account.secret}".encode()).decode()
        return msgspec.structs.replace(request, headers={**request.headers, "Authorization": f"Basic {pair}"})

    def _log_in(self, request: Incoming) -> Reply:
        self.logins += 1
        if request.method != "POST":
            raise json_error(405, {"message": "method not allowed", "errinfo": {}})
        try:
            asked = json.loads(request.body)
            wanted = (asked["identifier"], asked["secret"])
        except (ValueError, KeyError, TypeError):
            raise json_error(400, {"message": "invalid request", "errinfo": {}}) from None
        for account in self.accounts:
            if wanted == (account.identifier, account.secret):
                return json_reply({"access_token": self.issue(account)})
        raise json_error(401, {"detail": f"incorrect authentication credentials: {wanted[1]}"})

    def _caller(self, request: Incoming) -> Account | None:
        """None: a stranger. Raises ErrorReply for a token that is none any more."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if not scheme:
            return None
        issued = self._issued.get(token) if scheme == "Bearer" else None
        if issued is None or issued.ends <= self.clock():
            raise json_error(401, {"message": "token expired or invalid", "errinfo": {}})
        return issued.account

    def _hub(self, request: Incoming) -> Reply:
        caller = self._caller(request)
        method = "GET" if request.method == "HEAD" else request.method
        if (found := _OLDER_TAG.fullmatch(request.path)) and self.older_delete:
            if caller and caller.kind == "oat":
                text = "token issued from organization access token is not allowed"
                raise json_error(403, {"message": text, "errinfo": {}})
            there = self._repository(caller, found[1], found[2])
            if method == "DELETE":
                return self._delete(caller, f"{found[1]}/{found[2]}", there, found[3])
        if found := _TAG.fullmatch(request.path):
            if method == "DELETE" and self.newer_delete != "call":
                raise plain(int(self.newer_delete), "404 page not found\n")
            there = self._repository(caller, found[1], found[2])
            if method == "DELETE":
                return self._delete(caller, f"{found[1]}/{found[2]}", there, found[3])
            if method == "GET" and found[3] in there.tags:
                return json_reply(self._tag(there, found[3]))
            raise _not_found()
        if method == "GET" and (found := _TAGS.fullmatch(request.path)):
            return self._page(request, self._repository(caller, found[1], found[2]))
        if method == "GET" and (found := _REPOSITORIES.fullmatch(request.path)):
            return self._namespace(request, caller, found[1])
        if method == "GET" and (found := _REPOSITORY.fullmatch(request.path)):
            self._repository(caller, found[1], found[2], "about")
            return json_reply(self._about(caller, found[1], found[2]))
        raise plain(404, "404 page not found\n")

    def _repository(self, caller: Account | None, namespace: str, name: str, call: Call = "tags") -> RepositoryState:
        there = self.storage.repositories.get(f"{namespace}/{name}")
        if there is None or (self.private and not caller):
            raise _not_found()
        if self.private and caller and not caller.may(call):
            raise _insufficient() if caller.kind == "oat" else _not_found()
        return there

    def _about(self, caller: Account | None, namespace: str, name: str) -> Mapping[str, Any]:
        role = caller.role if caller else "read"
        rules = self.rules.get(f"{namespace}/{name}", Rules())
        now = _iso(self.clock())
        return {
            "user": namespace,
            "name": name,
            "namespace": namespace,
            "repository_type": "image",
            "status": 1,
            "status_description": "active",
            "description": "",
            "is_private": self.private,
            "is_automated": False,
            "star_count": 0,
            "pull_count": 0,
            "last_updated": now,
            "date_registered": now,
            "collaborator_count": 0,
            "has_starred": False,
            "media_types": [],
            "content_types": ["image"],
            "categories": [],
            "permissions": {"read": True, "write": role != "read", "admin": role == "admin"},
            "immutable_tags_settings": {"enabled": rules.enabled, "rules": rules.rules},
        }

    def _namespace(self, request: Incoming, caller: Account | None, namespace: str) -> Reply:
        """What the caller may not see is left out without a word. Of a namespace that is not there nothing is
        described; 404 is only of a page past the end."""
        names = sorted(name for name in self.storage.repositories if name.startswith(f"{namespace}/"))
        if self.private and not (caller and caller.may("list")):
            names = []
        return self._numbered(request, names, lambda name: self._entry(caller, namespace, name.partition("/")[2]))

    def _entry(self, caller: Account | None, namespace: str, name: str) -> Mapping[str, Any]:
        """One of Docker's own examples has these (docker/docs, c065f800, listNamespaceRepositories)."""
        about = self._about(caller, namespace, name)
        same = {key: about[key] for key in _LISTED}
        return {**same, "last_modified": about["last_updated"], "affiliation": "owner", "storage_size": 5123456}

    def _page(self, request: Incoming, there: RepositoryState) -> Reply:
        # Newest first, so that a push shifts everything.
        names = sorted(there.tags, key=lambda tag: (-there.tagged[tag], tag))
        return self._numbered(request, names, lambda name: self._tag(there, name))

    def _numbered(self, request: Incoming, names: list[str], row: Callable[[str], Mapping[str, Any]]) -> Reply:
        number = int(request.query.get("page", 1))
        size = min(int(request.query.get("page_size", 10)), PAGE_SIZE_MAX)
        pages = max(1, -(-len(names) // size))
        if not 1 <= number <= pages:
            raise json_error(404, {"detail": "Not found"})
        here = f"{request.base}{request.path}"
        body = {
            "count": len(names),
            "next": f"{here}?page={number + 1}&page_size={size}" if number < pages else None,
            "previous": f"{here}?page={number - 1}&page_size={size}" if number > 1 else None,
            "results": [row(name) for name in names[(number - 1) * size : number * size]],
        }
        if self.between_pages and number < pages:
            self.between_pages(self, number)
        return json_reply(body)

    def _tag(self, there: RepositoryState, name: str) -> Mapping[str, Any]:
        digest = there.tags[name]
        stored = there.manifests.get(digest)
        pushed = _iso(there.tagged[name])
        return {
            "id": 1,
            "name": name,
            "digest": str(digest) if self.digests else None,
            "media_type": stored.media_type if stored and self.digests else None,
            "content_type": "image",
            "full_size": 5123456,
            "images": self._images(there, digest),
            "last_updated": pushed,
            "tag_last_pushed": pushed,
            "tag_last_pulled": _iso(self.pull_times[name]) if name in self.pull_times else "0001-01-01T00:00:00Z",
            "tag_status": "active",
        }

    def _images(self, there: RepositoryState, digest: str) -> list[Mapping[str, Any]]:
        """None at all where nothing was pulled by its digest (docker/hub-feedback, issue 2484)."""
        stored = there.manifests.get(digest)
        parts = [child.digest for child in stored.children] if stored and stored.children else [digest]
        pulled = {each: self.pull_times.get(each) for each in parts}
        if not any(pulled.values()):
            return []
        return [
            {"architecture": "amd64", "digest": each, "last_pulled": _iso(at) if at else None}
            for each, at in pulled.items()
        ]

    def _delete(self, caller: Account | None, path: str, there: RepositoryState, tag: str) -> Reply:
        if refused := self._lacks(caller):
            raise _not_found() if self.masks_rights else refused
        if self.backend_faults:
            self.backend_faults -= 1
            inner = 'http: non-successful response (status=401 body="{\\"errors\\":[{\\"code\\":\\"UNAUTHORIZED\\"}]}")'
            raise json_error(500, {"message": f'Delete "https://registry.internal/{path}": {inner}', "errinfo": {}})
        if tag not in there.tags:
            raise _not_found()
        rules = self.rules.get(path, Rules())
        if rules.enabled and any(re2.search(rule, tag) for rule in rules.rules):
            raise json_error(self.immutable_status, {"message": "operation not permitted", "errinfo": {}})
        self.storage.delete_tag(path, tag)
        return Reply(204)

    def _lacks(self, caller: Account | None) -> ErrorReply | None:
        if caller is None:
            return json_error(401, {"message": "unauthorized", "errinfo": {}})
        if not caller.may("delete"):
            if caller.kind == "pat":
                return json_error(403, {"detail": "access to the resource is forbidden with personal access token"})
            return _insufficient()
        if caller.role != "admin":
            return json_error(403, {"message": "permission denied", "errinfo": {}})
        return None


def _is_hub_api(path: str) -> bool:
    return path == "/v2/auth/token" or any(
        each.fullmatch(path) for each in (_REPOSITORIES, _REPOSITORY, _TAGS, _TAG, _OLDER_TAG)
    )


def _iso(moment: float) -> str:
    return dt.datetime.fromtimestamp(moment, dt.UTC).isoformat().replace("+00:00", "Z")


def _insufficient() -> ErrorReply:
    return json_error(403, {"message": "access denied: insufficient scope", "errinfo": {}})


def _not_found() -> ErrorReply:
    return json_error(404, {"message": "object not found", "errinfo": {}})


def _registry_user(account: Account) -> str:
    return f"{account.identifier}/{account.secret[-8:]}"


def _actions(account: Account) -> set[str]:
    pushes = account.role != "read" and account.may("push")
    deletes = account.role == "admin" and account.may("delete")
    return {
        *(("pull",) if account.may("pull") else ()),
        *(("push",) if pushes else ()),
        *(("delete",) if deletes else ()),
    }


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


EMULATOR = DockerHubEmulator
