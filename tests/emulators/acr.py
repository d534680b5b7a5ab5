"""Azure Container Registry: tokens by Entra ID's exchange or by password, /acr/v1 beside /v2, locks, soft delete.

After Azure/acr, docs/AAD-OAuth.md and docs/Token-BasicAuth.md; Azure/acr-cli, docs/swagger.yaml; azure-cli,
command_modules/acr; container-registry-image-lock.md and -soft-delete-policy.md of Azure's documentation."""

import base64
import datetime as dt
import fnmatch
import json
import re
import secrets
import time
import urllib.parse
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from holystone.embedded.access import scopes
from holystone.embedded.errors import ErrorReply
from holystone.embedded.exchange import Incoming, Reply, json_reply
from holystone.embedded.manifests import StoredManifest
from holystone.embedded.quirks import OCI
from holystone.embedded.routes import Route, route
from holystone.embedded.storage import RepositoryState
from holystone.engine.model.manifests import INDEX_TYPES
from holystone.engine.model.references import Digest
from tests.emulators.vendor import Login, VendorEmulator, json_error

ADMIN: Final = "acme"
PASSWORD: Final = "belay-the-mainsail"
READER: Final = "lookout"
READER_PASSWORD: Final = "may-only-look-around"
EMPTY_GUID: Final = "00000000-0000-0000-0000-000000000000"
ALL_ACTIONS: Final = frozenset(
    {"pull", "push", "delete", "metadata_read", "metadata_write", "deleted_read", "deleted_restore"}
)
READ_ACTIONS: Final = frozenset({"pull", "metadata_read"})
ACCESS_LIFE: Final = 60 * 60
DATED_BACK: Final = 15 * 60
"""Seconds of every token (recordings of Azure/azure-sdk-for-python)."""
REFRESH_LIFE: Final = 3 * 60 * 60
_LARGEST_PAGE: Final = 100
_PATH: Final = re.compile(r"/acr/v1/(?P<name>.+?)(?:/(?P<list>_tags|_manifests)(?:/(?P<item>[^/]+))?)?")
_DISALLOWED: Final = (
    "The operation is disallowed on this registry, repository or image. View troubleshooting steps at "
    "https://aka.ms/acr/faq/#why-does-my-pull-or-push-request-fail-with-disallowed-operation"
)
_UNAUTHORIZED: Final = "authentication required, visit https://aka.ms/acr/authorization for more information."


@dataclass(frozen=True)
class Principal:
    """Somebody who may do these actions in repositories that match these patterns."""

    name: str
    rights: Mapping[str, frozenset[str]] = field(default_factory=lambda: {"*": ALL_ACTIONS})

    def may(self, repository: str) -> frozenset[str]:
        return frozenset(
            action
            for pattern, actions in self.rights.items()
            if fnmatch.fnmatchcase(repository, pattern)
            for action in actions
        )


@dataclass
class Attributes:
    delete_enabled: bool = True
    write_enabled: bool = True
    list_enabled: bool = True
    """False: in no list of tags, but counted, and among the tags of its manifest. UNCONFIRMED of the real one."""

    @property
    def locked(self) -> bool:
        return not (self.delete_enabled and self.write_enabled)

    def shown(self) -> dict[str, bool]:
        return {
            "deleteEnabled": self.delete_enabled,
            "writeEnabled": self.write_enabled,
            "readEnabled": True,
            "listEnabled": self.list_enabled,
        }


_FREE: Final = Attributes()


