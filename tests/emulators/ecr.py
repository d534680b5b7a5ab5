"""Amazon ECR: the control API with signed requests, its deletion rules, and /v2 behind tokens of twelve hours.

Behaviour after the ECR API reference (2015-09-21) and what clients report: see the comments.
"""

import base64
import binascii
import json
import re
import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from holystone.embedded.errors import ErrorReply, error_reply, plain
from holystone.embedded.exchange import Incoming, Reply, json_reply
from holystone.embedded.manifests import StoredManifest
from holystone.embedded.routes import Route, route
from holystone.embedded.storage import RepositoryState
from tests.emulators.sigv4 import Keys, check
from tests.emulators.vendor import Login, NotHere, VendorEmulator, json_error

ACCOUNT: Final = "111122223333"
REGION: Final = "eu-central-1"
BUCKET: Final = f"prod-{REGION}-starport-layer-bucket.s3.{REGION}.amazonaws.com"
TARGET: Final = "AmazonEC2ContainerRegistry_V20150921."
CLEANER: Final = Keys("AKIAIOSHOLYSTONECLEA", "wJalrXUtnFEMI/K7MDENG/scrub+the+quarterdeck", "user/cleaner")
READER: Final = Keys("AKIAIOSHOLYSTONEREAD", "je7MtGbClwBF/2Zp9Utk/may+only+look+around1", "user/reader")
MOST_IDS: Final = 100
MOST_RESULTS: Final = 1000
USUAL_RESULTS: Final = 100
_DIGEST: Final = re.compile("[a-zA-Z0-9-_+.]+:[a-fA-F0-9]{64}")


@dataclass
class Token:
    ends: float


