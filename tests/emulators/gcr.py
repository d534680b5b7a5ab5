"""Google's Artifact Registry behind gcr.io: /v2 with its extended tag list, the part of its API that is used, the token
endpoint of OAuth2 and the metadata server of a machine, all on one host.

What Google does not document (bodies of 429, the error for an immutable tag on /v2, the default page) is a guess.
"""

import base64
import binascii
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qs, quote, unquote

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from holystone.embedded.errors import error_reply
from holystone.embedded.exchange import Incoming, Reply, json_reply
from holystone.embedded.quirks import OCI, Quirks
from holystone.embedded.routes import Route, route
from holystone.embedded.storage import RepositoryState
from tests.emulators.vendor import Login, NotHere, VendorEmulator, json_error

PROJECT: Final = "team"
FOLDER: Final = f"projects/{PROJECT}/locations/us/repositories/gcr.io"
TOKEN_PREFIX: Final = "ya29.c.emulated-"
REFRESH_TOKEN: Final = "1//emulated-refresh-token"
CLIENT_SECRET: Final = "emulated-client-secret"
SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
API_PAGE: Final = 1000
_AUDIENCE: Final = "https://oauth2.googleapis.com/token"
"""What google-auth writes, wherever `token_uri` leads."""
_LEEWAY: Final = 10
"""Seconds for clocks that differ."""
_QUIRKS: Final = msgspec.structs.replace(OCI, lacking_rights_status=403)


@dataclass(frozen=True)
class Account:
    email: str
    rights: frozenset[str]
    """Among pull, push, delete."""


ADMIN: Final = Account(f"cleaner@{PROJECT}.iam.gserviceaccount.com", frozenset({"pull", "push", "delete"}))
READER: Final = Account(f"reader@{PROJECT}.iam.gserviceaccount.com", frozenset({"pull"}))
STRANGER: Final = Account("stranger@elsewhere.iam.gserviceaccount.com", frozenset())
_ACCOUNTS: Final = {account.email: account for account in (ADMIN, READER, STRANGER)}
_PERMISSIONS: Final = {"pull": "downloadArtifacts", "push": "uploadArtifacts", "delete": "deleteArtifacts"}


@dataclass
class Seen:
    """What a test wants to know besides the requests."""

    grants: list[str] = field(default_factory=list)
    """How each access token was got: `metadata`, or the grant type."""
    refused: int = 0
    """Requests with a token that had ended or never was."""