@dataclass(frozen=True)
class _Issued:
    principal: Principal
    until: float
    access: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Of an access token: resource (`repository:team/app`) → actions."""


@dataclass
class _Recycled:
    manifest: StoredManifest
    tags: set[str]


class AcrEmulator(VendorEmulator):
    """`abac`: scopes with wildcards are ignored, and refresh tokens say so. `soft_delete`: what is deleted goes to a
    recycle area, and cannot be pushed again. `says_why`: challenges tell `insufficient_scope`. `opaque_tokens`: access
    tokens that tell nothing. `refuses_excess`: no token at all for a scope that is granted only in part.
    `keeps_locked_tags`: a digest with a locked tag cannot be deleted (nobody knows whether Azure does that).
    `retry_after`: a header of 429, in seconds. `shows_locks`: to whoever asks. `names_hidden_tags`: `_manifests`.
    `service`: how the registry calls itself, where that is not its host. `spelling`: of what
    an access token grants."""

    implementation = "acr"

    def __init__(
        self,
        *,
        abac: bool = False,
        soft_delete: bool = False,
        says_why: bool = True,
        opaque_tokens: bool = False,
        refuses_excess: bool = False,
        keeps_locked_tags: bool = False,
        retry_after: int | None = None,
        shows_locks: bool = True,
        names_hidden_tags: bool = True,
        service: str = "",
        spelling: str = "type name actions",
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(quirks=OCI, clock=clock)
        self.abac = abac
        self.soft_delete = soft_delete
        self.says_why = says_why
        self.opaque_tokens = opaque_tokens
        self.refuses_excess = refuses_excess
        self.keeps_locked_tags = keeps_locked_tags
        self.retry_after = retry_after
        self.shows_locks = shows_locks
        self.names_hidden_tags = names_hidden_tags
        self.service = service
        self.spelling = spelling
        self.firewalled = False
        self.clock = clock
        self.passwords = {
            ADMIN: (PASSWORD, Principal(ADMIN)),
            READER: (READER_PASSWORD, Principal(READER, {"*": READ_ACTIONS})),
        }
        self.exchanges = 0
        self.tokens_fetched = 0
        self.tag_attributes: dict[tuple[str, str], Attributes] = {}
        self.manifest_attributes: dict[tuple[str, str], Attributes] = {}
        self.repository_attributes: dict[str, Attributes] = {}
        self.recycled: dict[tuple[str, str], _Recycled] = {}
        self._entra: dict[str, Principal] = {}
        self._refresh: dict[str, _Issued] = {}
        self._access: dict[str, _Issued] = {}

    # What tests ask for

    def login(self) -> Login:
        return self._docker(ADMIN, PASSWORD)

    def bad_login(self) -> Login:
        return self._docker(ADMIN, "not-the-password")

    def weak_login(self) -> Login:
        return self._docker(READER, READER_PASSWORD)

    def az_login(self, *, identity_token: bool = False, principal: Principal | None = None) -> Login:
        """What `az acr login` leaves behind: a refresh token, as a password or as an identity token."""
        token = self._refresh_token(principal or Principal("somebody@example.com"))
        login = self._docker(EMPTY_GUID, "" if identity_token else token)
        if not identity_token:
            return login
        auth = base64.b64encode(f"{EMPTY_GUID}:".encode()).decode()
        config = {"auths": {self.host: {"auth": auth, "identitytoken": token}}}
        return Login(docker_config=config, secrets=(token,))

    def entra_token(self, principal: Principal | None = None) -> str:
        """A token of Entra ID for somebody, as azure-identity gets it."""
        who = principal or Principal("job@example.com")
        token = self._jwt(3600, {"aud": "https://containerregistry.azure.net", "oid": who.name})
        self._entra[token] = who
        return token

    def expire_tokens(self) -> None:
        self._access.clear()
        self._refresh.clear()

    def lock(self, path: str, tag: str) -> None:
        self.tag_attributes[path, tag] = Attributes(delete_enabled=False)

    def hide(self, path: str, tag: str) -> None:
        self.tag_attributes[path, tag] = Attributes(list_enabled=False)

    def lock_manifest(self, path: str, digest: str) -> None:
        self.manifest_attributes[path, digest] = Attributes(write_enabled=False)

    def throttling(self) -> Reply:
        after = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return _refusal(429, "TOOMANYREQUESTS", "too many requests", headers=after).reply

    # Requests

    @property
    def _service(self) -> str:
        return self.service or self.host

    def answer(self, request: Incoming) -> Reply:
        if self.throttled and self.may_throttle(request):
            self.throttled -= 1
            raise ErrorReply(self.throttling())
        if self.firewalled:
            raise _refusal(403, "DENIED", "client with IP '203.0.113.7' is not allowed access")
        if request.path == "/oauth2/exchange":
            return self._exchange(request)
        if request.path == "/oauth2/token":
            return self._token(request)
        self._authorize(request)
        if request.path.startswith("/acr/v1/_deleted/"):
            return self._restore(request)
        if request.path == "/acr/v1/_catalog":
            return self._catalog(request)
        if found := _PATH.fullmatch(request.path):
            return self._metadata(request, found["name"], found["list"] or "", found["item"] or "")
        return self._distribution(request)

    # Tokens

    def _exchange(self, request: Incoming) -> Reply:
        form = _form(request)
        self.exchanges += 1
        if request.method != "POST" or form.get("grant_type") != "access_token" or form.get("service") != self._service:
            raise _refusal(400, "BAD_REQUEST", "invalid exchange")
        who = self._entra.get(form.get("access_token", ""))
        if who is None:
            raise _refusal(401, "UNAUTHORIZED", _UNAUTHORIZED)
        return json_reply({"refresh_token": self._refresh_token(who)})

    def _token(self, request: Incoming) -> Reply:
        self.tokens_fetched += 1
        if request.method == "POST":
            form = urllib.parse.parse_qs(request.body.decode())
            first = _form(request)
            asked, service = form.get("scope", []), first.get("service")
            who = (
                self._holder(first.get("refresh_token", ""))
                if first.get("grant_type") == "refresh_token"
                else self._known(first.get("username", ""), first.get("password", ""))
            )
        else:
            asked, service = list(request.scopes), request.query.get("service")
            who = self._known(*(request.basic() or ("", "")))
        if who is None or service != self._service:
            raise _refusal(401, "UNAUTHORIZED", _UNAUTHORIZED)
        access = self._granted(who, [scope for each in asked for scope in each.split()])
        claims = {
            "sub": who.name,
            "access": [
                dict(zip(self.spelling.split(), (kind, name, sorted(actions)), strict=True))
                for (kind, _, name), actions in ((key.partition(":"), actions) for key, actions in access.items())
            ],
            "grant_type": "access_token",
        }
        token = secrets.token_urlsafe(24) if self.opaque_tokens else self._jwt(ACCESS_LIFE, claims)
        self._access[token] = _Issued(who, self.clock() + ACCESS_LIFE, access)
        return json_reply({"access_token": token})

    def _granted(self, who: Principal, asked: Iterable[str]) -> dict[str, frozenset[str]]:
        access: dict[str, frozenset[str]] = {}
        for scope in asked:
            resource, _, actions = scope.rpartition(":")
            kind, _, name = resource.partition(":")
            if kind == "registry":
                access[resource] = frozenset({"*"}) if who.may("*") else frozenset()
                continue
            if self.abac and "*" in name:
                continue
            have = who.may(name) - (frozenset() if self.deletable else {"delete"})
            wanted = have if actions == "*" else frozenset(actions.split(","))
            if self.refuses_excess and not wanted <= have:
                raise _refusal(401, "UNAUTHORIZED", _UNAUTHORIZED)
            if wanted & have:
                access[resource] = wanted & have
        return access

    def _known(self, user: str, password: str) -> Principal | None:
        if user == EMPTY_GUID:
            return self._holder(password)
        known = self.passwords.get(user)
        return known[1] if known and secrets.compare_digest(known[0], password) else None

    def _holder(self, refresh_token: str) -> Principal | None:
        issued = self._refresh.get(refresh_token)
        return issued.principal if issued and issued.until > self.clock() else None

    def _refresh_token(self, who: Principal) -> str:
        claims: dict[str, Any] = {"sub": who.name, "grant_type": "refresh_token"}
        token = self._jwt(REFRESH_LIFE, {**claims, **({"aad_identity": "{}"} if self.abac else {})})
        self._refresh[token] = _Issued(who, self.clock() + REFRESH_LIFE)
        return token

    def _jwt(self, life: int, claims: Mapping[str, Any]) -> str:
        now = int(self.clock())
        usual = {
            "jti": secrets.token_hex(8),
            "nbf": now - DATED_BACK,
            "iat": now - DATED_BACK,
            "exp": now + life,
            "aud": self.host,
        }
        parts = ({"alg": "RS256", "typ": "JWT"}, {**usual, "iss": "Azure Container Registry", **claims})
        encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
        return ".".join((*encoded, secrets.token_urlsafe(16)))

    def _authorize(self, request: Incoming) -> None:
        needed = _needed(request)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "basic":
            who = self._known(*(request.basic() or ("", "")))
            if who is None:
                raise self._challenge(request, needed, "invalid_token")
            access = self._granted(who, needed)
        else:
            issued = self._access.get(token)
            if issued is None or issued.until <= self.clock():
                raise self._challenge(request, needed, "invalid_token" if token else "")
            access = dict(issued.access)
        for scope in needed:
            resource, _, actions = scope.rpartition(":")
            have = access.get(resource, frozenset()) | access.get(f"{resource.partition(':')[0]}:*", frozenset())
            if "*" not in have and not frozenset(actions.split(",")) <= have:
                raise self._challenge(request, needed, "insufficient_scope")

    def _challenge(self, request: Incoming, needed: tuple[str, ...], error: str) -> ErrorReply:
        parts = [f'Bearer realm="{request.base}/oauth2/token"', f'service="{self._service}"']
        parts += [f'scope="{" ".join(needed)}"'] if needed else []
        parts += [f'error="{error}"'] if error and self.says_why else []
        detail = [
            {"Type": kind, "Name": name, "Action": action}
            for scope in needed
            for kind, name, action in [(scope.partition(":")[0], *scope.partition(":")[2].rsplit(":", 1))]
        ]
        headers = {"WWW-Authenticate": ",".join(parts)}
        return _refusal(401, "UNAUTHORIZED", _UNAUTHORIZED, detail=detail, headers=headers)

    # /acr/v1

    def _catalog(self, request: Incoming) -> Reply:
        names = sorted(name for name, state in self.storage.repositories.items() if state.manifests)
        return self._page(request, "repositories", [(name, name) for name in names], {})

    def _metadata(self, request: Incoming, name: str, listed: str, item: str) -> Reply:
        state = self.storage.repositories.get(name)
        if request.method == "DELETE" and listed == "_tags" and state is None:
            raise _unknown_tag(item)
        if state is None or not state.manifests:
            raise _refusal(404, "NAME_UNKNOWN", "repository name not known to registry", detail={"name": name})
        match request.method, listed, bool(item):
            case "GET", "", _:
                return self._repository(name, state)
            case "GET", "_tags", False:
                return self._tags(request, name, state)
            case "GET", "_manifests", False:
                return self._manifests(request, name, state)
            case "GET", "_manifests", True:
                return self._manifest(name, state, item)
            case "DELETE", "_tags", True:
                return self._untag(name, state, item)
            case _:
                raise _refusal(405, "UNSUPPORTED", "The operation is unsupported.")

    def _repository(self, name: str, state: RepositoryState) -> Reply:
        first, last = min(state.pushed.values()), max(state.pushed.values())
        return json_reply(
            {
                "registry": self.host,
                "imageName": name,
                "createdTime": _time(first),
                "lastUpdateTime": _time(last),
                "manifestCount": len(state.manifests),
                "tagCount": len(state.tags),
                "changeableAttributes": self.repository_attributes.get(name, Attributes()).shown(),
            }
        )

    def _tags(self, request: Incoming, name: str, state: RepositoryState) -> Reply:
        def row(tag: str) -> dict[str, Any]:
            when = _time(state.tagged[tag])
            shown: dict[str, Any] = {
                "name": tag,
                "digest": state.tags[tag],
                "createdTime": when,
                "lastUpdateTime": when,
                "signed": False,
            }
            locks = self.tag_attributes.get((name, tag), Attributes()).shown()
            return shown | ({"changeableAttributes": locks} if self.shows_locks else {})

        listed = [tag for tag in state.tags if not self._is_hidden(name, tag)]
        order = sorted(listed, key=_order(request, state.tagged))
        return self._page(request, "tags", [(tag, row(tag)) for tag in order], self._about(name))

    def _manifests(self, request: Incoming, name: str, state: RepositoryState) -> Reply:
        listed = [each for each in state.manifests if self.manifest_attributes.get((name, each), _FREE).list_enabled]
        order = sorted(listed, key=_order(request, state.pushed))
        rows = [(digest, self._described(name, state, state.manifests[digest])) for digest in order]
        return self._page(request, "manifests", rows, self._about(name))

    def _manifest(self, name: str, state: RepositoryState, digest: str) -> Reply:
        if digest not in state.manifests:
            raise _refusal(404, "MANIFEST_UNKNOWN", f"manifest {digest} is not found")
        return json_reply({**self._about(name), "manifest": self._described(name, state, state.manifests[digest])})

    def _described(self, name: str, state: RepositoryState, stored: StoredManifest) -> dict[str, Any]:
        when = _time(state.pushed[stored.digest])
        shown: dict[str, Any] = {
            "digest": stored.digest,
            "createdTime": when,
            "lastUpdateTime": when,
            "mediaType": stored.media_type,
            "changeableAttributes": self.manifest_attributes.get((name, stored.digest), Attributes()).shown(),
        }
        if stored.media_type not in INDEX_TYPES:
            shown |= {"imageSize": len(stored.body), "architecture": "amd64", "os": "linux"}
        tags = [tag for tag in state.tags_of(stored.digest) if self.names_hidden_tags or not self._is_hidden(name, tag)]
        return shown | ({"tags": tags} if tags else {})

    def _is_hidden(self, name: str, tag: str) -> bool:
        return not self.tag_attributes.get((name, tag), Attributes()).list_enabled

    def _about(self, name: str) -> dict[str, str]:
        return {"registry": self.host, "imageName": name}

    def _page(self, request: Incoming, key: str, rows: list[tuple[str, Any]], about: Mapping[str, Any]) -> Reply:
        size = min(int(request.query.get("n", _LARGEST_PAGE)), _LARGEST_PAGE)
        if last := request.query.get("last"):
            at = next((position for position, (cursor, _) in enumerate(rows) if cursor == last), None)
            if at is None:
                raise _refusal(404, "NOT_FOUND", "the page after that is not known")
            rows = rows[at + 1 :]
        page = rows[:size]
        headers = {}
        if len(rows) > size:
            query = {"last": page[-1][0], "n": size, **{k: v for k, v in request.query.items() if k == "orderby"}}
            headers["Link"] = f'<{request.path}?{urllib.parse.urlencode(query)}>; rel="next"'
        return json_reply({**about, key: [shown for _, shown in page]}, headers=headers)

    def _untag(self, name: str, state: RepositoryState, tag: str) -> Reply:
        if tag not in state.tags:
            raise _unknown_tag(tag)
        if self._is_locked(self.repository_attributes.get(name), self.tag_attributes.get((name, tag))):
            raise _refusal(405, "REGISTRY_DISALLOWED_OPERATION", _DISALLOWED, detail={})
        stored = state.manifests[state.tags[tag]]
        self.storage.delete_tag(name, tag)
        if self.soft_delete:
            self.recycled.setdefault((name, stored.digest), _Recycled(stored, set())).tags.add(tag)
        return Reply(202)

    # /v2

    def _distribution(self, request: Incoming) -> Reply:
        where = route(request.path)
        if where is None or where.kind != "manifest":
            return super().answer(request)
        if request.method == "DELETE":
            return self._delete_manifest(where)
        if request.method == "PUT":
            self._check_push(where, request.body)
        return super().answer(request)

    def _delete_manifest(self, where: Route) -> Reply:
        name, digest = where.repository, where.reference
        if ":" not in digest:
            raise _refusal(405, "UNSUPPORTED", "The operation is unsupported.")
        state = self.storage.repositories.get(name)
        if state is None or digest not in state.manifests:
            raise _refusal(404, "MANIFEST_UNKNOWN", f'manifest sha256:"{digest}" is not found')
        tags = [self.tag_attributes.get((name, tag)) for tag in state.tags_of(digest)] if self.keeps_locked_tags else []
        attributes = (self.repository_attributes.get(name), self.manifest_attributes.get((name, digest)), *tags)
        if self._is_locked(*attributes):
            raise _refusal(405, "REGISTRY_DISALLOWED_OPERATION", _DISALLOWED, detail={})
        self._remove(name, state, digest)
        return Reply(202)

    def _remove(self, name: str, state: RepositoryState, digest: str) -> None:
        """Children of an index are not protected, and referrers go with their subject."""
        stored = state.manifests[digest]
        tags = set(state.tags_of(digest))
        self.storage.delete_manifest(name, digest)
        if self.soft_delete:
            self.recycled.setdefault((name, digest), _Recycled(stored, set())).tags.update(tags)
        for referrer in state.referrers(digest):
            if referrer.digest in state.manifests:
                self._remove(name, state, referrer.digest)

    def _check_push(self, where: Route, body: bytes) -> None:
        name = where.repository
        state = self.storage.repositories.get(name)
        digest = Digest.of(body)
        alive = state is not None and digest in state.manifests
        if (name, digest) in self.recycled and not alive:
            raise _refusal(409, "CONFLICT", "a manifest with the same digest is soft deleted; restore it first")
        repository, tag = self.repository_attributes.get(name), self.tag_attributes.get((name, where.reference))
        if any(each and not each.write_enabled for each in (repository, tag)):
            raise _refusal(405, "REGISTRY_DISALLOWED_OPERATION", _DISALLOWED, detail={})

    def _is_locked(self, repository: Attributes | None, *others: Attributes | None) -> bool:
        """A repository's `deleteEnabled` guards the repository only."""
        return bool(repository and not repository.write_enabled) or any(each and each.locked for each in others)

    def _restore(self, request: Incoming) -> Reply:
        found = re.fullmatch(r"/acr/v1/_deleted/(.+)/_manifests/(sha256:[0-9a-f]{64})", request.path)
        recycled = self.recycled.get((found[1], found[2])) if found and self.soft_delete else None
        if found is None or recycled is None or request.method != "POST":
            raise _refusal(404, "MANIFEST_UNKNOWN", "no such deleted manifest")
        tag = json.loads(request.body)["tag"]
        if tag is not None and tag not in recycled.tags:
            raise _refusal(404, "TAG_UNKNOWN", "no such deleted tag")
        stored = recycled.manifest
        self.storage.put_manifest(found[1], stored.body, stored.media_type, tag)
        recycled.tags.discard(tag)
        return json_reply({**self._about(found[1]), "digest": stored.digest}, status=202)

    def _docker(self, user: str, password: str) -> Login:
        auth = base64.b64encode(f"{user}:{password}".encode()).decode()
        return Login(docker_config={"auths": {self.host: {"auth": auth}}}, secrets=(password, auth))


