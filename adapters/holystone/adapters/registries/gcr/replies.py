"""What Google's replies mean: errors of /v2 and of the Artifact Registry API, and their two ways of saying "later"."""

import time
from math import isfinite
from typing import Final

import msgspec

from holystone.adapters.http.errors import document, error_code, summary
from holystone.adapters.http.rates import retry_after
from holystone.adapters.http.reply import Reply, address, printable
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Forbidden, Locked, Outcome, Referenced
from holystone.engine.scheduler import RateLimited, Transient

# google/go-containerregistry:pkg/v1/remote/options.go (retryableStatusCodes), besides those that are always retried.
_TRANSIENT: Final = {499, 522}
_TOO_MUCH: Final = {"TOOMANYREQUESTS", "RESOURCE_EXHAUSTED"}
_GONE: Final = {"MANIFEST_UNKNOWN", "NAME_UNKNOWN"}
_NEEDED: Final = {
    "GOOGLE_MANIFEST_DANGLING_TAG": "a tag is on it",  # genuinetools/reg#136, enix/kube-image-keeper#636
    "GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE": "an index lists it",  # GoogleCloudPlatform/gcr-cleaner#118, #130
}
ROLE: Final = "Artifact Registry Repository Administrator (roles/artifactregistry.repoAdmin)"
READER: Final = "Artifact Registry Reader (roles/artifactregistry.reader)"


class ApiError(msgspec.Struct, frozen=True):
    """`google.rpc.Status` in JSON (googleapis/googleapis:google/rpc/status.proto). Empty where the reply is none."""

    status: str = ""
    """E.g. `PERMISSION_DENIED`."""
    message: str = ""
    reason: str = ""
    """E.g. `SERVICE_DISABLED`, of `google.rpc.ErrorInfo`."""
    delay: float | None = None
    """Seconds, of `google.rpc.RetryInfo`."""

    def shown(self, reply: Reply) -> str:
        """The error for people."""
        said = ": ".join(part for part in (self.reason or self.status, self.message) if part)
        return printable(f"{reply.status} {said}") if said else summary(reply)


def api_error(reply: Reply) -> ApiError:
    try:
        error = document(reply)["error"]
        reason, delay = "", None
        for detail in error.get("details") or ():
            reason = detail.get("reason") or reason
            if wait := detail.get("retryDelay"):
                seconds = float(wait.removesuffix("s"))
                delay = seconds if isfinite(seconds) else None
        said = {"status": error.get("status") or "", "message": error.get("message") or ""}
        return msgspec.convert({**said, "reason": reason, "delay": delay}, ApiError)
    except (msgspec.DecodeError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return ApiError()


def classify(reply: Reply) -> RateLimited | Transient | None:
    """Exact bodies and Retry-After of a throttled reply are not documented: whatever of them is there is heeded."""
    if reply.status < 400:
        return None
    reason = f"{address(reply.url)} answered {summary(reply)}"
    if reply.status in _TRANSIENT:
        return Transient(reason)
    error = api_error(reply)
    if reply.status == 429 or error_code(reply) in _TOO_MUCH or error.status in _TOO_MUCH:
        after = retry_after(reply.headers, time.time())
        return RateLimited(reason if not error.message else error.shown(reply), error.delay if after is None else after)
    return None


def deletion_outcome(reply: Reply) -> Outcome:
    if reply.status in (200, 202, 204):
        return Deleted()
    code = error_code(reply)
    if reply.status == 404 and code in _GONE:
        return AlreadyGone()
    if code in _NEEDED:
        return Referenced(f"{_NEEDED[code]}: {summary(reply)}")
    # How /v2 words it is not documented; the API says FAILED_PRECONDITION (stackshy/cloudemu#1037).
    if reply.status < 500 and (code == "FAILED_PRECONDITION" or b"immutable" in reply.body.lower()):
        return Locked(f"immutable tags: {summary(reply)}")
    if reply.status in (401, 403):
        return Forbidden(f"no right to delete, which {ROLE} has: {summary(reply)}")
    # A bare 404 comes from a proxy or a wrong address as often as from a registry: it proves nothing.
    return Failed(summary(reply))
