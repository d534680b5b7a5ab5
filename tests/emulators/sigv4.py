"""AWS's signature, version 4, as the server sees it: computed anew with botocore and compared."""

import datetime as dt
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from holystone.embedded.errors import ErrorReply
from holystone.embedded.exchange import Incoming
from tests.emulators.vendor import json_error

_HEADER: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, SignedHeaders=([a-z0-9;-]+), "
    r"Signature=([0-9a-f]{64})"
)
_SKEW: Final = 300.0
"""Seconds."""


@dataclass
class Keys:
    id: str
    secret: str
    who: str
    """The end of the ARN."""
    token: str = ""
    ended: bool = False


def check(request: Incoming, known: Mapping[str, Keys], *, region: str, now: float) -> Keys:
    """Whose signature it is. Raises ErrorReply."""
    found = _HEADER.fullmatch(request.headers.get("Authorization", ""))
    if not found:
        raise _refusal("MissingAuthenticationTokenException", "Missing Authentication Token")
    access_key, day, place, service, signed_headers, signature = found.groups()
    keys = known.get(access_key)
    token = request.headers.get("X-Amz-Security-Token", "")
    if keys is None or token != keys.token:
        raise _refusal("UnrecognizedClientException", "The security token included in the request is invalid.")
    stamp = request.headers.get("X-Amz-Date", "")
    moment = dt.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    if abs(moment.timestamp() - now) > _SKEW:
        raise _refusal("InvalidSignatureException", f"Signature expired: {stamp} is now earlier than the others")
    needed = {"host", "x-amz-date", "x-amz-target", *(("x-amz-security-token",) if token else ())}
    names = signed_headers.split(";")
    if (day, place, service) != (stamp[:8], region, "ecr") or not needed <= set(names):
        raise _refusal("InvalidSignatureException", f"Credential should be scoped to a valid region, not {place}")
    again = AWSRequest(
        method=request.method,
        url=request.base + request.target,
        headers={name: request.headers[name] for name in names if name != "host"},
        data=request.body,
    )
    again.context["timestamp"] = stamp
    auth = SigV4Auth(ReadOnlyCredentials(keys.id, keys.secret, keys.token or None), "ecr", region)
    canonical = auth.canonical_request(again)
    if not hmac.compare_digest(auth.signature(auth.string_to_sign(again, canonical), again), signature):
        raise _refusal(
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details.\n\nThe Canonical String "
            f"for this request should have been\n'{canonical}'",
        )
    if keys.ended:
        raise _refusal("ExpiredTokenException", "The security token included in the request is expired")
    return keys


def _refusal(code: str, message: str) -> ErrorReply:
    return json_error(400, {"__type": code, "message": message})
