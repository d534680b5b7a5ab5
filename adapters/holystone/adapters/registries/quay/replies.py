"""What Quay's replies mean, on both of its doors.

/v2 answers with OCI errors (quay/quay:endpoints/v2/errors.py), /api/v1 with `error_type` in lower case
(quay/quay:endpoints/exception.py) or, where it aborts, with a bare `message`.
"""

import time
from typing import Final

import msgspec

from holystone.adapters.http.errors import error_code, summary
from holystone.adapters.http.faults import retry_rule
from holystone.adapters.http.reply import Reply, address
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Forbidden, Locked, Outcome
from holystone.engine.scheduler import RateLimited, Transient

NONSENSE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding raises for a body that is not what it should be: other JSON, other bytes, nested without end."""
_READ_ONLY: Final = (b"read only or mirror mode", b'"is_readonly"')
"""endpoints/api/__init__.py, disallow_for_non_normal_repositories; the second while all of Quay is read-only."""
_GONE: Final = {
    "MANIFEST_UNKNOWN",  # /v2: no such tag or digest, or a digest without a tag
    "TAG_EXPIRED",  # /v2: deleted before, or expired
    "NAME_UNKNOWN",  # /v2: no such repository
    "NOT_FOUND",  # /api/v1: tag or repository
}


_MISSING: Final = (b"Could not load config blob", b"Could not find child manifest")
"""endpoints/v2/manifest.py, the detail of 400 MANIFEST_INVALID where a blob or a part of an index is not there."""


class _Problem(msgspec.Struct):
    error_type: str = ""


def later(reply: Reply) -> RateLimited | Transient | None:
    """A 503 that says "read-only" does not pass; since callers name 503 as final, all others are answered for here.
    520 is `downstream_issue` and `external_service_timeout` (endpoints/exception.py). A 429 of nginx has no
    Retry-After: the lane's own doubling waits apply."""
    if reply.status == 520:
        return Transient(f"{address(reply.url)} answered {summary(reply)}")
    if reply.status == 503 and not says_read_only(reply):
        return retry_rule(reply, time.time())
    return None


def says_read_only(reply: Reply) -> bool:
    return any(text in reply.body for text in _READ_ONLY)


def code(reply: Reply) -> str:
    """The error's code in capitals, whichever door it came through; empty for what a router or proxy said."""
    if found := error_code(reply):
        return found
    try:
        return msgspec.json.decode(reply.body, type=_Problem).error_type.upper()
    except NONSENSE:
        return ""


def not_routed(reply: Reply) -> bool:
    """True if the server has no such call: Quay deletes tags on /v2 since 3.13 (quay/quay#3128); before, its router
    answered 405, or 404, in HTML. A refusal of Quay's own has a code."""
    return reply.status in (404, 405) and not code(reply)


def says_missing(reply: Reply) -> bool:
    """Whether Quay says of a manifest that it did not take that something in it is missing."""
    return error_code(reply) == "MANIFEST_INVALID" and any(text in reply.body for text in _MISSING)


def deletion_outcome(reply: Reply) -> Outcome:
    match reply.status:
        case 200 | 202 | 204:
            return Deleted()
        case 404 if code(reply) in _GONE:
            return AlreadyGone()
        case 409 if code(reply) == "TAG_IMMUTABLE":  # both doors spell it so, in either case (FEATURE_IMMUTABLE_TAGS)
            return Locked(f"immutable tag: {summary(reply)}")
        case 405 | 503:
            # 405: all of Quay read-only, the namespace disabled (DENIED), pushes disabled, or an old router.
            return Forbidden(f"the server does not delete: {summary(reply)}")
        case 401 | 403:
            # 403: insufficient_scope, or "CSRF token…", which is said to a token that is no OAuth token.
            return Forbidden(f"no right to delete: {summary(reply)}")
        case _:
            # 402 exceeds_license, 400; and a bare 404, which comes from a proxy as often as from Quay.
            return Failed(summary(reply))
