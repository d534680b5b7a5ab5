"""Harbor 2.x on one host: its API v2.0 over what /v2 stores.

Sources: goharbor/harbor:api/v2.0/swagger.yaml, src/server/v2.0/handler/{artifact,base,project,repository}.go,
src/controller/{artifact,tag}/controller.go, src/server/registry/*.go, src/server/middleware/*; and what Harbor 2.15.2
answered to the same requests.
"""

import base64
import datetime as dt
import json
import re
import secrets
import time
import urllib.parse
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import msgspec

from holystone.embedded.errors import ErrorReply
from holystone.embedded.exchange import Incoming, Reply, json_reply
from holystone.embedded.manifests import StoredManifest, referrer_entry
from holystone.embedded.quirks import Quirks
from holystone.embedded.storage import RepositoryState, Storage
from holystone.engine.model.manifests import INDEX_TYPES, OCI_INDEX
from tests.emulators.vendor import Login, VendorEmulator, json_error

PASSWORD: Final = "Holy-Stone-12345"
GUEST_PASSWORD: Final = "Only-Looking-678"
MAINTAINER: Final = frozenset(
    {"read project", "list", "read", "delete artifact", "delete tag", "pull", "push", "delete repository"},
)
"""`delete repository` is what a deletion by /v2 needs; the API asks for `delete artifact` (goharbor/harbor#16133). A
robot account has what it was given of them, one by one."""
GUEST: Final = frozenset({"read project", "list", "read", "pull"})
SIMPLE_SIGNING: Final = "application/vnd.dev.cosign.simplesigning.v1+json"
MAX_PAGE: Final = 100

# code → status: src/lib/http/error.go
_STATUS: Final = {
    "BAD_REQUEST": 400,
    "UNSUPPORTED": 400,
    "UNAUTHORIZED": 401,
    "DENIED": 403,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "PRECONDITION": 412,
    "PROJECTPOLICYVIOLATION": 412,
    "VIOLATE_FOREIGN_KEY_CONSTRAINT": 412,
    "UNPROCESSABLE_ENTITY": 422,
    "UNKNOWN": 500,
}
_PROJECT: Final = re.compile(r"/api/v2\.0/projects/(?P<project>[^/]+)")
_REPOSITORIES: Final = re.compile(r"/api/v2\.0/projects/(?P<project>[^/]+)/repositories")
_API: Final = re.compile(
    r"/api/v2\.0/projects/(?P<project>[^/]+)/repositories/(?P<name>[^/]+)"
    r"(?P<artifacts>/artifacts(?:/(?P<reference>[^/]+)(?P<tags>/tags/(?P<tag>[^/]+))?)?)?"
)
_V2: Final = re.compile(r"/v2/(?P<path>.+?)/(?P<kind>tags|manifests|blobs|referrers)/(?P<rest>.*)")
_SIGNATURE: Final = re.compile(r"(sha256-[0-9a-f]{64})\.sig")
_BEHIND: Final = Quirks(
    strict_accept="all",
    locations="absolute",
    upload_in_one_post=False,
    checks_content_range=False,
    sha512="no",
    oversized_status=400,
)
"""Of the distribution 2.8 behind Harbor, which is asked by digests only, what can still be seen."""
_NEVER: Final = "0001-01-01T00:00:00.000Z"


def error(code: str, message: str, headers: Mapping[str, str] | None = None) -> ErrorReply:
    return json_error(_STATUS[code], {"errors": [{"code": code, "message": message}]}, headers)


@dataclass(frozen=True)
class Account:
    password: str
    rights: frozenset[str] = MAINTAINER
    oidc_cli: bool = False
    """The password is the CLI secret of an OIDC user (src/server/middleware/security/oidc_cli.go)."""
    administers: bool = False
    """… all of Harbor: whoever does is told of a project that is not there."""


