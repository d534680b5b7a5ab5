"""How GitHub says "later".

Sources: github/docs, rate-limits-for-the-rest-api.md and best-practices-for-using-the-rest-api.md, "Handle rate limit
errors appropriately"; ghcr.io's own way is not documented and was seen in falcosecurity/plugins#1069.
"""

import re
import time
from typing import Final

from holystone.adapters.http.errors import summary
from holystone.adapters.http.rates import rate_hint, retry_after
from holystone.adapters.http.reply import Reply
from holystone.engine.scheduler import RateLimited

AT_LEAST: Final = 60.0
"""Seconds, where the reply does not say. Whoever goes on at once may be banned."""
_SAYS_SO: Final = re.compile(rb"rate limit|abuse detection", re.IGNORECASE)
_GRAPHQL_LIMIT: Final = b'"RATE_LIMITED"'
_LOOKED_AT: Final = 16 * 1024
_GO_UNIT: Final = r"(\d+(?:\.\d+)?)(ms|us|µs|ns|h|m|s)"
_GO_DURATION: Final = re.compile(rf"retry-after: *((?:{_GO_UNIT})+)")
_SECONDS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


def api_later(reply: Reply) -> RateLimited | None:
    """403 and 429 stand for both limits, and 403 also for a missing right: the headers or the body tell. GraphQL says
    it with 200."""
    body = reply.body[:_LOOKED_AT]
    if reply.status == 200 and _GRAPHQL_LIMIT in body:
        return RateLimited(f"GitHub limits GraphQL: {summary(reply)}", _until_reset(reply))
    if reply.status not in (403, 429):
        return None
    after = retry_after(reply.headers, time.time())
    if after is None and reply.headers.get("X-RateLimit-Remaining") == "0":
        after = _until_reset(reply)
    if after is None and (reply.status == 429 or _SAYS_SO.search(body)):
        after = AT_LEAST
    return None if after is None else RateLimited(f"GitHub answered {summary(reply)}", after)


def registry_later(reply: Reply) -> RateLimited | None:
    """What ghcr.io means by later: 429 TOOMANYREQUESTS, `retry-after: 1.16676ms, allowed: 44000/minute` in the message
    of its body."""
    found = _GO_DURATION.search(summary(reply)) if reply.status == 429 else None
    if found is None:
        return None
    after = sum(float(number) * _SECONDS[unit] for number, unit in re.findall(_GO_UNIT, found[1]))
    return RateLimited(f"the registry answered {summary(reply)}", after)


def _until_reset(reply: Reply) -> float:
    hint = rate_hint(reply.headers, time.time())
    return hint.resets_in if hint and hint.resets_in is not None else AT_LEAST