class EcrEmulator(VendorEmulator):
    implementation = "ecr"

    def __init__(
        self,
        *,
        mutability: str = "MUTABLE",
        denied: frozenset[str] = frozenset(),
        account: str = ACCOUNT,
        token_lifetime: float = 12 * 3600.0,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """`denied`: operations that IAM forbids to everybody. `token_lifetime`: seconds."""
        super().__init__(clock=clock)
        self.mutability = mutability
        self.denied = denied
        self.account = account
        self.token_lifetime = token_lifetime
        self.keys = {each.id: each for each in (CLEANER, READER)}
        self.status: dict[str, str] = {}
        """By digest; ACTIVE if it is not here."""
        self.failing: dict[str, str] = {}
        """By digest or tag: the failure code that batch calls have for it."""
        self.lifecycle: dict[str, Any] = {}
        """The policy of each repository; none if it is empty."""
        self.pulled: dict[str, float] = {}
        """lastRecordedPullTime by digest: BatchGetImage sets it (aws/containers-roadmap#2390)."""
        self.restored: dict[str, float] = {}
        """lastActivatedAt by digest."""
        self.calls: list[tuple[str, dict[str, Any]]] = []
        """Operations with what they were asked."""
        self.wall = clock or time.time
        self._tokens: dict[str, Token] = {}
        self._cursors: dict[str, str] = {}

    # What tests ask for

    def login(self) -> Login:
        return self._login(CLEANER)

    def bad_login(self) -> Login:
        return self._login(Keys(CLEANER.id, "not-the+secret/access-key-of-the-cleaner", ""))

    def weak_login(self) -> Login:
        return self._login(READER)

    def unknown_login(self) -> Login:
        return self._login(Keys("AKIAIOSHOLYSTONENONE", "the+secret/of-a-key-that-was-deleted", ""))

    def session_login(self) -> Login:
        """A temporary one, as a role gives it."""
        token = f"IQoJb3JpZ2luX2Vj{secrets.token_urlsafe(60)}"
        keys = Keys(f"ASIA{secrets.token_hex(8).upper()}", secrets.token_urlsafe(30), "assumed-role/cleaner/ci", token)
        self.keys[keys.id] = keys
        return self._login(keys)

    def end_sessions(self) -> None:
        for keys in self.keys.values():
            keys.ended = bool(keys.token)

    def expire_tokens(self) -> None:
        for token in self._tokens.values():
            token.ends = 0.0

    def lock(self, path: str, tag: str) -> None:
        raise NotHere("no rule of ECR's forbids to delete a tag")

    def archive(self, path: str, tag: str, status: str = "ARCHIVED") -> None:
        self.status[self.storage.repositories[path].tags[tag]] = status

    def throttling(self) -> Reply:
        return error("ThrottlingException", "Rate exceeded").reply

    def may_throttle(self, request: Incoming) -> bool:
        return request.path == "/"

    def answer(self, request: Incoming) -> Reply:
        where = route(request.path)
        if where is not None:
            self._check_token(request)
            return self._registry(request, where)
        if request.path.startswith("/starport-layer-bucket/"):
            return self._bucket(request)
        if self.throttled and self.may_throttle(request):
            return super().answer(request)
        if request.method != "POST" or request.path != "/":
            raise plain(404, "<UnknownOperationException/>\n")
        return self._control(request)

    # The control API

    def _control(self, request: Incoming) -> Reply:
        target = request.headers.get("X-Amz-Target", "")
        operations: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "DescribeImages": self._describe_images,
            "DescribeRepositories": self._describe_repositories,
            "GetLifecyclePolicy": self._lifecycle_policy,
            "BatchGetImage": self._batch_get,
            "BatchDeleteImage": self._batch_delete,
            "GetAuthorizationToken": self._authorization_token,
        }
        operation = target.removeprefix(TARGET)
        if not target.startswith(TARGET) or operation not in operations:
            raise error("UnknownOperationException", "")
        if request.headers.get("Content-Type") != "application/x-amz-json-1.1":
            raise error("SerializationException", "")
        keys = check(request, self.keys, region=REGION, now=self.wall())
        fields = json.loads(request.body)
        self._check_rights(keys, operation, fields)
        self.calls.append((operation, fields))
        reply = json_reply(operations[operation](fields))
        return Reply(reply.status, reply.body, {"Content-Type": "application/x-amz-json-1.1"})

    def _check_rights(self, keys: Keys, operation: str, fields: Mapping[str, Any]) -> None:
        reads_only = keys is READER or not self.deletable
        if operation in self.denied or (operation == "BatchDeleteImage" and reads_only):
            resource = f"arn:aws:ecr:{REGION}:{self.account}:repository/{fields.get('repositoryName', '*')}"
            raise error(
                "AccessDeniedException",
                f"User: arn:aws:iam::{self.account}:{keys.who} is not authorized to perform: ecr:{operation} on "
                f"resource: {resource} because no identity-based policy allows the ecr:{operation} action",
            )

    def _repository(self, fields: Mapping[str, Any], name: str) -> RepositoryState:
        asked = fields.get("registryId", self.account)
        state = self.storage.repositories.get(name) if asked == self.account else None
        if state is None:
            raise error(
                "RepositoryNotFoundException",
                f"The repository with name '{name}' does not exist in the registry with id '{asked}'",
            )
        return state

    def _lifecycle_policy(self, fields: dict[str, Any]) -> dict[str, Any]:
        name = fields["repositoryName"]
        self._repository(fields, name)
        if not self.lifecycle:
            raise error("LifecyclePolicyNotFoundException", f"Lifecycle policy does not exist for '{name}'")
        return {"registryId": self.account, "repositoryName": name, "lifecyclePolicyText": json.dumps(self.lifecycle)}

    def _describe_repositories(self, fields: dict[str, Any]) -> dict[str, Any]:
        named = fields.get("repositoryNames")
        if named:
            if fields.keys() & {"maxResults", "nextToken"}:  # API reference, DescribeRepositories
                raise invalid("repositoryNames", "cannot be used with maxResults or nextToken")
            return {"repositories": [self._described(name) for name in named if self._repository(fields, name)]}
        mine = fields.get("registryId", self.account) == self.account
        page, more = self._page(fields, sorted(self.storage.repositories) if mine else [])
        return {"repositories": [self._described(name) for name in page], **more}

    def _described(self, name: str) -> dict[str, Any]:
        return {
            "repositoryArn": f"arn:aws:ecr:{REGION}:{self.account}:repository/{name}",
            "registryId": self.account,
            "repositoryName": name,
            "repositoryUri": f"{self.host}/{name}",
            "createdAt": 1700000000.0,
            "imageTagMutability": self.mutability,
        }

    def _page(self, fields: dict[str, Any], names: list[str]) -> tuple[list[str], dict[str, str]]:
        """And the token for what follows, if something does."""
        most = fields.get("maxResults", USUAL_RESULTS)
        if not 1 <= most <= MOST_RESULTS:
            raise invalid("maxResults", f"Member must have value less than or equal to {MOST_RESULTS}")
        after = ""
        if "nextToken" in fields:
            if fields["nextToken"] not in self._cursors:
                raise invalid("nextToken", "is not valid")
            after = self._cursors[fields["nextToken"]]
        rest = [name for name in names if name > after]
        if len(rest) <= most:
            return rest, {}
        token = secrets.token_urlsafe(80)
        self._cursors[token] = rest[most - 1]
        return rest[:most], {"nextToken": token}

    def _describe_images(self, fields: dict[str, Any]) -> dict[str, Any]:
        name = fields["repositoryName"]
        state = self._repository(fields, name)
        wanted = fields.get("filter", {}).get("imageStatus", "ACTIVE")
        tags: defaultdict[str, list[str]] = defaultdict(list)
        for tag, digest in sorted(state.tags.items()):
            tags[digest].append(tag)
        shown = [digest for digest in sorted(state.manifests) if wanted in ("ANY", self.status.get(digest, "ACTIVE"))]
        if asked := fields.get("imageIds"):
            if fields.keys() & {"maxResults", "nextToken"}:
                raise invalid("imageIds", "cannot be used with maxResults or nextToken")
            digests = [each.get("imageDigest") or state.tags.get(each.get("imageTag", ""), "") for each in asked]
            for digest in digests:
                if digest not in shown:
                    raise error("ImageNotFoundException", f"The image with imageId {asked} does not exist")
            return {"imageDetails": [self._detail(name, state, digest, tags[digest]) for digest in digests]}
        page, more = self._page(fields, shown)
        return {"imageDetails": [self._detail(name, state, digest, tags[digest]) for digest in page], **more}

    def _detail(self, name: str, state: RepositoryState, digest: str, tags: list[str]) -> dict[str, Any]:
        manifest = state.manifests[digest]
        detail: dict[str, Any] = {
            "registryId": self.account,
            "repositoryName": name,
            "imageDigest": digest,
            "imageSizeInBytes": len(manifest.body),
            "imagePushedAt": round(state.pushed[digest], 3),
            "imageManifestMediaType": manifest.media_type,
            "imageStatus": self.status.get(digest, "ACTIVE"),
        }
        if tags:  # missing, not empty
            detail["imageTags"] = tags
        if manifest.artifact_type:
            detail["artifactMediaType"] = manifest.artifact_type
        if manifest.subject:
            detail["subjectManifestDigest"] = manifest.subject
        if digest in self.pulled:
            detail["lastRecordedPullTime"] = round(self.pulled[digest], 3)
        if digest in self.restored:
            detail["lastActivatedAt"] = round(self.restored[digest], 3)
        return detail

    def _batch_get(self, fields: dict[str, Any]) -> dict[str, Any]:
        name = fields["repositoryName"]
        state = self._repository(fields, name)
        images, failures = [], []
        for asked in self._ids(fields):
            code, manifest = self._find(state, asked)
            if manifest is None:
                failures.append(failed(asked, code))
            elif manifest.media_type not in fields.get("acceptedMediaTypes", (manifest.media_type,)):
                failures.append(failed(asked, "ImageNotFound"))
            else:
                self.pulled[manifest.digest] = self.wall()
                tags = state.tags_of(manifest.digest)
                images.append(
                    {
                        "registryId": self.account,
                        "repositoryName": name,
                        "imageId": {"imageDigest": manifest.digest, **({"imageTag": tags[0]} if tags else {})},
                        "imageManifest": manifest.body.decode(),
                        "imageManifestMediaType": manifest.media_type,
                    }
                )
        return {"images": images, "failures": failures}

    def _find(self, state: RepositoryState, asked: Mapping[str, str]) -> tuple[str, StoredManifest | None]:
        if code := self._fault(state, asked):
            return code, None
        manifest = state.find(asked.get("imageDigest") or asked["imageTag"])
        if manifest and self.status.get(manifest.digest, "ACTIVE") != "ACTIVE":
            return "ImageInaccessible", None
        return "ImageNotFound", manifest

    def _fault(self, state: RepositoryState, asked: Mapping[str, str]) -> str:
        """Of an id that is none, by the codes of ImageFailureCode; empty if it is one."""
        digest, tag = asked.get("imageDigest"), asked.get("imageTag")
        if digest is None and tag is None:
            return "MissingDigestAndTag"
        if digest is not None and not _DIGEST.fullmatch(digest):
            return "InvalidImageDigest"
        if digest and tag and state.tags.get(tag) != digest:
            return "ImageTagDoesNotMatchDigest"
        return self.failing.get(digest or tag or "", "")

    def _batch_delete(self, fields: dict[str, Any]) -> dict[str, Any]:
        name = fields["repositoryName"]
        state = self._repository(fields, name)
        # As it was when the call came: children fail next to their index (opensupplyhub/open-supply-hub#1243).
        children = {child.digest for each in state.manifests.values() for child in each.children}
        listing = {digest: state.indexes_with(digest) for digest in children}
        gone: list[dict[str, str]] = []
        failures = []
        for asked in self._ids(fields):
            if code := self._fault(state, asked):
                failures.append(failed(asked, code))
                continue
            if "imageDigest" in asked:
                digest, tags = asked["imageDigest"], state.tags_of(asked["imageDigest"])
            else:
                digest, tags = state.tags.get(asked["imageTag"], ""), (asked["imageTag"],)
            whole = "imageDigest" in asked or state.tags_of(digest) == tags
            if digest not in state.manifests:
                failures.append(failed(asked, "ImageNotFound"))
            elif whole and digest in listing:
                failures.append(failed(asked, "ImageReferencedByManifestList", f": [{', '.join(listing[digest])}]"))
            else:
                gone += [{"imageDigest": digest, "imageTag": tag} for tag in tags] or [{"imageDigest": digest}]
                for tag in tags:
                    self.storage.delete_tag(name, tag)
                if whole:
                    self.storage.delete_manifest(name, digest)
        return {"imageIds": gone, "failures": failures}

    def _ids(self, fields: Mapping[str, Any]) -> list[dict[str, str]]:
        asked: list[dict[str, str]] = fields["imageIds"]
        if not 1 <= len(asked) <= MOST_IDS:
            raise invalid("imageIds", f"Member must have length less than or equal to {MOST_IDS}")
        return asked

    def _authorization_token(self, fields: dict[str, Any]) -> dict[str, Any]:
        password = secrets.token_urlsafe(90)
        ends = self.wall() + self.token_lifetime
        self._tokens[password] = Token(ends)
        return {
            "authorizationData": [
                {
                    "authorizationToken": base64.b64encode(f"AWS:{password}".encode()).decode(),
                    "expiresAt": round(ends, 3),
                    "proxyEndpoint": f"https://{self.account}.dkr.ecr.{REGION}.amazonaws.com",
                }
            ]
        }

    # The registry at /v2

    def _check_token(self, request: Incoming) -> None:
        try:
            user, password = request.basic() or ("", "")
        except binascii.Error:
            user, password = "", ""
        token = self._tokens.get(password) if user == "AWS" else None
        if token is None:
            challenge = f'Basic realm="https://{self.host}/",service="ecr.amazonaws.com"'
            raise plain(401, "Not Authorized\n", {"WWW-Authenticate": challenge})
        if token.ends <= self.wall():
            # 403 without a challenge (flipt-io/flipt#3043).
            message = "Your authorization token has expired. Reauthenticate and try again."
            raise json_error(403, {"errors": [{"code": "DENIED", "message": message}]})

    def _registry(self, request: Incoming, where: Route) -> Reply:
        state = self.storage.repositories.get(where.repository)
        if where.repository and state is None:
            raise error_reply("NAME_UNKNOWN")
        digest = ""
        if state and where.kind == "manifest":
            digest = where.reference if ":" in where.reference else state.tags.get(where.reference, "")
        if digest and request.method in ("GET", "HEAD") and self.status.get(digest, "ACTIVE") != "ACTIVE":
            raise error_reply("MANIFEST_UNKNOWN")
        if request.method == "PUT" and where.kind == "manifest":
            if ":" not in where.reference and digest and self.mutability == "IMMUTABLE":
                message = f"The image tag '{where.reference}' already exists in the '{where.repository}' repository "
                message += "and cannot be overwritten because the tag is immutable."
                raise json_error(400, {"errors": [{"code": "TAG_INVALID", "message": message}]})
            reply = super().answer(request)
            if reply.status == 201:
                self.status.pop(reply.headers.get("Docker-Content-Digest", ""), None)
            return reply
        if where.kind == "blob" and request.method == "GET":
            if self.storage.find_blob(where.repository, where.reference) is None:
                raise error_reply("BLOB_UNKNOWN")
            # Another host, as S3 is.
            signed = f"X-Amz-Credential=somebody&X-Amz-Signature={secrets.token_hex(16)}"
            at = self.origin(BUCKET if self.names else f"localhost:{self.port}")
            bucket = f"{at}/starport-layer-bucket/{where.repository}/{where.reference}"
            return Reply(307, headers={"Location": f"{bucket}?{signed}"})
        return super().answer(request)

    def _bucket(self, request: Incoming) -> Reply:
        if "Authorization" in request.headers:
            raise plain(400, "<Error><Code>InvalidArgument</Code><Message>Only one auth mechanism allowed</Message>")
        name, _, digest = request.path.removeprefix("/starport-layer-bucket/").rpartition("/")
        body = self.storage.find_blob(name, digest)
        if body is None:
            raise plain(404, "<Error><Code>NoSuchKey</Code></Error>")
        return Reply(200, body, {"Content-Type": "application/octet-stream"})

    def _login(self, keys: Keys) -> Login:
        environ = {"AWS_ACCESS_KEY_ID": keys.id, "AWS_SECRET_ACCESS_KEY": keys.secret, "AWS_REGION": REGION}
        if keys.token:
            environ["AWS_SESSION_TOKEN"] = keys.token
        return Login(environ, secrets=(keys.secret, *((keys.token,) if keys.token else ())))


def error(code: str, message: str) -> ErrorReply:
    return json_error(400, {"__type": code, "message": message}, {"Content-Type": "application/x-amz-json-1.1"})


def invalid(member: str, why: str) -> ErrorReply:
    # The words of fujiwara/ecrm#3.
    return error("InvalidParameterException", f"Invalid parameter at '{member}' failed to satisfy constraint: '{why}'")


def failed(asked: Mapping[str, str], code: str, more: str = "") -> dict[str, Any]:
    reasons = {
        "MissingDigestAndTag": "Invalid request parameters: both tag and digest cannot be null",
        "InvalidImageDigest": f"Invalid request parameters: image digest should satisfy the regex '{_DIGEST.pattern}'",
        "ImageTagDoesNotMatchDigest": "Requested image tag does not match the digest",
        "ImageNotFound": "Requested image not found",
        "ImageReferencedByManifestList": "Requested image referenced by manifest list",
    }
    return {"imageId": dict(asked), "failureCode": code, "failureReason": reasons.get(code, code) + more}


EMULATOR = EcrEmulator
