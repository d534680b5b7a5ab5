"""What was asked of the registry, for tests that count."""

from collections import Counter
from dataclasses import dataclass


@dataclass(slots=True)
class RecordedRequest:
    method: str
    path: str
    """As on the wire, with the query."""
    kind: str
    """The resource (`manifest`, `tags`, `blob`, …), `token`, or `other`."""
    authorization: str
    host: str
    status: int = 0
    """0 until it is answered; stays 0 if it never is."""


class Recording:
    """What a server was asked: `requests` in order of arrival, if it `keeps` them: where strangers ask, they would fill
    the memory."""

    def __init__(self, *, keeps: bool = True) -> None:
        self._keeps = keeps
        self.requests: list[RecordedRequest] = []
        self.in_flight = 0
        self.peak = 0
        """The most that ever was in flight."""

    @property
    def counts(self) -> Counter[str]:
        """How many requests came, by method and kind: `HEAD manifest`."""
        return Counter(f"{each.method} {each.kind}" for each in self.requests)

    def arrived(self, request: RecordedRequest) -> None:
        if self._keeps:
            self.requests.append(request)
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)

    def left(self) -> None:
        self.in_flight -= 1

    def clear(self) -> None:
        self.requests.clear()
        self.peak = self.in_flight
