"""Pause of a whole host, shared by its lanes: after its own "later", or while it is down. Ends with one probe."""

import math

from holystone.engine.scheduler.faults import RateLimited, Transient

_OUT = 9
_NO_ANSWER = 3
"""Three requests in a row without an answer, or nine passing faults: those still come from somewhere."""
_FIRST = 1.0
_LONGEST = 15.0
"""Seconds between probes of a host that is down."""


class HostPause:
    """Open (everything may go), paused until some moment, or half open: one request is under way as a probe, and its
    fate decides. A request is known by the number that `enter` gave it. Methods that report a fate return True if
    other requests of the host are concerned."""

    __slots__ = (
        "_answered",
        "_down",
        "_down_since",
        "_failed_probes",
        "_fault",
        "_first_patience",
        "_patience",
        "_probe",
        "_serial",
        "_strikes",
        "_until",
    )

    def __init__(self, patience: float, first_patience: float | None = None) -> None:
        """`first_patience` counts until the host's first answer, and one request without an answer is enough then."""
        self._patience = patience
        self._first_patience = first_patience
        self._answered = first_patience is None
        self._until: float | None = None
        self._down = False
        self._probe = 0
        self._serial = 0
        self._strikes = 0
        self._failed_probes = 0
        self._down_since = math.inf
        self._fault: RateLimited | Transient = Transient("no answer", host_down=True)

    @property
    def fault(self) -> RateLimited | Transient:
        """The last one: why the host is paused."""
        return self._fault

    def opens_at(self) -> float:
        """When the next request may be sent: infinitely late while a probe is under way, early if there is no pause."""
        if self._until is None:
            return -math.inf
        return math.inf if self._probe else self._until

    def ends_at(self) -> float:
        """When patience ends with a host that is down; infinitely late if it is not."""
        patience = self._patience if self._answered else self._first_patience or 0.0
        return self._down_since + patience if self._down else math.inf

    def enter(self) -> int:
        """Lets a request through; its number if it is the probe, else 0."""
        if self._until is None:
            return 0
        self._serial += 1
        self._probe = self._serial
        return self._probe

    def answered(self, probe: int, now: float) -> bool:
        """Any answer shows that the host is up. A "later" of its own ends only with the probe after it."""
        self._answered = True
        self._strikes = 0
        self._down_since = math.inf
        was_probe = self._leave(probe)
        if self._until is None or not (self._down or (was_probe and now >= self._until)):
            return was_probe
        self._until = None
        self._down = False
        self._probe = 0
        self._failed_probes = 0
        return True

    def later(self, fault: RateLimited, after: float, probe: int, now: float) -> bool:
        self.answered(probe, now)
        self._until = max(now + after, self._until or now)
        self._fault = fault
        return True

    def failed(self, fault: Transient, probe: int, now: float) -> bool:
        self._down_since = min(self._down_since, now)
        self._answered = self._answered or not fault.host_down
        self._strikes += _NO_ANSWER if fault.host_down else 1
        was_probe = self._leave(probe)
        if was_probe:
            self._failed_probes += 1
        elif self._until is not None or (self._answered and self._strikes < _OUT):
            return False
        self._down = True
        self._fault = fault
        pause = min(_LONGEST, _FIRST * math.pow(2.0, min(self._failed_probes, 10)))
        self._until = max(now + pause, self._until or now)
        return True

    def abandoned(self, probe: int) -> bool:
        """A cancelled request says nothing, and a cancelled probe leaves its place to another."""
        return self._leave(probe)

    def _leave(self, probe: int) -> bool:
        if not probe or probe != self._probe:
            return False
        self._probe = 0
        return True
