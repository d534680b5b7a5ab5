"""Quay: registry at /v2 with its own token server, API at /api/v1, and the time machine behind both.

After quay/quay:endpoints/v2/{v2auth,manifest,tag,errors}.py, endpoints/api/{tag,repository}.py, endpoints/exception.py
and data/model/oci/{tag,manifest}.py; and what Quay of 2026-08 answered to the same requests.
"""

import base64
import json
import re
import secrets
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any, Final, Literal

from holystone.embedded.errors import ErrorReply, error_reply
from holystone.embedded.exchange import Incoming, Reply, json_reply
from holystone.embedded.manifests import referrer_entry
from holystone.embedded.quirks import OCI
from holystone.embedded.routes import Route, route
from holystone.embedded.storage import RepositoryState
from holystone.engine.model.manifests import INDEX_TYPES, OCI_INDEX
from holystone.engine.model.references import Digest, Tag
from tests.emulators.vendor import Login, VendorEmulator, json_error

TWO_WEEKS: Final = 14 * 24 * 3600
_TOKEN_LIFETIME: Final = 3600
_TEMPORARY: Final = 3600
"""Seconds that a manifest lives which was pushed without a tag (PUSH_TEMP_TAG_EXPIRATION_SEC)."""
_LIST_CACHED: Final = 120
"""Seconds that a page of /v2's list may be old (active_repo_tags_cache_ttl)."""
_SCOPE: Final = re.compile(
    r"repository:((?:[.a-zA-Z0-9_-]+/)*[.a-zA-Z0-9_-]+):((?:push|pull|\*)(?:,(?:push|pull|\*))*)"
)
_API: Final = re.compile(r"/api/v1/repository/([^/]+/[^/]+)(?:/tag/(?:([^/]+)(/restore)?)?)?")
_HTML: Final = (
    "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n</body>\r\n</html>"
)
_ROLES: Final = {"admin": ("pull", "push", "*"), "write": ("pull", "push"), "read": ("pull",)}
_OAUTH: Final = "$oauthtoken"
_OWN_TOKEN, _WEAK_TOKEN = "quayOauthTokenOfTheOwner40characters00", "quayOauthTokenThatOnlyReads40characters0"

State = Literal["NORMAL", "READ_ONLY", "MIRROR"]


@dataclass
class _Row:
    """A tag's time on one manifest. Dead ones stay: they are the history."""

    name: str
    digest: str
    start: float
    end: float | None = None
    live: bool = True


@dataclass(frozen=True)
class _Robot:
    password: str
    role: str


@dataclass
class _Repository:
    rows: list[_Row] = field(default_factory=list)
    immutable: set[str] = field(default_factory=set)
    stale: set[str] = field(default_factory=set)
    """Tags that /v2's cached list still shows."""
    pages: dict[tuple[str, int], tuple[float, list[str]]] = field(default_factory=dict)
    """/v2's lists that are cached, by where they begin and how many names were asked for, and until when."""
    temporary: dict[str, float] = field(default_factory=dict)
    """Manifests pushed by digest, until when they live without a tag."""
    seen: set[str] = field(default_factory=set)
    """Manifests that were there before."""
    never_ending: set[str] = field(default_factory=set)
    """Those with a subject that were pushed by digest: they have a hidden tag. Pushed by tag, they have none."""
    state: State = "NORMAL"
    public: bool = False