class GoogleEmulator(VendorEmulator):
    implementation = "gcr"
    path = f"{PROJECT}/app"

    def __init__(
        self,
        *,
        quirks: Quirks = _QUIRKS,
        clock: Callable[[], float] | None = None,
        longest: int = 10_000,
        links: bool = False,
        api_enabled: bool = True,
        immutable: bool = False,
        public: bool = False,
        lag: int = 0,
        lifetime: int = 3599,
    ) -> None:
        """`longest`: entries that a tag list shows; `links`: and says so. `lag`: by how many digest deletions the
        index of tags is late. `public`: whoever comes may pull. `lifetime` of a token in seconds."""
        super().__init__(quirks=quirks, clock=clock)
        self._clock = clock or time.time
        self.longest = longest
        self.links = links
        self.api_enabled = api_enabled
        self.immutable = immutable
        self.public = public
        self.lag = lag
        self.lifetime = lifetime
        self.attached: Account | None = ADMIN
        """The account of the machine; None: it has none."""
        self.folders = {FOLDER.rpartition("/")[2]: ("DOCKER", "STANDARD_REPOSITORY")}
        """The project's repositories by name, each with format and mode."""
        self.seen = Seen()
        self._tokens: dict[str, tuple[float, Account]] = {}

    # Logging in

    def login(self) -> Login:
        return Login(environ={"GCE_METADATA_HOST": self.host}, secrets=(TOKEN_PREFIX,))

    def bad_login(self) -> Login:
        return self.by_docker("oauth2accesstoken", f"{TOKEN_PREFIX}never-issued")

    def weak_login(self) -> Login:
        return self.by_docker("_json_key", json.dumps(self.key(READER)))

    def by_docker(self, username: str, password: str) -> Login:
        auth = base64.b64encode(f"{username}:{password}".encode()).decode()
        return Login(docker_config={"auths": {self.host: {"auth": auth}}}, secrets=(password, auth, TOKEN_PREFIX))

    def key(self, account: Account) -> dict[str, str]:
        """The file that gcloud makes for a service account."""
        pem = _private_key().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": "0123456789abcdef",
            "private_key": pem.decode(),
            "client_email": account.email,
            "client_id": "1",
            "token_uri": _AUDIENCE if self.names else f"{self.url}/oauth2/token",
            "universe_domain": "googleapis.com",
        }

    def issue(self, account: Account) -> str:
        token = f"{TOKEN_PREFIX}{len(self._tokens)}-{account.email.partition('@')[0]}"
        self._tokens[token] = (self._clock() + self.lifetime + _LEEWAY, account)
        return token

    def expire_tokens(self) -> None:
        self._tokens = dict.fromkeys(self._tokens, (0.0, STRANGER))

    def lock(self, path: str, tag: str) -> None:
        raise NotHere("tags are immutable in a whole repository or not at all")

    # Answering

    def throttling(self) -> Reply:
        return _error_v2(429, "TOOMANYREQUESTS", "Quota exceeded for quota metric 'Requests'", {"Retry-After": "0"})

    def may_throttle(self, request: Incoming) -> bool:
        return request.path.startswith(("/v1/", "/v2/")) and request.path != "/v2/token"

    def answer(self, request: Incoming) -> Reply:
        if request.path.startswith("/computeMetadata/") or request.path == "/":
            return self._metadata(request)
        if request.path in ("/oauth2/token", "/token"):
            return self._grant(request)
        if request.path.startswith("/v1/"):
            return self._api(request)
        account = self._account(request)
        if request.path == "/v2/token":
            token = self.issue(account)
            return json_reply({"token": token, "expires_in": self.lifetime})
        where = route(request.path)
        if where and where.repository:
            self._check_right(account, request)
        if self.throttled or where is None:
            return super().answer(request)
        if where.kind == "tags":
            return self._tag_list(request, where)
        if where.kind == "manifest" and request.method in ("DELETE", "PUT"):
            self._check_rules(request, where)
        return super().answer(request)

    # OAuth2

    def _metadata(self, request: Incoming) -> Reply:
        flavor = {"Metadata-Flavor": "Google"}
        if request.headers.get("Metadata-Flavor") != "Google":
            return Reply(403, b"Missing Metadata-Flavor:Google header.", flavor)
        if request.path == "/":
            return Reply(200, b"computeMetadata/\n", flavor)
        if not request.path.endswith("/service-accounts/default/token") or self.attached is None:
            return Reply(404, b"Not Found", flavor)
        self.seen.grants.append("metadata")
        token = self.issue(self.attached)
        body = {"access_token": token, "expires_in": self.lifetime, "token_type": "Bearer"}
        return json_reply(body, headers=flavor)

    def _grant(self, request: Incoming) -> Reply:
        form = {name: values[-1] for name, values in parse_qs(request.body.decode()).items()}
        kind = form.get("grant_type", "")
        if kind == "urn:ietf:params:oauth:grant-type:jwt-bearer":
            account = self._signer(form.get("assertion", ""))
            why = "Invalid JWT Signature."
        else:
            mine = form.get("refresh_token") == REFRESH_TOKEN and form.get("client_secret") == CLIENT_SECRET
            account = ADMIN if kind == "refresh_token" and mine else None
            # A careless server, which repeats what it was sent.
            why = f"Token {form.get('refresh_token')} has been expired or revoked."
        if account is None:
            raise json_error(400, {"error": "invalid_grant", "error_description": why})
        self.seen.grants.append(kind)
        if b"target_audience" in _decoded(form.get("assertion", "..").split(".")[1]):  # gcloud wants to know who it is
            return json_reply({"id_token": form["assertion"]})
        return json_reply({"access_token": self.issue(account), "expires_in": self.lifetime, "token_type": "Bearer"})

    def _signer(self, assertion: str) -> Account | None:
        signed, _, signature = assertion.rpartition(".")
        try:
            _private_key().public_key().verify(
                _decoded(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256()
            )
            claims = json.loads(_decoded(signed.partition(".")[2]))
        except (InvalidSignature, ValueError):
            return None
        wanted = {SCOPE} <= set(claims.get("scope", "").split()) or "target_audience" in claims
        good = claims["aud"] == _AUDIENCE and claims["exp"] > time.time() and wanted
        return _ACCOUNTS.get(claims["iss"]) if good else None

    def _account(self, request: Incoming) -> Account:
        """Of /v2: Basic with an access token or a key, or Bearer with a token."""
        basic = request.basic()
        scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
        account: Account | None = None
        if basic and basic[0] in ("_json_key", "_json_key_base64"):
            account = self._key_holder(*basic)
        elif basic:
            account = self._bearer(basic[1])
        elif scheme.lower() == "bearer":
            account = self._bearer(bearer)
        elif request.path == "/v2/token":
            account = STRANGER
        if account is None:
            challenge = f'Bearer realm="{self.url}/v2/token",service="{self.host}"'
            raise error_reply("UNAUTHORIZED", headers={"WWW-Authenticate": challenge})
        return account

    def _key_holder(self, username: str, password: str) -> Account | None:
        try:
            key = json.loads(base64.b64decode(password) if username.endswith("64") else password)
        except (ValueError, binascii.Error):
            return None
        account = _ACCOUNTS.get(key.get("client_email", ""))
        return account if account and key == self.key(account) else None

    def _bearer(self, token: str) -> Account | None:
        until, account = self._tokens.get(token, (0.0, STRANGER))
        if until > self._clock():
            return account
        self.seen.refused += 1
        return None

    def _check_right(self, account: Account, request: Incoming) -> None:
        right = {"GET": "pull", "HEAD": "pull", "DELETE": "delete"}.get(request.method, "push")
        if right not in account.rights and not (self.public and right == "pull"):
            raise json_error(
                403,
                {
                    "errors": [
                        {
                            "code": "DENIED",
                            "message": f'Permission "artifactregistry.repositories.{_PERMISSIONS[right]}" denied on '
                            f'resource "{FOLDER}" (or it may not exist)',
                        }
                    ]
                },
            )

    # /v2

    def _tag_list(self, request: Incoming, where: Route) -> Reply:
        state = self.storage.repositories.get(where.repository)
        below = f"{where.repository}/"
        children = {
            name.removeprefix(below).partition("/")[0] for name in self.storage.repositories if name.startswith(below)
        }
        if state is None and not children:
            raise error_reply("NAME_UNKNOWN")
        shown = min(int(request.query.get("n", self.longest)), self.longest)
        tags = sorted(state.tags) if state else []
        shown_tags = set(tags[:shown])
        tags_of = _tags_of(state) if state else {}
        manifests = sorted(state.manifests) if state else []
        body = {
            "name": where.repository,
            "child": sorted(children),
            "tags": tags[:shown],
            "manifest": {
                digest: {
                    "imageSizeBytes": str(len(state.manifests[digest].body)),
                    "layerId": "",
                    "mediaType": state.manifests[digest].media_type,
                    "tag": [tag for tag in tags_of.get(digest, ()) if tag in shown_tags],
                    "timeCreatedMs": "0",
                    "timeUploadedMs": str(int(state.pushed[digest] * 1000)),
                }
                for digest in manifests[:shown]
                if state
            },
        }
        cut = max(len(tags), len(manifests)) > shown
        link = {"Link": f'<{request.path}?n={shown}&last={tags[shown - 1]}>; rel="next"'} if cut and self.links else {}
        return json_reply(body, headers=link)

    def _check_rules(self, request: Incoming, where: Route) -> None:
        state = self.storage.repositories.get(where.repository)
        if state is None:
            return
        if ":" not in where.reference:
            if self.immutable and where.reference in state.tags:
                raise json_error(400, _errors("FAILED_PRECONDITION", "The tag is immutable."))
            return
        if request.method == "PUT" or where.reference not in state.manifests:
            return
        if state.tags_of(where.reference) or self.lag:
            self.lag = max(0, self.lag - 1)
            raise json_error(
                400, _errors("GOOGLE_MANIFEST_DANGLING_TAG", "Manifest is still referenced by one or more tags")
            )
        if state.indexes_with(where.reference):
            raise json_error(
                400,
                _errors("GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE", "Manifest is still referenced by a parent manifest"),
            )

    # The Artifact Registry API

    def _api(self, request: Incoming) -> Reply:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        account = self._bearer(token) if scheme == "Bearer" else None
        if account is None:
            raise json_error(
                401,
                _status(401, "UNAUTHENTICATED", "Request had invalid authentication credentials."),
                {"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/", error="invalid_token"'},
            )
        if self.throttled:
            self.throttled -= 1
            wait = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.001s"}
            raise json_error(429, _status(429, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric", wait))
        if not self.api_enabled:
            info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "SERVICE_DISABLED"}
            raise json_error(403, _status(403, "PERMISSION_DENIED", "The API is not enabled in the project.", info))
        if "pull" not in account.rights:
            raise json_error(403, _status(403, "PERMISSION_DENIED", f"Permission denied on resource {FOLDER}"))
        raw = request.target.partition("?")[0].removeprefix("/v1/")
        if raw == FOLDER:
            config = {"immutableTags": True} if self.immutable else {}
            return json_reply(
                {"name": FOLDER, "format": "DOCKER", "mode": "STANDARD_REPOSITORY", "dockerConfig": config}
            )
        if raw == FOLDER.rpartition("/")[0]:
            return self._page(request, "repositories", sorted(self.folders), self._folder)
        if raw == f"{FOLDER}/packages":
            images = sorted(
                name.removeprefix(f"{PROJECT}/")
                for name, held in self.storage.repositories.items()
                if held.had_manifests and name.startswith(f"{PROJECT}/")
            )
            return self._page(
                request, "packages", images, lambda each: {"name": f"{FOLDER}/packages/{quote(each, safe='')}"}
            )
        # The package is one part of the path: its slashes come escaped, by Google's own libraries twice.
        head, _, rest = raw.partition("/packages/")
        package, _, kind = rest.partition("/")
        image = unquote(unquote(package))
        state = self.storage.repositories.get(f"{PROJECT}/{image}")
        if head != FOLDER or state is None or kind not in ("versions", "tags"):
            raise json_error(404, _status(404, "NOT_FOUND", "Requested entity was not found."))
        name = f"{FOLDER}/packages/{quote(image, safe='')}"
        # "BASIC: … not any related tags", and without a view it is that (the discovery document, versions.list).
        tags_of = _tags_of(state) if kind == "versions" and request.query.get("view") == "FULL" else {}
        return self._page(
            request,
            kind,
            sorted(state.manifests if kind == "versions" else state.tags),
            lambda each: _version(state, name, each, tags_of) if kind == "versions" else _tag(state, name, each),
        )

    def _folder(self, name: str) -> dict[str, Any]:
        form, mode = self.folders[name]
        return {"name": f"{FOLDER.rpartition('/')[0]}/{name}", "format": form, "mode": mode}

    def _page(self, request: Incoming, kind: str, names: list[str], row: Callable[[str], dict[str, Any]]) -> Reply:
        size = min(int(request.query.get("pageSize", 100)), API_PAGE)
        start = 0
        if token := request.query.get("pageToken"):
            try:
                start = int(base64.b64decode(token, validate=True).decode().removeprefix("from "))
            except ValueError:
                raise json_error(400, _status(400, "INVALID_ARGUMENT", "Invalid page token.")) from None
        page: dict[str, Any] = {kind: [row(name) for name in names[start : start + size]]} if names else {}
        if start + size < len(names):
            page["nextPageToken"] = base64.b64encode(f"from {start + size}".encode()).decode()
        return json_reply(page)


def _version(state: RepositoryState, name: str, digest: str, tags_of: dict[str, list[str]]) -> dict[str, Any]:
    related = [_tag(state, name, tag) for tag in tags_of.get(digest, ())[:100]]
    return {
        "name": f"{name}/versions/{digest}",
        "createTime": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(state.pushed[digest]))}.123456789Z",
        "metadata": {"mediaType": state.manifests[digest].media_type, "imageSizeBytes": "1"},
        **({"relatedTags": related} if related else {}),
    }


def _tag(state: RepositoryState, name: str, tag: str) -> dict[str, Any]:
    return {"name": f"{name}/tags/{tag}", "version": f"{name}/versions/{state.tags[tag]}"}


def _tags_of(state: RepositoryState) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for tag, digest in sorted(state.tags.items()):
        found.setdefault(digest, []).append(tag)
    return found


def _errors(code: str, message: str) -> dict[str, Any]:
    return {"errors": [{"code": code, "message": message}]}


def _error_v2(status: int, code: str, message: str, headers: dict[str, str]) -> Reply:
    return json_error(status, _errors(code, message), headers).reply


def _status(code: int, status: str, message: str, *details: dict[str, str]) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": status, "details": list(details)}}


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


@cache
def _private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


EMULATOR = GoogleEmulator
