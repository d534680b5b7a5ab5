"""AWS's own way of saying no: a 4xx with a code in the body, even for "later".

Codes: the model of the ECR API 2015-09-21, and boto/botocore, botocore/retries/standard.py.
"""

from typing import Final

from holystone.adapters.http.errors import document
from holystone.adapters.http.reply import Reply, address, printable
from holystone.engine.scheduler import RateLimited, Transient

_THROTTLED: Final = frozenset(
    {
        "ThrottlingException",  # ECR's own; with status 400
        "Throttling",
        "ThrottledException",
        "RequestThrottledException",
        "RequestThrottled",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "SlowDown",
        "BandwidthLimitExceeded",
    }
)
"""LimitExceededException is not among them: in ECR it is a quota of the account, which waiting does not change."""
_PASSING: Final = frozenset({"RequestTimeout", "RequestTimeoutException", "PriorRequestNotComplete"})
WRONG_CREDENTIAL: Final = frozenset(
    {
        "UnrecognizedClientException",  # no such key
        "InvalidClientTokenId",
        "InvalidSignatureException",  # another secret, or a clock that is more than five minutes off
        "SignatureDoesNotMatch",
        "IncompleteSignatureException",
        "MissingAuthenticationTokenException",
        "ExpiredTokenException",
        "ExpiredToken",
        "RequestExpired",
    }
)
DENIED: Final = frozenset({"AccessDeniedException", "AccessDenied", "NotAuthorized", "UnauthorizedException"})


class ApiError(Exception):
    """A request that AWS answered with an error. `code` is empty if it was not AWS that answered."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message

    def __str__(self) -> str:
        said = ": ".join(part for part in (self.code, self.message) if part)
        return printable(said or f"status {self.status}", 400)


def error_of(reply: Reply) -> ApiError | None:
    """The error that a reply is; None if it is none of AWS's."""
    if reply.status < 400:
        return None
    said = document(reply)
    fields = said if isinstance(said, dict) else {}
    code = fields.get("__type") or reply.headers.get("x-amzn-ErrorType") or fields.get("code")
    if not isinstance(code, str):
        return None
    # `com.amazonaws.ecr#CODE` and `CODE:http://…` are both in use (AWS JSON 1.1, "Operation error serialization").
    message = fields.get("message") or fields.get("Message")
    code = code.partition(":")[0].rpartition("#")[2]
    return ApiError(reply.status, code, message if isinstance(message, str) else "")


def classify(reply: Reply) -> RateLimited | Transient | None:
    error = error_of(reply)
    if error is None:
        return None
    reason = f"{address(reply.url)} answered {error}"
    if error.code in _THROTTLED:
        return RateLimited(reason, _wait(reply))
    return Transient(reason) if error.code in _PASSING else None


def _wait(reply: Reply) -> float | None:
    """Seconds. AWS's own header counts in milliseconds (smithy-lang/smithy-rs, aws-runtime, retries/classifiers.rs)."""
    milliseconds = reply.headers.get("x-amz-retry-after", "").strip()
    return int(milliseconds) / 1000 if milliseconds.isdecimal() and len(milliseconds) < 10 else None
