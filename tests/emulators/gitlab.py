"""GitLab's registry with its token server on one host: with a metadata database, without one, and older ones.

After gitlab-org/container-registry (registry/handlers, docs/spec/gitlab/api.md) and gitlab-org/gitlab
(app/services/auth/container_registry_authentication_service.rb). GitLab's API v4 is there as far as tags are deleted by
it: lib/api/project_container_repositories.rb; docs.gitlab.com/api: container_registry, personal_access_tokens, members.
"""

import base64
import hashlib
import hmac
import itertools
import json
import re
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal
from urllib.parse import unquote, urlencode

import msgspec

from holystone.embedded.access import scopes
from holystone.embedded.errors import ErrorReply, error_reply, plain
from holystone.embedded.exchange import Incoming, Reply, json_reply
from holystone.embedded.manifests import StoredManifest
from holystone.embedded.quirks import Quirks
from holystone.embedded.routes import Route, route
from holystone.engine.model.manifests import INDEX_TYPES
from tests.emulators.vendor import Login, VendorEmulator, json_error

MAINTAINER, DEVELOPER, REPORTER = "maintainer", "developer", "reporter"
JOB = "gitlab-ci-token"
DEPLOY = "gitlab+deploy-token-7"
PASSWORDS: Final = {name: f"glpat-{name}-secret" for name in (MAINTAINER, DEVELOPER, REPORTER, JOB, DEPLOY)}

_ACTIONS: Final[Mapping[str, frozenset[str]]] = {
    MAINTAINER: frozenset({"pull", "push", "delete", "*"}),
    DEVELOPER: frozenset({"pull", "push"}),
    REPORTER: frozenset({"pull"}),
    JOB: frozenset({"pull", "push", "delete"}),
    DEPLOY: frozenset({"pull", "push"}),
    "": frozenset(),
}
_LEVELS: Final = {MAINTAINER: 40, DEVELOPER: 30, REPORTER: 20}
"""docs.gitlab.com/api/members, Roles."""
_USERS: Final = {name: 101 + number for number, name in enumerate(_LEVELS)}
_FILES: Final = Quirks(
    pages=False,
    lenient_numbers="everywhere",
    no_tags="null",
    strict_accept="all",
    insists_on_docker=False,
    malformed_digest_is_a_tag=True,
    sha512="no",
    oversized_status=400,
    unknown_repository_on_delete="NAME_UNKNOWN-of-tags",
    foreign_layers=False,
    referrers_api=False,
    upload_in_one_post=False,
    locations="absolute",
)
_DATABASE: Final = msgspec.structs.replace(
    _FILES, pages=True, page_size=100, repository_begins="blob", malformed_digest_is_a_tag=False
)
_TAGS: Final = re.compile(r"/gitlab/v1/repositories/(.+)/tags/list(/?)")
_REFERENCE: Final = re.compile(r"/v2/(.+)/tags/reference/([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})")
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_MEMBER: Final = re.compile(r"/api/v4/projects/([^/]+)/members/all/([0-9]+)")
_OF_GROUP: Final = re.compile(r"/api/v4/groups/([^/]+)/registry/repositories")
_REPOSITORIES: Final = re.compile(r"/api/v4/projects/([^/]+)/registry/repositories(?:/([0-9]+)/tags/([^/]+))?")
_SERVICE: Final = "container_registry"
_BAN_AFTER, _BAN_WITHIN, _BAN_FOR = 30, 180.0, 3600.0

Deletes = Literal["manifests", "tags/reference", "digests"]


@dataclass
class _Access:
    path: str
    actions: frozenset[str]
    meta: Mapping[str, Any]


