"""What GitLab's registry means. Codes: gitlab-org/container-registry, registry/api/v2/errors.go and
registry/api/errcode/register.go."""

from typing import Final

from holystone.adapters.http.errors import error_code, summary
from holystone.adapters.http.reply import Reply, address
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Forbidden, Locked, Outcome, Referenced
from holystone.engine.scheduler import RateLimited, Transient

READ_ONLY: Final = (
    "the registry is read-only (maintenance, or an offline garbage collection is running), "
    "or storage.delete.enabled is off in its configuration"
)
GONE: Final = frozenset({"MANIFEST_UNKNOWN", "NAME_UNKNOWN"})
_PASSING: Final = frozenset(
    {
        (409, "RENAME_IN_PROGRESS"),  # the project is being moved or renamed: a lease of seconds
        (400, "CONNECTIONRESET"),  # the storage behind the registry hung up
        (400, "REQUESTCANCELED"),
    }
)
_RULES: Final = frozenset(
    {
        "PROTECTED_TAG",  # 401
        "IMMUTABLE_TAG",  # 401
        "PROTECTED_MANIFEST",  # 401: by digest, as soon as the project has any rule for tags
        "TAG_PATTERN_COUNT_LIMIT_EXCEEDED",  # 400
        "TAG_PROTECTION_PATTERN_INVALID",  # 400
        "TAG_IMMUTABILITY_PATTERN_INVALID",  # 400
    }
)


def classify(reply: Reply) -> RateLimited | Transient | None:
    """What comes besides the usual 429 and 5xx. GitLab's own 429 is plain text, `Retry later`, often without a
    Retry-After; 503 UNAVAILABLE is said while the online garbage collector holds a row."""
    if reply.status in (400, 409) and (reply.status, error_code(reply)) in _PASSING:
        return Transient(f"{address(reply.url)} answered {summary(reply)}")
    return None


def is_rule(reply: Reply) -> bool:
    """A rule for tags refuses, and not a lack of rights."""
    return error_code(reply) in _RULES


def deletion_outcome(reply: Reply) -> Outcome:
    if reply.status in (200, 202, 204):
        return Deleted()
    code = error_code(reply)
    if code in _RULES:
        return Locked(summary(reply))
    match reply.status:
        case 404 if code in GONE:
            return AlreadyGone()
        case 409 if code == "MANIFEST_REFERENCED":  # database mode: an index lists it
            return Referenced(summary(reply))
        case 405:  # UNSUPPORTED, or a router's plain text
            return Forbidden(READ_ONLY)
        case 401 | 403:
            return Forbidden(f"no right to delete: {summary(reply)}")
        case _:
            # A bare 404 comes from a proxy or a wrong address as often as from a registry: it proves nothing.
            return Failed(summary(reply))