class _Graph:
    """A repository as Harbor's database sees it."""

    def __init__(self, state: RepositoryState) -> None:
        self.state = state

    @cached_property
    def tags(self) -> Mapping[str, Sequence[str]]:
        """By digest."""
        found: dict[str, list[str]] = defaultdict(list)
        for tag, digest in sorted(self.state.tags.items()):
            found[digest].append(tag)
        return found

    @cached_property
    def _subjects(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for manifest in self.state.manifests.values():
            if manifest.subject:
                found[manifest.subject].append(manifest.digest)
        return found

    def accessories(self, subject: str) -> list[tuple[str, str]]:
        """Type and digest of what was pushed for it, be it there or not: cosign's signature, or anything with a
        `subject`. Attestations and SBOMs under cosign's tags are artifacts like others (src/server/middleware/cosign,
        src/server/middleware/subject)."""
        signature = self.state.manifests.get(self.state.tags.get(f"{subject.replace(':', '-')}.sig", ""))
        signed = [("signature.cosign", str(signature.digest))] if signature and _is_signature(signature) else []
        return [*signed, *((self._kind(digest), digest) for digest in self._subjects.get(subject, ()))]

    def _kind(self, digest: str) -> str:
        cosigns = ("application/vnd.dev.cosign.artifact.sig.v1+json", "application/vnd.dev.sigstore.bundle.v0.3+json")
        return "signature.cosign" if self.state.manifests[digest].artifact_type in cosigns else "subject.accessory"

    def rows(self) -> list[StoredManifest]:
        """All that is in the list of artifacts, newest push first, before accessories are hidden."""
        ids = {digest: number for number, digest in enumerate(self.state.manifests)}
        manifests = self.state.manifests.values()
        children = {child.digest for each in manifests for child in each.children}
        shown = [each for each in manifests if each.digest in self.tags or each.digest not in children]
        return sorted(shown, key=lambda each: (-self.state.pushed[each.digest], -ids[each.digest]))

    def hidden(self) -> set[str]:
        signed = {found[1].replace("-", ":") for tag in self.state.tags if (found := _SIGNATURE.fullmatch(tag))}
        return {digest for subject in signed | self._subjects.keys() for _, digest in self.accessories(subject)}


class HarborEmulator(VendorEmulator):
    """`referrers_api`: since Harbor 2.8. `miscounts`: as 2.5 does, hidden accessories take up places in pages and count
    in the total (goharbor/harbor#16816). `public`: anybody may read. `read_only`: the whole system.
    `blocks_pulls`: a project policy against unsigned or vulnerable images. `upstream`: the project is a proxy cache of
    what is in there, under the same paths."""

    implementation = "harbor"
    path = "shop/team/app"

    def __init__(
        self,
        *,
        referrers_api: bool = True,
        miscounts: bool = False,
        public: bool = False,
        read_only: bool = False,
        blocks_pulls: bool = False,
        upstream: Storage | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        super().__init__(quirks=_BEHIND, clock=clock)
        self.referrers_api = referrers_api
        self.miscounts = miscounts
        self.public = public
        self.read_only = read_only
        self.blocks_pulls = blocks_pulls
        self.upstream = upstream
        self.projects = {"shop"}
        self.accounts = {"sweeper": Account(PASSWORD), "guest": Account(GUEST_PASSWORD, GUEST)}
        self.deadlocks = 0
        """How many of the next deletions fail for a database that is in its own way."""
        self.pulled: dict[str, int] = defaultdict(int)
        self.pull_times: dict[tuple[str, str], float] = {}
        """By repository and digest, and by repository and tag where it was pulled by that."""
        """How often each manifest was pulled."""
        self.before_page: Callable[[int], object] = lambda _number: None
        """Called with its number before a page is made: what somebody else does meanwhile."""
        self._immutable: set[tuple[str, str]] = set()
        self._deleted: set[str] = set()
        """Manifests that the registry behind Harbor still has, and Harbor's database has not."""
        self._tokens: dict[str, set[tuple[str, str]]] = {}
        """What each lets do: repositories with actions."""

    # What the contract suite asks for

    def login(self) -> Login:
        return self.login_as("sweeper", PASSWORD)

    def bad_login(self) -> Login:
        return self.login_as("sweeper", "Not-The-Password-1")

    def weak_login(self) -> Login:
        return self.login_as("guest", GUEST_PASSWORD)

    def login_as(self, user: str, password: str) -> Login:
        environ = {"WERF_REPO_HARBOR_USERNAME": user, "WERF_REPO_HARBOR_PASSWORD": password}
        return Login(environ, secrets=(password, base64.b64encode(f"{user}:{password}".encode()).decode()))

    def lock(self, path: str, tag: str) -> None:
        self._immutable.add((path, tag))

    def throttling(self) -> Reply:
        """Harbor limits nothing: this is an ingress in front of it."""
        page = b"<html><head><title>429 Too Many Requests</title></head><body>nginx</body></html>"
        return Reply(429, page, {"Content-Type": "text/html", "Retry-After": "0"})

    # Requests

    def answer(self, request: Incoming) -> Reply:
        if self.throttled:
            self.throttled -= 1
            return self.throttling()
        path = urllib.parse.unquote(request.target.partition("?")[0])  # once, as the router does
        if path == "/api/v2.0/systeminfo":
            return json_reply({"auth_mode": "db_auth", "external_url": request.base})
        if path == "/service/token":
            return self._token(request)
        if path.startswith("/api/"):
            return self._api(request, path)
        return self._v2(request)

    def _api(self, request: Incoming, path: str) -> Reply:
        if (named := _PROJECT.fullmatch(path)) and request.method == "GET":
            return self._project(request, named["project"])
        if path == "/api/v2.0/projects" and request.method == "GET":
            return self._projects(request)
        if (named := _REPOSITORIES.fullmatch(path)) and request.method == "GET":
            return self._repositories(request, named["project"])
        at = _API.fullmatch(path)
        if at is None:
            raise error("NOT_FOUND", f"path {path} was not found")
        writes = request.method not in ("GET", "HEAD")
        if writes and "sid=" in request.headers.get("Cookie", ""):
            raise error("FORBIDDEN", "CSRF token not found in request")
        if writes and self.read_only:
            raise error("DENIED", "The system is in read only mode. Any modification is prohibited.")
        name = urllib.parse.unquote(at["name"])  # again, in the handler
        repository = f"{at['project']}/{name}"
        what = (request.method, bool(at["artifacts"]), bool(at["reference"]), bool(at["tags"]))
        match what:
            case ("GET", False, False, False):
                self._require(request, at["project"], "list", cli=False)
                self._known(repository)
                reply = json_reply({"name": repository})
            case ("GET", True, False, False):
                self._require(request, at["project"], "list", cli=True)
                reply = self._list(request, repository)
            case ("GET", True, True, False):
                self._require(request, at["project"], "read", cli=False)
                reply = json_reply(
                    self._shown(
                        _Graph(self._known(repository)),
                        repository,
                        self._artifact(repository, at["reference"]),
                        request,
                    )
                )
            case ("DELETE", True, True, False):
                self._require(request, at["project"], "delete artifact", cli=False)
                self._delete_artifact(repository, self._artifact(repository, at["reference"]))
                reply = Reply(200)
            case ("DELETE", True, True, True):
                self._require(request, at["project"], "delete tag", cli=True)
                self._delete_tag(repository, self._artifact(repository, at["reference"]), at["tag"])
                reply = Reply(200)
            case _:
                raise json_error(405, {"code": 405, "message": f"method {request.method} is not allowed"})
        return Reply(
            reply.status, reply.body, {**reply.headers, "Set-Cookie": "sid=0123456789abcdef; Path=/; HttpOnly"}
        )

    def _project(self, request: Incoming, named: str) -> Reply:
        """By its number where that is one, unless it is said to be a name (handler/util.go, parseProjectNameOrID)."""
        is_number = named.isdecimal() and request.headers.get("X-Is-Resource-Name") != "true"
        project = "of-that-number" if is_number else named  # there is none
        self._require(request, project, "read project", cli=True)
        about: dict[str, Any] = {
            "project_id": 2,
            "name": project,
            "owner_id": 1,
            "repo_count": len(self.storage.repositories),
            "metadata": {"public": str(self.public).lower(), "enable_content_trust": "false"},
            "creation_time": _time(0),
            "update_time": _time(0),
        }
        return json_reply(about | ({"registry_id": 1} if self.upstream else {}))

    def _projects(self, request: Incoming) -> Reply:
        """Those that the caller is a member of, and public ones (handler/project.go, ListProjects)."""
        account = self._account(request)
        if account is None and "Authorization" in request.headers:
            raise error("UNAUTHORIZED", "unauthorized")
        mine = account is not None and "list" in self._rights(account)
        paths = self.storage.repositories
        names = sorted({*self.projects, *(path.partition("/")[0] for path in paths)}) if mine or self.public else []
        return self._numbered(request, [{"project_id": 2, "name": name} for name in names])

    def _repositories(self, request: Incoming, project: str) -> Reply:
        self._require(request, project, "list", cli=True)
        names = sorted(
            path
            for path, state in self.storage.repositories.items()
            if path.startswith(f"{project}/") and state.had_manifests
        )
        self.before_page(_number(request, "page", 1))
        rows = [
            {"id": 1, "name": name, "project_id": 2, "artifact_count": len(self.storage.repositories[name].manifests)}
            for name in names
            if name in self.storage.repositories
        ]
        return self._numbered(request, rows)

    def _numbered(self, request: Incoming, rows: Sequence[Mapping[str, Any]]) -> Reply:
        number, size = (_number(request, name, usual) for name, usual in (("page", 1), ("page_size", 10)))
        if size > MAX_PAGE:
            raise error("UNPROCESSABLE_ENTITY", f"page_size in query should be less than or equal to {MAX_PAGE}")
        page = rows[(number - 1) * size : number * size]
        return json_reply(list(page) or None, headers={"X-Total-Count": str(len(rows))})

    def _list(self, request: Incoming, repository: str) -> Reply:
        number, size = (_number(request, name, usual) for name, usual in (("page", 1), ("page_size", 10)))
        if size > MAX_PAGE:
            raise error("UNPROCESSABLE_ENTITY", f"page_size in query should be less than or equal to {MAX_PAGE}")
        self.before_page(number)
        state = self.storage.repositories.get(repository)
        graph = _Graph(state) if state else _Graph(RepositoryState())
        rows, hidden = graph.rows(), graph.hidden()
        if request.query.get("q") == "base=*":
            rows, hidden = [state.manifests[digest] for digest in sorted(state.manifests)] if state else [], set()
        if not self.miscounts:
            rows = [each for each in rows if each.digest not in hidden]
        page = [each for each in rows[(number - 1) * size : number * size] if each.digest not in hidden]
        headers = {"X-Total-Count": str(len(rows))}
        path = request.target.partition("?")[0]
        back = number > 1 and (number - 1) * size < len(rows)
        links = [f'<{path}?page={number - 1}&page_size={size}>; rel="prev"'] if back else []
        links += [f'<{path}?page={number + 1}&page_size={size}>; rel="next"'] if number * size < len(rows) else []
        if links:
            headers["Link"] = " , ".join(links)
        return json_reply([self._shown(graph, repository, each, request) for each in page], headers=headers)

    def _shown(self, graph: _Graph, repository: str, manifest: StoredManifest, request: Incoming) -> dict[str, Any]:
        state = graph.state
        pushed = _time(state.pushed[manifest.digest])
        rules = request.query.get("with_immutable_status") == "true"
        tags = [
            {
                "name": tag,
                "push_time": _time(state.tagged[tag]),
                "pull_time": self._pulled_at(repository, tag),
                "immutable": rules and (repository, tag) in self._immutable,
            }
            for tag in graph.tags.get(manifest.digest, ())
        ]
        accessories = [{"type": kind, "digest": digest} for kind, digest in graph.accessories(manifest.digest)]
        return {
            "type": "IMAGE",
            "digest": manifest.digest,
            "manifest_media_type": manifest.media_type,
            "size": len(manifest.body),
            "push_time": pushed,
            "pull_time": self._pulled_at(repository, manifest.digest),
            "tags": tags or None,
            "references": [{"child_digest": child.digest} for child in manifest.children] or None,
            "extra_attrs": self._attributes(manifest),
            "accessories": (accessories or None) if request.query.get("with_accessory") == "true" else None,
        }

    def _pulled_at(self, repository: str, name: str) -> str:
        moment = self.pull_times.get((repository, name))
        return _NEVER if moment is None else _time(moment)

    def _attributes(self, manifest: StoredManifest) -> dict[str, Any] | None:
        if manifest.media_type in INDEX_TYPES or not manifest.blobs:
            return None
        try:
            config = json.loads(self.storage.blobs[manifest.blobs[0]])
            return {"config": config.get("config"), "created": config.get("created")}
        except (KeyError, ValueError):
            return None

    # Deleting

    def _delete_tag(self, repository: str, manifest: StoredManifest, tag: str) -> None:
        self._deadlock()
        if self.storage.repositories[repository].tags.get(tag) != manifest.digest:
            raise error("NOT_FOUND", f"tag {tag} attached to artifact 7 not found")
        self._check_immutable(repository, [tag])
        self.storage.delete_tag(repository, tag)

    def _delete_artifact(self, repository: str, manifest: StoredManifest) -> None:
        """In one transaction: what is refused half-way has changed nothing."""
        self._deadlock()
        graph = _Graph(self.storage.repositories[repository])
        doomed: list[str] = []
        self._take(graph, repository, manifest.digest, doomed, is_root=True)
        for digest in doomed:
            self.storage.delete_manifest(repository, digest)
            self._deleted.add(digest)

    def _take(self, graph: _Graph, repository: str, digest: str, doomed: list[str], *, is_root: bool) -> None:
        """`deleteDeeply` of src/controller/artifact/controller.go."""
        manifest = graph.state.manifests.get(digest)
        if manifest is None or digest in doomed or (not is_root and graph.state.tags_of(digest)):
            return
        if any(parent not in doomed for parent in graph.state.indexes_with(digest)):
            if is_root:
                raise error("VIOLATE_FOREIGN_KEY_CONSTRAINT", "the deleting artifact is referenced by others")
            return
        doomed.append(digest)
        for _, accessory in graph.accessories(digest):
            self._take(graph, repository, accessory, doomed, is_root=True)
        for child in manifest.children:
            self._take(graph, repository, child.digest, doomed, is_root=False)
        self._check_immutable(repository, graph.state.tags_of(digest))

    def _check_immutable(self, repository: str, tags: Sequence[str]) -> None:
        for tag in tags:
            if (repository, tag) in self._immutable:
                raise error("PRECONDITION", f"the tag {tag} configured as immutable, cannot be deleted")

    def _deadlock(self) -> None:
        if self.deadlocks:
            self.deadlocks -= 1
            raise error("UNKNOWN", "internal server error")

    # /v2

    def _v2(self, request: Incoming) -> Reply:
        at = _V2.fullmatch(request.path)
        if at is None:
            self._require_v2(request, "", "pull")
            return super().answer(request)
        path, kind, rest = at["path"], at["kind"], at["rest"]
        right = {"GET": "pull", "HEAD": "pull", "DELETE": "delete repository"}.get(request.method, "push")
        self._require_v2(request, path, right)
        if right != "pull" and self.read_only:
            raise error("DENIED", "The system is in read only mode. Any modification is prohibited.")
        if kind == "tags":
            return self._tags(request, path)
        if kind == "referrers" and self.referrers_api:
            return self._referrers(path, rest, request.query.get("artifactType", ""))
        if kind == "manifests" and request.method in ("GET", "HEAD"):
            return self._manifest(request, path, rest)
        if kind == "manifests" and request.method == "DELETE":
            if not rest.startswith("sha256:"):
                raise error("UNSUPPORTED", f"unsupported digest {rest}: invalid checksum digest format")
            self._delete_artifact(path, self._artifact(path, rest))
            return Reply(202)
        if kind == "manifests" and (path, rest) in self._immutable and self.storage.find(path, rest):
            raise error("PRECONDITION", f"the tag {rest} configured as immutable, cannot be updated")
        if kind == "referrers":
            raise json_error(404, {"code": 404, "message": "page not found"})
        if kind == "manifests" and request.method == "PUT":
            self._check_children(path, request)
        return super().answer(request)

    def _tags(self, request: Incoming, path: str) -> Reply:
        """Pages only where `n` is given. A proxy cache merges the tags of upstream in (middleware/repoproxy/tag.go)."""
        proxied = self.upstream.repositories.get(path) if self.upstream else None
        names = sorted({*(proxied.tags if proxied else self._known(path).tags), *self._tags_here(path)})
        asked = request.query.get("n") or str(len(names))
        if not re.fullmatch(r"\+?[0-9]+", asked):
            raise error("BAD_REQUEST", "the N must be a positive int type")
        size = int(asked)
        rest = [name for name in names if name > request.query.get("last", "")]
        more = urllib.parse.urlencode({"last": rest[size - 1], "n": size}) if 0 < size < len(rest) else ""
        headers = {"Link": f'</v2/{path}/tags/list?{more}>; rel="next"'} if more else {}
        return json_reply({"name": path, "tags": rest[:size]}, headers=headers)

    def _tags_here(self, path: str) -> Sequence[str]:
        state = self.storage.repositories.get(path)
        return list(state.tags) if state else []

    def _check_children(self, path: str, request: Incoming) -> None:
        """The registry behind Harbor still has a deleted child, so that it is Harbor that misses it."""
        try:
            children = [each["digest"] for each in json.loads(request.body).get("manifests") or ()]
        except (ValueError, KeyError, TypeError, AttributeError):
            return
        for digest in children:
            if self.storage.find(path, digest) is None and digest in self._deleted:
                raise error("NOT_FOUND", f"artifact {path}@{digest} not found")

    def _manifest(self, request: Incoming, path: str, reference: str) -> Reply:
        self._fill_cache(path, reference)
        manifest = self._artifact(path, reference)
        if self.blocks_pulls:
            refused = error("PROJECTPOLICYVIOLATION", "current image with 3 vulnerabilities cannot be pulled").reply
            return Reply(412) if request.method == "HEAD" else refused
        if request.method == "GET":
            self.pulled[manifest.digest] += 1
            self.pull_times |= dict.fromkeys(((path, manifest.digest), (path, reference)), time.time())
        return super().answer(msgspec.structs.replace(request, path=f"/v2/{path}/manifests/{manifest.digest}"))

    def _fill_cache(self, path: str, reference: str) -> None:
        there = self.upstream.find(path, reference) if self.upstream else None
        if self.upstream is None or there is None or self.storage.find(path, reference):
            return
        for child in there.children:
            self._fill_cache(path, child.digest)
        for digest in there.blobs:
            self.storage.put_blob(path, self.upstream.blobs[digest])
        self.storage.put_manifest(path, there.body, there.media_type, None if ":" in reference else reference)

    def _referrers(self, path: str, subject: str, wanted: str) -> Reply:
        if not re.fullmatch("sha256:[0-9a-f]{64}", subject):
            raise error("BAD_REQUEST", f"invalid digest: {subject}")
        state = self.storage.repositories.get(path) or RepositoryState()
        found = [referrer_entry(state.manifests[digest]) for _, digest in _Graph(state).accessories(subject)]
        headers = {"Content-Type": OCI_INDEX, "X-Total-Count": str(len(found))}  # of all, whatever is wanted
        if wanted:
            found = [each for each in found if each["artifactType"] == wanted]
            headers["OCI-Filters-Applied"] = "artifactType"
        return json_reply({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": found}, headers=headers)

    # Rights

    def _account(self, request: Incoming) -> Account | None:
        user, password = request.basic() or ("", "")
        account = self.accounts.get(user)
        return account if account and secrets.compare_digest(account.password.encode(), password.encode()) else None

    def _require(self, request: Incoming, project: str, right: str, *, cli: bool) -> None:
        """`cli`: an OIDC user's CLI secret is a credential here."""
        account = self._account(request)
        if account is None or (account.oidc_cli and not cli):
            if self.public and right in GUEST and self._has(project):
                return
            raise error("UNAUTHORIZED", "unauthorized")
        if not self._has(project) and account.administers:
            raise error("UNAUTHORIZED", f"project {project} not found")
        if not self._has(project) or right not in self._rights(account):
            raise error("FORBIDDEN", "forbidden")

    def _require_v2(self, request: Incoming, path: str, right: str) -> None:
        """src/server/middleware/v2auth/auth.go: never 403; Basic is answered with Basic."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        account = self._account(request)
        known = not path or self._has(path.partition("/")[0])
        if known and account and right in self._rights(account):
            return
        if known and (path, right.split()[0]) in self._tokens.get(token, ()):
            return
        if not path and token in self._tokens:
            return
        challenge = 'Basic realm="harbor"'
        if not scheme or scheme == "Bearer":
            actions = {"push": "pull,push", "delete repository": "delete"}.get(right, right)
            scope = f',scope="repository:{path}:{actions}"' if path else ""
            challenge = f'Bearer realm="{request.base}/service/token",service="harbor-registry"{scope}'
        text = f"unauthorized to access repository: {path}, action: {right}: unauthorized to access repository: {path}"
        raise error("UNAUTHORIZED", text, {"WWW-Authenticate": challenge})

    def _rights(self, account: Account) -> frozenset[str]:
        return account.rights if self.deletable else account.rights & (GUEST | {"push"})

    def _token(self, request: Incoming) -> Reply:
        """What is not allowed is left out without a word (src/core/service/token/creator.go)."""
        account = self._account(request)
        if account is None and "Authorization" in request.headers:
            raise error("UNAUTHORIZED", "unauthorized")
        rights = self._rights(account) if account else GUEST if self.public else frozenset()
        access: list[dict[str, Any]] = []
        for scope in request.scopes:
            kind, _, rest = scope.partition(":")
            name, _, actions = rest.rpartition(":")
            known = self._has(name.partition("/")[0])
            given = [
                action
                for action in actions.split(",")
                if known and (f"{action} repository" if action == "delete" else action) in rights
            ]
            access.append({"type": kind, "name": name, "actions": given})
        now = int(time.time())
        claims = {
            "iss": "harbor-token-issuer",
            "aud": "harbor-registry",
            "iat": now,
            "exp": now + 1800,
            "access": access,
        }
        parts = ({"alg": "RS256", "typ": "JWT"}, claims)
        token = ".".join(
            (*(base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=") for each in parts), "c2ln")
        )
        self._tokens[token] = {(each["name"], action) for each in access for action in each["actions"]}
        return json_reply({"token": token, "expires_in": 1800})

    def _has(self, project: str) -> bool:
        return project in self.projects or any(path.startswith(f"{project}/") for path in self.storage.repositories)

    # What is there

    def _known(self, repository: str) -> RepositoryState:
        """Only a manifest makes a repository; blobs alone do not."""
        state = self.storage.repositories.get(repository)
        if state is None or not state.had_manifests:
            raise error("NOT_FOUND", f"repository {repository} not found")
        return state

    def _artifact(self, repository: str, reference: str) -> StoredManifest:
        found = self.storage.find(repository, reference)
        if found is None:
            raise error("NOT_FOUND", f"artifact {repository}{'@' if ':' in reference else ':'}{reference} not found")
        return found


def _number(request: Incoming, name: str, usual: int) -> int:
    """As go-openapi reads it."""
    text = request.query.get(name, str(usual))
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise error("UNPROCESSABLE_ENTITY", f"{name} in query must be of type int64: {json.dumps(text)}")
    return int(text)


def _is_signature(manifest: StoredManifest) -> bool:
    layers = json.loads(manifest.body).get("layers") or ()
    return any(layer.get("mediaType") == SIMPLE_SIGNING for layer in layers)


def _time(seconds: float) -> str:
    moment = dt.datetime.fromtimestamp(seconds, dt.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


EMULATOR = HarborEmulator