def _unknown_tag(tag: str) -> ErrorReply:
    return _refusal(404, "TAG_UNKNOWN", "the specified tag does not exist", detail={"name": tag})


def _needed(request: Incoming) -> tuple[str, ...]:
    if request.path == "/acr/v1/_catalog":
        return ("registry:catalog:*",)
    if found := re.fullmatch(r"/acr/v1/_deleted/(.+)/_(?:manifests|tags)(?:/[^/]+)?", request.path):
        return (f"repository:{found[1]}:{'deleted_restore' if request.method == 'POST' else 'deleted_read'}",)
    if found := _PATH.fullmatch(request.path):
        action = {"DELETE": "delete", "PATCH": "metadata_write"}.get(request.method, "metadata_read")
        return (f"repository:{found['name']}:{action}",)
    where = route(request.path)
    if where is None:
        return ()
    if where.kind == "tags":
        return (f"repository:{where.repository}:metadata_read",)
    return scopes(request, where)


def _order(request: Incoming, times: Mapping[str, float]) -> Callable[[str], tuple[float, str]]:
    match request.query.get("orderby"):
        case "timeasc":
            return lambda name: (times[name], name)
        case "timedesc":
            return lambda name: (-times[name], name)
        case None:
            return lambda name: (0.0, name)
        case _:
            raise _refusal(400, "INVALID_PARAMETER", "orderby is invalid")


def _time(seconds: float) -> str:
    """Seven digits of a second, as .NET writes them."""
    return f"{dt.datetime.fromtimestamp(seconds, dt.UTC):%Y-%m-%dT%H:%M:%S.%f}1Z"


def _form(request: Incoming) -> dict[str, str]:
    return {name: values[-1] for name, values in urllib.parse.parse_qs(request.body.decode()).items()}


def _refusal(
    status: int, code: str, message: str, *, detail: Any = None, headers: Mapping[str, str] | None = None
) -> ErrorReply:
    error = {"code": code, "message": message} | ({} if detail is None else {"detail": detail})
    return json_error(status, {"errors": [error]}, headers)


EMULATOR = AcrEmulator