class GitlabEmulator(VendorEmulator):
    """`database`: the metadata database is there. `deletes`: the only path by which tags can be deleted; `digests`:
    none, as with a plain distribution behind GitLab. `star`: an old GitLab that knows no `delete`, only `*`.
    `tells_database`: the header exists. `protected`, `immutable`: patterns of the project's rules. `read_only`: the
    registry is. `maintenance`: GitLab is. `hidden`: groups that the users are not members of. `token_life`: seconds.
    `api_scopes`: of everybody's access token."""

    implementation = "gitlab"

    def __init__(
        self,
        *,
        database: bool = True,
        deletes: Deletes = "manifests",
        star: bool = False,
        tells_database: bool = True,
        protected: Collection[str] = (),
        immutable: Collection[str] = (),
        read_only: bool = False,
        maintenance: bool = False,
        hidden: Collection[str] = ("hidden",),
        job_project: str = "team/app",
        token_life: float = 300.0,
        api_scopes: Collection[str] = ("api",),
        clock: Callable[[], float] | None = None,
    ) -> None:
        quirks = _DATABASE if database else _FILES
        if deletes != "manifests":
            quirks = msgspec.structs.replace(quirks, deletes_tags=False)
        super().__init__(quirks=msgspec.structs.replace(quirks, read_only=read_only), clock=clock)
        self.database = database
        self.deletes = deletes
        self.star = star
        self.tells_database = tells_database
        self.protected = list(protected)
        self.immutable = list(immutable)
        self.maintenance = maintenance
        self.hidden = frozenset(hidden)
        self.job_project = job_project
        self.token_life = token_life
        self.api_scopes = list(api_scopes)
        self.rows: set[str] = set()
        """Repositories that GitLab made because somebody asked for `push` on them."""
        self.logins: list[str] = []
        """The scopes of each request for a token, in order, as one text."""
        self.retry_after: float | None = None
        self.closed: set[str] = set()
        """Groups that may be seen, and whose registry not."""
        self.before_page: Callable[[int], object] = lambda _number: None
        """Called before a page of repositories is made."""
        self._now = clock or time.time
        self._numbers = itertools.count(1)
        self._issued: dict[str, float] = {}
        self._failed: list[float] = []
        self._banned_until = 0.0

    # What a test can ask of it

    def login(self) -> Login:
        return self.docker(MAINTAINER)

    def catalog_login(self) -> Login:
        """By the API."""
        docker = self.docker(MAINTAINER)
        return Login({"HOLYSTONE_REPO_GITLAB_TOKEN": PASSWORDS[MAINTAINER]}, docker.docker_config, docker.secrets)

    def bad_login(self) -> Login:
        return self.docker(MAINTAINER, "glpat-revoked-long-ago")

    def weak_login(self) -> Login:
        return self.docker(DEVELOPER)

    def developer_login(self) -> Login:
        """Who pushes and pulls, and deletes by the API."""
        docker = self.docker(DEVELOPER)
        environ = {"HOLYSTONE_REPO_GITLAB_TOKEN": PASSWORDS[DEVELOPER]}
        return Login(environ, docker.docker_config, docker.secrets)

    def docker(self, user: str, password: str | None = None) -> Login:
        secret = password or PASSWORDS[user]
        pair = base64.b64encode(f"{user}:{secret}".encode()).decode()
        return Login(docker_config={"auths": {self.host: {"auth": pair}}}, secrets=(secret, pair))

    def pipeline(self, user: str = JOB, prefix: str = "CI_REGISTRY") -> Login:
        """The variables of a job instead of Docker's configuration."""
        environ = {"CI_REGISTRY": self.host, f"{prefix}_USER": user, f"{prefix}_PASSWORD": PASSWORDS[user]}
        return Login(environ=environ, secrets=(PASSWORDS[user],))

    def expire_tokens(self) -> None:
        self._issued.clear()

    def lock(self, path: str, tag: str) -> None:
        """A rule for protected tags. Tokens that are out know nothing of it, so here they end at once."""
        self.protected.append(f"^{re.escape(tag)}$")
        self.expire_tokens()

    def throttling(self) -> Reply:
        wait = {} if self.retry_after is None else {"Retry-After": f"{self.retry_after:g}"}
        return Reply(429, b"Retry later\n", {"Content-Type": "text/plain", **wait})

    # The server

    def answer(self, request: Incoming) -> Reply:
        if self.throttled and self.may_throttle(request):
            self.throttled -= 1
            return self.throttling()
        if request.path == "/jwt/auth":
            return self._token(request)
        if request.path.startswith("/api/v4/"):
            return self._api(request)
        return self._registry(request)

    def _registry(self, request: Incoming) -> Reply:
        if request.path == "/v2/":
            self._check(request, ())
            return json_reply({}, headers=self._ours | self._database_header)
        if request.path.startswith("/gitlab/v1"):
            return self._gitlab(request)
        if found := _REFERENCE.fullmatch(request.path):
            return self._delete_reference(request, *found.groups())
        where = route(request.path)
        if where is None:
            return super().answer(request)
        if self.database and where.kind == "tags" and request.query.get("n", "1").lstrip("0") == "":
            request = msgspec.structs.replace(request, query={**request.query, "n": ""})  # n=0 is none (tags.go)
        access = self._check(request, self._needed(request, where))
        if where.kind == "manifest":
            self._check_rules(request, where, access)
        return super().answer(request)

    @property
    def _database_header(self) -> dict[str, str]:
        tells = self.tells_database and self.deletes != "digests"
        return {"Gitlab-Container-Registry-Database-Enabled": str(self.database).lower()} if tells else {}

    @property
    def _ours(self) -> dict[str, str]:
        """Of its own replies only, not of those of a token server or a gate (handlers/app.go, apiBase)."""
        if self.deletes == "digests":
            return {}
        return {
            "Gitlab-Container-Registry-Version": "4.12.0-gitlab",
            "Gitlab-Container-Registry-Features": "tag_delete",
        }

    def _needed(self, request: Incoming, where: Route) -> tuple[str, ...]:
        needed = scopes(request, where)
        return tuple(re.sub(r":delete$", ":*", scope) for scope in needed) if self.star else needed

    def _check_rules(self, request: Incoming, where: Route, access: _Access) -> None:
        """handlers/manifests.go: validateTagDeleteRestriction, validateManifestDeleteRestriction and the push ones."""
        denied = access.meta.get("tag_deny_access_patterns") or {}
        immutable = access.meta.get("tag_immutable_patterns") or []
        is_tag = ":" not in where.reference
        if request.method == "DELETE":
            if self.quirks.read_only:
                return
            rules = [*(denied.get("delete") or ()), *immutable]
            if not is_tag:
                if rules:
                    raise _error(401, "PROTECTED_MANIFEST", "insufficient permissions to delete manifest")
                state = self.storage.repositories.get(where.repository)
                if self.database and state and state.indexes_with(where.reference):
                    raise _error(409, "MANIFEST_REFERENCED", "manifest referenced by a manifest list")
                if self.database and state and state.referrers(where.reference):
                    # Seen on 4.32, where nothing is deleted; 3.86 took the referrers along.
                    raise _error(500, "UNKNOWN", "unknown error")
            elif self.deletes == "manifests":
                self._check_tag(where.reference, denied.get("delete") or (), immutable)
        elif request.method == "PUT" and self._lacks_subject(request, where.repository):
            # registry/handlers/manifests.go. Before 4.0 an index is no subject either.
            raise _error(400, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry")
        elif request.method == "PUT" and is_tag:
            exists = self.storage.find(where.repository, where.reference) is not None
            self._check_tag(where.reference, denied.get("push") or (), immutable if exists else ())

    def _lacks_subject(self, request: Incoming, path: str) -> bool:
        try:
            subject = json.loads(request.body).get("subject") or {}
        except (ValueError, AttributeError):
            return False
        return bool(subject) and self.storage.find(path, str(subject.get("digest"))) is None

    def _check_tag(self, tag: str, denied: Collection[str], immutable: Collection[str]) -> None:
        if len(denied) + len(immutable) > 5:
            raise _error(400, "TAG_PATTERN_COUNT_LIMIT_EXCEEDED", "patterns count limit exceeded")
        for patterns, code, invalid in (
            (denied, "PROTECTED_TAG", "TAG_PROTECTION_PATTERN_INVALID"),
            (immutable, "IMMUTABLE_TAG", "TAG_IMMUTABILITY_PATTERN_INVALID"),
        ):
            for pattern in patterns:
                try:
                    matches = re.search(pattern, tag)
                except re.error:
                    raise _error(400, invalid, "invalid pattern") from None
                if matches:
                    raise _error(401, code, "insufficient permissions to push or delete tag")

    def _delete_reference(self, request: Incoming, path: str, tag: str) -> Reply:
        if self.deletes != "tags/reference":
            raise plain(404, "404 page not found\n")
        self._check(request, (f"repository:{path}:{'*' if self.star else 'delete'}",))
        if self.quirks.read_only:
            raise error_reply("UNSUPPORTED")
        if path not in self.storage.repositories:
            raise error_reply("NAME_UNKNOWN", {"name": path})
        if not self.storage.delete_tag(path, tag):
            raise error_reply("MANIFEST_UNKNOWN")
        return Reply(202)

    # /gitlab/v1

    def _gitlab(self, request: Incoming) -> Reply:
        if self.deletes == "digests":
            raise plain(404, "404 page not found\n")
        if not request.path.endswith("/"):
            query = request.target.partition("?")[2]
            return Reply(301, headers={"Location": f"{request.path}/" + (f"?{query}" if query else "")})
        found = _TAGS.fullmatch(request.path)
        self._check(request, (f"repository:{found[1]}:pull",) if found else ())
        if not self.database:
            return Reply(404, headers=self._ours)
        if request.path == "/gitlab/v1/":
            return json_reply({}, headers=self._ours)
        if found is None or request.method != "GET":
            raise ErrorReply(Reply(404))
        return self._list(request, found[1])

    def _list(self, request: Incoming, path: str) -> Reply:
        query = request.query
        size = query.get("n", "100")
        if not re.fullmatch(r"-?[0-9]+", size):
            raise _error(400, "INVALID_QUERY_PARAMETER_TYPE", "the value of a query parameter is of an invalid type")
        if not 1 <= int(size) <= 1000:
            raise _error(400, "INVALID_QUERY_PARAMETER_VALUE", "the value of a query parameter is invalid")
        last = _marker(query["last"]) if "last" in query else ""
        if ("last" in query and "before" in query) or ("last" in query and not _TAG.search(last)):
            raise _error(400, "INVALID_QUERY_PARAMETER_VALUE", "the value of a query parameter is invalid")
        state = self.storage.repositories.get(path)
        if state is None:
            raise error_reply("NAME_UNKNOWN", {"name": path})
        names = sorted(tag for tag, digest in state.tags.items() if digest in state.manifests)
        if before := query.get("before"):
            page = [name for name in names if name < before][-int(size) :]
        else:
            page = [name for name in names if name > last][: int(size)]
        links = []
        if page and names[0] != page[0]:
            links.append(f'<{request.path}?{urlencode({"before": page[0], "n": size})}>; rel="previous"')
        if page and names[-1] != page[-1]:
            # `referrers` is forgotten here as in handlers/catalog.go, generateLink.
            links.append(f'<{request.path}?{urlencode({"last": page[-1], "n": size})}>; rel="next"')
        entries = [self._entry(path, name, with_referrers=query.get("referrers") == "true") for name in page]
        return json_reply(entries, headers={"Link": ", ".join(links)} if links else {})

    def _entry(self, path: str, tag: str, *, with_referrers: bool) -> dict[str, Any]:
        state = self.storage.repositories[path]
        manifest = state.manifests[state.tags[tag]]
        moment = datetime.fromtimestamp(state.tagged[tag], UTC).isoformat(timespec="milliseconds")
        entry: dict[str, Any] = {
            "name": tag,
            "digest": manifest.digest,
            "media_type": manifest.media_type,
            "size_bytes": _size(manifest),
            "created_at": moment.replace("+00:00", "Z"),
            "published_at": moment.replace("+00:00", "Z"),
        }
        if manifest.media_type not in INDEX_TYPES:
            entry["config_digest"] = manifest.blobs[0]
        if with_referrers and (found := state.referrers(manifest.digest)):
            entry["referrers"] = [{"artifactType": each.artifact_type, "digest": each.digest} for each in found]
        return entry

    # /api/v4

    def _api(self, request: Incoming) -> Reply:
        user = self._user_of(request)
        path = request.target.partition("?")[0]  # as it was sent: a project's path is encoded in it
        if path == "/api/v4/personal_access_tokens/self" and request.method == "GET":
            about = {"name": "cleaner", "revoked": False, "active": True, "scopes": self.api_scopes}
            return json_reply({"id": 42, "user_id": _USERS[user], **about})
        if "api" not in self.api_scopes:
            reason = {"error": "insufficient_scope", "error_description": "The request requires higher privileges"}
            raise json_error(403, reason)
        if (found := _MEMBER.fullmatch(path)) and request.method == "GET":
            self._project(unquote(found[1]))
            level = next((_LEVELS[name] for name, number in _USERS.items() if str(number) == found[2]), None)
            if level is None:
                raise _api_error(404, "404 Not found")
            return json_reply({"id": int(found[2]), "state": "active", "access_level": level})
        if (found := _OF_GROUP.fullmatch(path)) and request.method == "GET":
            return self._rows(request, self._group(unquote(found[1])))
        if found := _REPOSITORIES.fullmatch(path):
            below = self._project(unquote(found[1]))
            if found[2] is None and request.method == "GET":
                return self._rows(request, below)
            if found[2] and request.method == "DELETE":
                return self._delete_by_api(user, below, int(found[2]), unquote(found[3]))
        raise _api_error(404, "404 Not Found")

    def _user_of(self, request: Incoming) -> str:
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        token = request.headers.get("PRIVATE-TOKEN", bearer)
        for name in _USERS:
            if PASSWORDS[name] == token:
                return name
        raise _api_error(401, "401 Unauthorized")

    def _project(self, path: str) -> list[str]:
        """Its repositories. Whoever is no member is told that there is no such project."""
        if path.partition("/")[0] in self.hidden:
            raise _api_error(404, "404 Project Not Found")
        below = [name for name in self.storage.repositories if f"{name}/".startswith(f"{path}/")]
        if "/" not in path or (path.count("/") > 1):
            raise _api_error(404, "404 Project Not Found")
        return below

    def _group(self, path: str) -> list[str]:
        """Its repositories and those of its subgroups. A path of two parts is a project's here."""
        below = [name for name in self.storage.repositories if name.startswith(f"{path}/")]
        if not below or "/" in path or path.isdecimal() or path in self.hidden:  # no group has such a number
            raise _api_error(404, "404 Group Not Found")
        if path in self.closed:
            raise _api_error(403, "403 Forbidden")
        return below

    def _rows(self, request: Incoming, names: list[str]) -> Reply:
        page, size = int(request.query.get("page", "1")), min(int(request.query.get("per_page", "20")), 100)
        self.before_page(page)
        names = [name for name in names if name in self.storage.repositories]
        headers = {"X-Page": str(page), "X-Per-Page": str(size)}
        headers["X-Next-Page"] = str(page + 1) if page * size < len(names) else ""
        headers |= {"X-Total": str(len(names)), "X-Total-Pages": str(-(-len(names) // size) or 1)}
        return json_reply([self._row(each) for each in names[(page - 1) * size : page * size]], headers=headers)

    def _row(self, path: str) -> dict[str, Any]:
        project = "/".join(path.split("/")[:2])
        return {
            "id": self._number_of(path),
            "name": path.removeprefix(project).removeprefix("/"),
            "path": path,
            "project_id": 42,
            "location": f"{self.host}/{path}",
            "created_at": "2019-01-10T13:38:57.391Z",
            "cleanup_policy_started_at": None,
            "status": None,
        }

    def _number_of(self, path: str) -> int:
        return 1001 + list(self.storage.repositories).index(path)

    def _delete_by_api(self, user: str, below: list[str], number: int, tag: str) -> Reply:
        """Of a tag that is not there GitLab says the same as of one that may not be deleted: it is asked for the right
        to delete nothing. What the registry refuses is 400, without its words."""
        path = next((name for name in below if self._number_of(name) == number), None)
        if path is None:
            raise _api_error(404, "404 Not found")
        rules = [*self.protected, *self.immutable]
        is_there = tag in self.storage.repositories[path].tags
        if _LEVELS[user] < _LEVELS[DEVELOPER] or not is_there or any(re.search(rule, tag) for rule in rules):
            raise _api_error(403, "403 Forbidden")
        if self.quirks.read_only:
            raise _api_error(400, "400 Bad request")
        self.storage.delete_tag(path, tag)
        return json_reply(200)

    # Tokens

    def _check(self, request: Incoming, needed: tuple[str, ...]) -> _Access:
        """What the token allows in the first repository. Raises ErrorReply."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise self._challenge(request, needed)
        if self._issued.get(token, 0.0) <= self._now():
            raise self._challenge(request, needed, "invalid_token")
        access = _claims(token)["access"]
        found = _Access("", frozenset(), {})
        for scope in needed:
            _, path, wanted = scope.split(":")
            held = [each for each in access if each["name"] == path]
            actions = frozenset(action for each in held for action in each["actions"])
            if not set(wanted.split(",")) <= actions and "*" not in actions:
                raise self._challenge(request, needed, "insufficient_scope")
            found = _Access(path, actions, held[0].get("meta") or {})
        return found

    def _challenge(self, request: Incoming, needed: tuple[str, ...], error: str = "") -> ErrorReply:
        gitlab = self.origin(self.names[-1]) if self.names else request.base
        parts = [f'Bearer realm="{gitlab}/jwt/auth"', f'service="{_SERVICE}"']
        parts += [f'scope="{" ".join(needed)}"'] if needed else []
        parts += [f'error="{error}"'] if error else []
        return error_reply("UNAUTHORIZED", list(needed) or None, headers={"WWW-Authenticate": ",".join(parts)})

    def _token(self, request: Incoming) -> Reply:
        self.logins.append(" ".join(request.scopes))
        if self._now() < self._banned_until:
            raise plain(403, "Forbidden\n")
        if request.method != "GET":
            raise ErrorReply(Reply(404, b"<html><title>404</title></html>", {"Content-Type": "text/html"}))
        user = ""
        if "Authorization" in request.headers:
            user, password = request.basic() or ("", "")
            if user and user not in PASSWORDS:  # an access token is its user's, by whatever name it comes
                user = next((name for name in _USERS if PASSWORDS[name] == password), "")
            if not user or PASSWORDS.get(user) != password:
                raise self._failed_login()
        if request.query.get("service") != _SERVICE:
            raise ErrorReply(Reply(404))
        access = [part for scope in request.scopes for each in scope.split() if (part := self._grant(user, each))]
        if self.maintenance and any(_asks_to_write(scope) for scope in request.scopes):
            raise json_error(403, _body("DENIED", "Write access denied in maintenance mode"))
        if not access and not user:
            raise json_error(403, _body("DENIED", "access forbidden"))
        now = int(self._now())
        token = _jwt(
            {
                "access": access,
                "jti": f"{next(self._numbers):032x}",
                "aud": _SERVICE,
                "sub": user,
                "iss": "gitlab-issuer",
                "iat": now,
                "nbf": now - 5,
                "exp": now + int(self.token_life),
            }
        )
        self._issued[token] = self._now() + self.token_life
        return json_reply({"token": token})  # without expires_in

    def _grant(self, user: str, scope: str) -> dict[str, Any] | None:
        """Actions that are denied are dropped without a word; a repository that is not there is made for `push`."""
        kind, path, wanted = scope.split(":", 2)
        group, _, rest = path.partition("/")
        project = f"{group}/{rest.partition('/')[0]}"
        may = _ACTIONS[user] if group not in self.hidden and rest else frozenset()
        if user == JOB and project != self.job_project:
            may = frozenset()
        if self.star:
            may -= {"delete"}
        if not self.deletable:
            may -= {"delete", "*"}
        actions = [action for action in wanted.split(",") if action in may]
        if kind != "repository" or not actions:
            return None
        if "push" in actions and path not in self.storage.repositories:
            self.rows.add(path)
        meta: dict[str, Any] = {"project_path": project, "project_id": 42, "root_namespace_id": 7}
        writes = [action for action in ("push", "delete") if action in actions or "*" in actions]
        if self.protected:
            meta["tag_deny_access_patterns"] = {action: list(self.protected) for action in writes}
        if self.immutable and writes:
            meta["tag_immutable_patterns"] = list(self.immutable)
        return {"type": "repository", "name": path, "actions": actions, "meta": meta}

    def _failed_login(self) -> ErrorReply:
        now = self._now()
        self._failed = [at for at in self._failed if now - at < _BAN_WITHIN] + [now]
        if len(self._failed) >= _BAN_AFTER:
            self._banned_until = now + _BAN_FOR
        return json_error(401, _body("UNAUTHORIZED", "HTTP Basic: Access denied. Use a token as the password."))


def _asks_to_write(scope: str) -> bool:
    return scope.rpartition(":")[2] != "pull"


def _marker(last: str) -> str:
    """As 3.86 reads it (registry/handlers/repositories.go, filterParamsFromRequest): base64 of two values with a bar
    between them is a moment and a name, although it may be the name of a tag. Seen on 343c8ff1. Later versions look
    whether the moment is one."""
    try:
        moment, name = base64.b64decode(last, validate=True).decode("latin-1").split("|")
    except ValueError:
        return last
    if moment and _TAG.search(name):
        raise _error(500, "UNKNOWN", "unknown error")  # PostgreSQL does not understand the moment
    return name


def _size(manifest: StoredManifest) -> int:
    """Of the configuration and the layers; an index has none."""
    document = json.loads(manifest.body)
    return sum(each["size"] for each in (document.get("config"), *document.get("layers", ())) if each)


def _body(code: str, message: str) -> dict[str, Any]:
    return {"errors": [{"code": code, "message": message}]}


def _error(status: int, code: str, message: str) -> ErrorReply:
    """Of a handler and not of the gate: a 401 of this kind comes without a challenge."""
    return json_error(status, _body(code, message))


def _api_error(status: int, message: str) -> ErrorReply:
    return json_error(status, {"message": message})


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _jwt(claims: Mapping[str, Any]) -> str:
    """Signed with a shared key instead of RSA: nobody but this server looks at the signature."""
    head = _encoded(json.dumps({"typ": "JWT", "alg": "HS256"}).encode())
    signed = f"{head}.{_encoded(json.dumps(claims).encode())}"
    return f"{signed}.{_encoded(hmac.digest(b'gitlab', signed.encode(), hashlib.sha256))}"


def _claims(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    assert isinstance(claims, dict)
    return claims


EMULATOR = GitlabEmulator
