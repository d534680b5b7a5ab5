"""Adaptive concurrency: how many requests at the same time. Grows while latency is flat, shrinks when it is not."""

_START = 4
_ROUND = 8
"""Replies in a round, at least: fewer say too little about latency."""
_TOLERANCE = 2.0
"""Latency may grow by this much over the usual before it counts as a queue on the server."""
_NOISE = 0.01
"""Seconds of growth that say nothing: under load the event loop itself is no more punctual."""
_LATENCY_CUT = 0.8
_FAULT_CUT = 0.5
_DRIFT = 0.1
"""Share of a round that enters the usual latency, so that work that really takes longer is accepted in time."""


class AdaptiveLimit:
    """Judges in rounds of about `limit` replies: doubles after a flat round until the first trouble, then adds one a
    round; shrinks by a factor on throttling, faults and latency growth. Between 1 and the ceiling.

    Only requests sent after the last change say something about it; the others are not counted."""

    __slots__ = ("_busiest", "_ceiling", "_changed_at", "_limit", "_replies", "_slow_start", "_total", "_usual")

    def __init__(self, ceiling: int, now: float) -> None:
        self._ceiling = ceiling
        self._limit = float(min(_START, ceiling))
        self._slow_start = True
        self._usual: float | None = None
        self._changed_at = now
        self._replies = 0
        self._total = 0.0
        self._busiest = 0

    @property
    def limit(self) -> int:
        return int(self._limit)

    def answered(self, sent: float, in_flight: int, now: float) -> None:
        """A request was answered. `in_flight` counts the answered request too."""
        if sent < self._changed_at:
            return
        self._replies += 1
        self._total += now - sent
        self._busiest = max(self._busiest, in_flight)
        if self._replies >= max(_ROUND, self.limit):
            self._judge(now)

    def troubled(self, sent: float, now: float) -> None:
        """A request was throttled, or failed."""
        if sent >= self._changed_at:
            self._slow_start = False
            self._change(self._limit * _FAULT_CUT, now)

    def _judge(self, now: float) -> None:
        latency = self._total / self._replies
        usual = latency if self._usual is None else self._usual
        if latency > usual * _TOLERANCE + _NOISE:
            self._slow_start = False
            self._change(self._limit * _LATENCY_CUT, now)
        elif self._busiest >= self.limit:  # a limit that nobody reaches has proved nothing
            self._change(self._limit * 2 if self._slow_start else self._limit + 1, now)
        else:
            self._change(self._limit, now)
        self._usual = latency if latency < usual else usual + (latency - usual) * _DRIFT

    def _change(self, limit: float, now: float) -> None:
        self._limit = min(float(self._ceiling), max(1.0, limit))
        self._changed_at = now
        self._replies = 0
        self._total = 0.0
        self._busiest = 0
