"""Token bucket: how many requests a second. Starts from a declared quota or unlimited, and learns from throttling."""

import math

from holystone.engine.model.capabilities import Quota

_BACK = 12.0
"""Seconds after which a rate that was cut is where the server was found to refuse."""
_AT_ONCE = 0.1
"""Seconds whose worth of requests may be sent at once while a cut lasts."""
_FIRST_CUT = 5.0
"""Requests per second that the first cut of a lane without a quota leaves at least, before its own factor: a refusal
among the first few requests says little about the rate."""
_SLOWEST = 0.1
"""Requests per second below which throttling never pushes the rate."""
_CUT = 0.7
_EPSILON = 1e-9


class Bucket:
    """Over any `t` seconds no more than `burst + rate·t` tokens are taken, and what the last request takes besides its
    first: where requests weigh differently, none waits for more than one token, so that the light ones cannot take the
    heavy one's away for ever."""

    __slots__ = ("_at", "_ceiling", "_cut_at", "_quota", "_seen", "_seen_since", "_tokens")

    def __init__(self, quota: Quota | None, now: float) -> None:
        self._quota: Quota | None = None
        self._ceiling = math.inf
        self._cut_at = -math.inf
        self._tokens = math.inf
        self._at = now
        self._seen = 0.0
        self._seen_since = math.inf
        if quota is not None:
            self.declare(quota, now)

    def declare(self, quota: Quota, now: float) -> None:
        """Raises ValueError for a quota that lets nothing through. Declaring the same one again changes nothing."""
        if not quota.rate > 0:
            raise ValueError(f"a quota of {quota.rate:g} requests per second lets nothing through")
        if quota != self._quota:
            self._refill(now)
            self._quota = quota
            self._tokens = min(self._tokens, self._burst(now))

    def rate(self, now: float) -> float:
        """Requests per second; infinite without quota and throttling."""
        declared = self._quota.rate if self._quota else math.inf
        if self._ceiling == math.inf:
            return declared
        # As TCP's CUBIC does it (RFC 9438): quickly back to where the server refused, slowly past it, then quickly on.
        past = min((now - self._cut_at) / _BACK, 100.0) - 1.0
        return min(declared, max(_SLOWEST, self._ceiling * (1.0 + (1.0 - _CUT) * past**3)))

    def ready_at(self, now: float) -> float:
        self._refill(now)
        missing = 1.0 - self._tokens
        return now if missing <= _EPSILON else now + missing / self.rate(now)

    def take(self, now: float, tokens: float = 1.0) -> None:
        self._refill(now)
        self._tokens -= tokens

    def give_back(self, tokens: float = 1.0) -> None:
        self._tokens = min(self._burst(self._at), self._tokens + tokens)

    def accepted(self, now: float, tokens: float = 1.0) -> None:
        self._seen += tokens
        self._seen_since = min(self._seen_since, now)

    def throttled(self, sent: float, now: float) -> None:
        """Cuts the rate to somewhat less than what was accepted since the last cut, once for all requests sent before
        the cut. A server that saves up what nobody takes lets more through for a while: from one refusal to the next is
        what it lets through in the long run."""
        if sent < self._cut_at:
            return
        before = self.rate(now)
        least = _FIRST_CUT if before == math.inf else before / 2
        accepted = self._seen / (now - self._seen_since) if now > self._seen_since else 0.0
        self._refill(now)
        self._ceiling = min(before, max(accepted, least))
        self._cut_at = self._seen_since = now
        self._seen = 0.0
        self._tokens = min(self._tokens, 0.0)

    def _burst(self, now: float) -> float:
        burst = max(1.0, self._quota.burst) if self._quota else math.inf
        # Little while a cut lasts, so that a rest does not end in the burst that was just refused.
        return burst if self._ceiling == math.inf else min(burst, max(1.0, _AT_ONCE * self.rate(now)))

    def _refill(self, now: float) -> None:
        if now > self._at:
            if self._tokens != math.inf:
                self._tokens = min(self._burst(now), self._tokens + self.rate(now) * (now - self._at))
            self._at = now


class Share:
    """One lane's part in the bucket of a pool: each of its requests takes `weight` tokens."""

    __slots__ = ("_bucket", "_weight")

    def __init__(self, bucket: Bucket, quota: Quota, now: float) -> None:
        self._bucket = bucket
        self.declare(quota, now)

    def declare(self, quota: Quota, now: float) -> None:
        self._weight = quota.weight
        self._bucket.declare(Quota(quota.rate * quota.weight, quota.burst * quota.weight), now)

    def ready_at(self, now: float) -> float:
        return self._bucket.ready_at(now)

    def take(self, now: float) -> None:
        self._bucket.take(now, self._weight)

    def give_back(self) -> None:
        self._bucket.give_back(self._weight)

    def accepted(self, now: float) -> None:
        self._bucket.accepted(now, self._weight)

    def throttled(self, sent: float, now: float) -> None:
        self._bucket.throttled(sent, now)