class QuayEmulator(VendorEmulator):
    """`door`: what `login` gives, an OAuth token or a robot. `tag_delete`: DELETE of a tag on /v2 (Quay 3.13).
    `active_filter`: the API knows onlyActiveTags. `cursor`: how /v2's tag list goes on. `window`: how long deleted tags
    can be restored. `read_only`: all of Quay. `keep_alive`: of the API. `lifetime` of /v2's tokens, in seconds.
    `cascades`: the last tag of a manifest takes cosign's tags of it along (quay/quay#6650, 2026-08)."""

    implementation = "quay"

    def __init__(
        self,
        *,
        door: Literal["api", "robot"] = "api",
        clock: Callable[[], float] | None = None,
        tag_delete: bool = True,
        active_filter: bool = True,
        cursor: Literal["last", "next_page"] = "last",
        window: float = TWO_WEEKS,
        read_only: bool = False,
        keep_alive: bool = True,
        lifetime: int = _TOKEN_LIFETIME,
        cascades: bool = True,
    ) -> None:
        super().__init__(quirks=OCI, clock=clock)
        self.now = clock or time.time
        self.door = door
        self.tag_delete = tag_delete
        self.active_filter = active_filter
        self.cursor = cursor
        self.window = window
        self.read_only = read_only
        self.keep_alive = keep_alive
        self.lifetime = lifetime
        self.cascades = cascades
        self.robots = {
            "team+robot": _Robot("ROBOTPASSWORD0123456789", "admin"),
            "team+writer": _Robot("WRITERPASSWORD012345678", "write"),
            "team+reader": _Robot("READERPASSWORD012345678", "read"),
        }
        self.oauth = {_OWN_TOKEN: {"repo:read", "repo:write", "repo:create"}, _WEAK_TOKEN: {"repo:read"}}
        self.foreign: set[str] = set()
        """Repositories that exist and are nobody's of ours."""
        self.before: Callable[[Incoming], object] = lambda _: None
        """Called before each request is looked at."""
        self._repositories: dict[str, _Repository] = {}
        self.repositories_a_page = 100
        self._grants: dict[str, tuple[float, dict[str, list[str]]]] = {}
        self._owners: dict[str, tuple[str, str] | None] = {}

    # What the contract suite asks of it

    def login(self, robot: str = "team+robot") -> Login:
        return self._token(_OWN_TOKEN) if self.door == "api" else self.docker(robot, self.robots[robot].password)

    def bad_login(self) -> Login:
        return self._token("noSuchToken") if self.door == "api" else self.docker("team+robot", "WRONGPASSWORD")

    def weak_login(self) -> Login:
        return self._token(_WEAK_TOKEN) if self.door == "api" else self.login("team+reader")

    def docker(self, user: str, password: str) -> Login:
        pair = base64.b64encode(f"{user}:{password}".encode()).decode()
        return Login(docker_config={"auths": {self.host: {"auth": pair}}}, secrets=(password, pair))

    def _token(self, token: str) -> Login:
        return Login(environ={"WERF_REPO_QUAY_TOKEN": token}, secrets=(token,))

    def expire_tokens(self) -> None:
        self._grants.clear()

    def lock(self, path: str, tag: str) -> None:
        self.of(path).immutable.add(tag)

    def throttling(self) -> Reply:
        """nginx's: no Retry-After, and no JSON."""
        return _html(429, "429 Too Many Requests")

    def of(self, path: str) -> _Repository:
        return self._repositories.setdefault(path, _Repository())

    # Requests

    def answer(self, request: Incoming) -> Reply:
        self.before(request)
        if self.throttled and self.may_throttle(request):
            self.throttled -= 1
            return self.throttling()
        for path, state in self.storage.repositories.items():
            self._catch_up(path, state)
        if request.path.startswith("/api/"):
            return self._api(request)
        if request.path == "/v2/auth":
            return self._auth(request)
        return self._registry(request)

    def _catch_up(self, path: str, state: RepositoryState) -> None:
        """The history, after what was done to the tags, and the tags, after what has expired."""
        repository, now = self.of(path), self.now()
        for digest in state.manifests.keys() - repository.seen:
            repository.seen.add(digest)
            if state.manifests[digest].subject and not state.tags_of(digest):
                repository.never_ending.add(digest)
        for row in repository.rows:
            if not row.live:
                continue
            here = state.tags.get(row.name) == row.digest
            if row.end is not None and row.end <= now and here:
                del state.tags[row.name]
                row.live = False
            elif not here:
                row.live, row.end = False, now
        known = {row.name for row in repository.rows if row.live}
        for tag, digest in state.tags.items():
            if tag not in known:
                repository.rows.append(_Row(tag, digest, state.tagged.get(tag, now)))

    def expire(self, path: str, tag: str, at: float) -> None:
        """Schedules a tag's end."""
        self._catch_up(path, self.storage.repositories[path])
        next(row for row in self.of(path).rows if row.live and row.name == tag).end = at

    # Tokens of /v2

    def _auth(self, request: Incoming) -> Reply:
        user = request.basic()
        if "Authorization" in request.headers and not self._knows(user):
            raise _oci(401, "UNAUTHORIZED", "Could not find robot with specified username")
        if user is None and not request.scopes:
            raise _oci(401, "UNAUTHORIZED", "access to the requested resource is not authorized")
        access = []
        for scope in request.scopes:
            asked = _SCOPE.fullmatch(scope)
            if asked is None:
                raise _oci(400, "INVALID_REQUEST", f"Unable to decode repository and actions: {scope}")
            path, actions = asked[1], asked[2].split(",")
            if "push" in actions and path not in self.storage.repositories and self._may_create(user):
                self.storage.repository(path)
            granted = [action for action in actions if self._may(user, path, action)]
            access.append({"type": "repository", "name": path, "actions": granted})
        now = int(self.now())
        claims = {"iat": now, "nbf": now, "exp": now + self.lifetime, "aud": self.host, "access": access}
        parts = ({"alg": "RS256", "kid": "k"}, claims)
        token = ".".join((*map(_base64url, parts), secrets.token_urlsafe(16)))
        self._grants[token] = (now + self.lifetime, {str(each["name"]): list(each["actions"]) for each in access})
        self._owners[token] = user
        return json_reply({"token": token})  # and nothing of how long it lives

    def _knows(self, user: tuple[str, str] | None) -> bool:
        if user is None:
            return False
        name, password = user
        known = self.robots.get(name)
        return password in self.oauth if name == _OAUTH else known is not None and known.password == password

    def _may_create(self, user: tuple[str, str] | None) -> bool:
        if user is None:
            return False
        name, password = user
        return "repo:create" in self.oauth[password] if name == _OAUTH else self.robots[name].role == "admin"

    def _may(self, user: tuple[str, str] | None, path: str, action: str) -> bool:
        repository = self.of(path)
        if action == "pull" and repository.public:
            return True
        if user is None or path in self.foreign or (action != "pull" and not self._writable(path)):
            return False
        name, password = user
        if name == _OAUTH:
            return self._scoped(password, action)
        role = self.robots[name].role
        return action in _ROLES[role] and (role == "admin" or path in self.storage.repositories)

    def _scoped(self, token: str, action: str) -> bool:
        scopes = self.oauth[token]
        return "repo:write" in scopes if action == "push" else action == "pull" and bool(scopes)

    def _writable(self, path: str) -> bool:
        return self.deletable and self.of(path).state == "NORMAL"

    # /v2

    def _registry(self, request: Incoming) -> Reply:
        if request.path == "/v2/_catalog":
            return self._catalog(request)
        where = route(request.path)
        if where is None:
            raise ErrorReply(_html(404, "404 Not Found"))
        reading = request.method in ("GET", "HEAD") and where.kind != "upload"
        self._check(request, where, "pull" if reading else "push")
        if where.kind == "version":
            challenge = f'Bearer realm="{request.base}/v2/auth",service="{self.host}"'
            return Reply(200, b"true", {"Content-Type": "text/html", "WWW-Authenticate": challenge})
        if where.kind == "blob" and request.method == "DELETE":
            raise error_reply("UNSUPPORTED")
        if self.read_only and not reading:
            message = "System is currently read-only. Pulls will succeed but all write operations are suspended."
            raise _oci(405, "DENIED", message, is_readonly=True)
        state = self.storage.repositories.get(where.repository)
        if state is None:
            raise error_reply("NAME_UNKNOWN")
        if where.kind == "tags":
            return self._tags(request, where, state)
        if where.kind == "manifest" and request.method != "PUT":
            self._find(where, state, deleting=request.method == "DELETE")
            if request.method == "DELETE":
                return self._delete(where, state)
        lived = self._lives(self.of(where.repository), state, where.reference)
        if where.kind == "referrers":
            if not lived:
                # Seen on Quay of 2026-08, though the specification wants an empty list.
                raise _oci(400, "MANIFEST_INVALID", "manifest invalid")
            return self._referrers(state, where.reference, request.query.get("artifactType", ""))
        try:
            reply = super().answer(request)
        except ErrorReply as refused:
            raise _not_loaded(refused) from None
        if where.kind == "manifest" and request.method == "PUT" and ":" in where.reference and not lived:
            # What is alive gets no temporary tag (get_or_create_manifest of data/model/oci/manifest.py).
            self.of(where.repository).temporary[where.reference] = self.now() + _TEMPORARY
        untold = {name: value for name, value in reply.headers.items() if name != "OCI-Subject"}
        return Reply(reply.status, reply.body, untold)

    def _referrers(self, state: RepositoryState, subject: str, wanted: str) -> Reply:
        """The type of an artifact is told where it is a field of the manifest, not where it is the configuration's."""
        entries = []
        for each in state.referrers(subject):
            entry = referrer_entry(each)
            if "artifactType" not in json.loads(each.body):
                del entry["artifactType"]
            entries.append(entry)
        headers = {"Content-Type": OCI_INDEX}
        if wanted:
            entries = [each for each in entries if each.get("artifactType") == wanted]
            headers["OCI-Filters-Applied"] = "artifactType"
        return json_reply({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}, headers=headers)

    def _check(self, request: Incoming, where: Route, action: str) -> None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        expiry, granted = self._grants.get(token, (0.0, {}))
        have = granted.get(where.repository, [])
        if expiry > self.now():
            if where.kind == "version" or action in have or "*" in have or (action == "pull" and "push" in have):
                return
        elif not token and action == "pull" and self.of(where.repository).public:
            return
        needs = "pull" if action == "pull" else "pull,push"
        scope = f',scope="repository:{where.repository}:{needs}"' if where.repository else ""
        challenge = f'Bearer realm="{request.base}/v2/auth",service="{self.host}"{scope}'
        if where.kind == "version":  # endpoints/v2/__init__.py, v2_support_enabled
            raise ErrorReply(Reply(401, b"true", {"Content-Type": "text/html", "WWW-Authenticate": challenge}))
        raise _oci(
            401,
            "UNAUTHORIZED",
            "access to the requested resource is not authorized",
            headers={"WWW-Authenticate": challenge},
        )

    def _find(self, where: Route, state: RepositoryState, *, deleting: bool) -> None:
        repository, reference = self.of(where.repository), where.reference
        if ":" in reference:
            found = bool(state.tags_of(reference)) if deleting else self._lives(repository, state, reference)
        else:
            if deleting and not self.tag_delete:
                raise ErrorReply(_html(405, "405 Method Not Allowed"))
            found = reference in state.tags
            if not found and not deleting and any(row.name == reference for row in repository.rows):
                message = f"Tag {reference} was deleted or has expired. To pull, revive via time machine"
                raise _oci(404, "TAG_EXPIRED", message)
        if not found:
            raise error_reply("MANIFEST_UNKNOWN")

    def _lives(self, repository: _Repository, state: RepositoryState, digest: str) -> bool:
        """What no tag, hidden or not, and no index holds is not served any more, though it is still there."""
        stored = state.manifests.get(digest)
        if stored is None:
            return False
        held = state.tags_of(digest) or digest in repository.never_ending
        held = held or repository.temporary.get(digest, 0.0) > self.now()
        return bool(held) or any(self._lives(repository, state, index) for index in state.indexes_with(digest))

    def _delete(self, where: Route, state: RepositoryState) -> Reply:
        tags = state.tags_of(where.reference) if ":" in where.reference else (where.reference,)
        if locked := self.of(where.repository).immutable.intersection(tags):
            raise _oci(409, "TAG_IMMUTABLE", f"tag '{min(locked)}' is immutable")
        for tag in tags:
            self._end(where.repository, state, tag)
        return Reply(202)

    def _end(self, path: str, state: RepositoryState, tag: str) -> None:
        """In one transaction: the last live tag of a manifest ends cosign's tags of it, whatever else needs it."""
        digest = state.tags.pop(tag)
        if self.cascades and not state.tags_of(digest):
            for suffix in (".sig", ".att", ".sbom"):
                attached = f"{digest.replace(':', '-')}{suffix}"
                if attached in state.tags and attached not in self.of(path).immutable:
                    del state.tags[attached]
        self.of(path).pages.clear()
        self._catch_up(path, state)

    def _tags(self, request: Incoming, where: Route, state: RepositoryState) -> Reply:
        asked = request.query.get("n", "")
        if self.cursor == "last":
            size = max(min(int(asked), 100), 0) if re.fullmatch("-?[0-9]+", asked) else 100
            last = request.query.get("last", "")
            rest = [name for name in self._cached(where.repository, state, last, size) if name > last]
            more = {"n": size, "last": rest[size - 1]} if len(rest) > size > 0 else {}
        else:
            size = min(int(asked), 50) if asked.isdecimal() else 50
            at = int(base64.b64decode(request.query.get("next_page", base64.b64encode(b"0"))))
            rest = self._cached(where.repository, state, str(at), size)[at:]
            more = {"n": size, "next_page": base64.b64encode(str(at + size).encode()).decode()}
            more = more if len(rest) > size else {}
        link = f'<{request.path}?{urllib.parse.urlencode(more)}>; rel="next"'
        headers = {"Link": link} if more else {}
        return json_reply({"name": where.repository, "tags": rest[:size]}, headers=headers)

    def _cached(self, path: str, state: RepositoryState, start: str, size: int) -> list[str]:
        """A deletion clears the cache, a push does not (data/registry_model/registry_oci_model.py,
        lookup_cached_active_repository_tags; seen on Quay of 2026-08 with the memcached of its image)."""
        repository = self.of(path)
        until, names = repository.pages.get((start, size), (0.0, []))
        if until <= self.now():
            names = sorted({*state.tags, *repository.stale})
            repository.pages[start, size] = self.now() + _LIST_CACHED, names
        return names

    # /api/v1

    def _api(self, request: Incoming) -> Reply:
        try:
            reply = self._api_reply(request)
        except ErrorReply as refused:
            reply = refused.reply
        headers = {**reply.headers, "Date": formatdate(self.now(), usegmt=True)}
        if not self.keep_alive:
            headers["Connection"] = "close"
        return Reply(reply.status, reply.body, headers)

    def _api_reply(self, request: Incoming) -> Reply:
        if request.path == "/api/v1/repository" and request.method == "GET":
            return self._repositories_by_api(request)
        where = _API.fullmatch(request.path)
        if where is None:
            raise _problem(404, "not_found", "Not Found")
        path, tag, restoring = where.groups()
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self.oauth:  # a robot's password, a token of /v2, or none
            if request.method == "GET":
                raise _problem(401, "invalid_token", "Requires authentication")
            raise json_error(403, {"error": "CSRF token was invalid or missing."}, {"Content-Type": "text/html"})
        if self.read_only and request.method != "GET":
            raise json_error(503, {"message": "System is currently read-only.", "is_readonly": True})
        self._check_scope(token, path, writing=request.method != "GET")
        state = self.storage.repositories.get(path)
        if state is None:
            raise _problem(404, "not_found", "Not Found")
        match request.method:
            case "GET" if tag is None and request.path.endswith("/tag/"):
                return self._history(request, path, state)
            case "GET" if tag is None:
                return self._about(request, token, path)
            case "DELETE" if tag and not restoring:
                return self._delete_by_api(path, tag, state)
            case "POST" if tag and restoring:
                return self._restore(request, path, tag, state)
        return json_reply({"message": "The method is not allowed for the requested URL."}, status=405)

    def _repositories_by_api(self, request: Incoming) -> Reply:
        """endpoints/api/repository.py, RepositoryList."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self.oauth:
            raise _problem(401, "invalid_token", "Requires authentication")
        namespace, public = request.query.get("namespace", ""), request.query.get("public") == "true"
        if not (namespace or public or request.query.get("starred")):
            raise _problem(400, "invalid_request", "namespace, starred or public are required for this API call")
        mine = [name for name in self.storage.repositories if name not in self.foreign and self._scoped(token, "pull")]
        names = [name for name in mine if not namespace or name.partition("/")[0] == namespace]
        at = int(base64.b64decode(request.query.get("next_page", base64.b64encode(b"0"))))
        rows = [
            {"namespace": name.partition("/")[0], "name": name.partition("/")[2], "kind": "image", "is_public": False}
            for name in names[at : at + self.repositories_a_page]
        ]
        body: dict[str, Any] = {"repositories": rows}
        if len(names) > at + self.repositories_a_page:
            body["next_page"] = base64.b64encode(str(at + self.repositories_a_page).encode()).decode()
        return json_reply(body)

    def _catalog(self, request: Incoming) -> Reply:
        """endpoints/v2/catalog.py: any token opens it, and shows what its owner may read."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        expiry, _ = self._grants.get(token, (0.0, {}))
        if expiry <= self.now():
            challenge = f'Bearer realm="{request.base}/v2/auth",service="{self.host}"'
            raise _oci(
                401,
                "UNAUTHORIZED",
                "access to the requested resource is not authorized",
                headers={"WWW-Authenticate": challenge},
            )
        user = self._owners[token]
        names = [name for name in self.storage.repositories if self._may(user, name, "pull")]
        asked = request.query.get("n", "")
        size = min(int(asked), self.repositories_a_page) if asked.isdecimal() else self.repositories_a_page
        at = int(base64.b64decode(request.query.get("next_page", base64.b64encode(b"0"))))
        more = urllib.parse.urlencode({"n": size, "next_page": base64.b64encode(str(at + size).encode()).decode()})
        headers = {"Link": f'</v2/_catalog?{more}>; rel="next"'} if len(names) > at + size else {}
        return json_reply({"repositories": names[at : at + size]}, headers=headers)

    def _check_scope(self, token: str, path: str, *, writing: bool) -> None:
        allowed = self._scoped(token, "push" if writing else "pull") and (self.deletable or not writing)
        if path in self.foreign or not allowed:
            raise _problem(403, "insufficient_scope", "Unauthorized")
        if writing and (state := self.of(path).state) != "NORMAL":
            message = f"Repository is in read only or mirror mode: RepositoryState.{state}"
            raise json_error(503, {"message": message})

    def _about(self, request: Incoming, token: str, path: str) -> Reply:
        namespace, _, name = path.partition("/")
        about: dict[str, Any] = {
            "namespace": namespace,
            "name": name,
            "kind": "image",
            "description": None,
            "is_public": self.of(path).public,
            "is_organization": True,
            "trust_enabled": False,
            "tag_expiration_s": self.window,
            "state": self.of(path).state,
            "can_write": self._scoped(token, "push") and self._writable(path),
            "can_admin": False,
        }
        if request.query.get("includeTags") != "false":
            about["tags"] = {row.name: {"name": row.name} for row in self.of(path).rows[:500] if row.live}
        return json_reply(about)

    def _history(self, request: Incoming, path: str, state: RepositoryState) -> Reply:
        limit = min(100, max(1, int(request.query.get("limit", "50"))))
        page = max(1, int(request.query.get("page", "1")))
        active = self.active_filter and request.query.get("onlyActiveTags") == "true"
        rows = [row for row in self.of(path).rows if row.live or not active]
        rows.sort(key=lambda row: (-row.start, row.name))
        rest = rows[limit * (page - 1) :]
        tags = [self._record(path, state, row) for row in rest[:limit]]
        return json_reply({"tags": tags, "page": page, "has_additional": len(rest) > limit})

    def _record(self, path: str, state: RepositoryState, row: _Row) -> dict[str, Any]:
        stored = state.manifests[row.digest]
        is_list = stored.media_type in INDEX_TYPES
        record: dict[str, Any] = {
            "name": row.name,
            "reversion": False,
            "start_ts": int(row.start),
            "manifest_digest": row.digest,
            "is_manifest_list": is_list,
            "size": None if is_list else 0,
            "last_modified": formatdate(row.start),
        }
        if row.end is not None:
            record |= {"end_ts": int(row.end), "expiration": formatdate(row.end)}
        if is_list:
            record["child_manifests_presence"] = {child.digest: True for child in stored.children}
        record["immutable"] = row.live and row.name in self.of(path).immutable
        return record

    def _delete_by_api(self, path: str, tag: str, state: RepositoryState) -> Reply:
        if tag not in state.tags:
            raise _problem(404, "not_found", "Not Found")
        if tag in self.of(path).immutable:
            raise _problem(409, "tag_immutable", f"Tag {tag} is immutable")
        self._end(path, state, tag)
        return Reply(204)

    def _restore(self, request: Incoming, path: str, tag: str, state: RepositoryState) -> Reply:
        digest = json.loads(request.body).get("manifest_digest")
        if digest is None:
            raise _problem(400, "invalid_request", "Missing manifest_digest")
        rows = [row for row in self.of(path).rows if row.digest == digest]
        kept = any(row.live or (row.end or 0.0) > self.now() - self.window for row in rows)
        if digest not in state.manifests or not (kept or self._lives(self.of(path), state, digest)):
            raise _problem(404, "not_found", "Not Found")
        state.tags[Tag(tag)], state.tagged[tag] = Digest(digest), self.now()
        self._catch_up(path, state)
        return json_reply({})


def _base64url(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _html(status: int, title: str) -> Reply:
    return Reply(status, _HTML.format(title).encode(), {"Content-Type": "text/html"})


def _oci(status: int, code: str, message: str, *, headers: dict[str, str] | None = None, **more: object) -> ErrorReply:
    return json_error(status, {"errors": [{"code": code, "message": message, "detail": {}, **more}]}, headers)


def _not_loaded(refused: ErrorReply) -> ErrorReply:
    """Quay's own word for a manifest whose blobs or children are not there."""
    if b"MANIFEST_BLOB_UNKNOWN" not in refused.reply.body:
        return refused
    error = {"code": "MANIFEST_INVALID", "message": "manifest invalid"}
    return json_error(400, {"errors": [{**error, "detail": {"message": "Could not load config blob"}}]})


def _problem(status: int, error_type: str, detail: str) -> ErrorReply:
    body = {"detail": detail, "error_message": detail, "error_type": error_type, "title": error_type, "status": status}
    return json_error(status, {**body, "type": f"https://quay.example/api/v1/error/{error_type}"})


EMULATOR = QuayEmulator
