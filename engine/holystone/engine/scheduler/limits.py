"""The bounds that a user sets for all lanes."""

import msgspec


class Limits(msgspec.Struct, frozen=True):
    """Raises ValueError for a bound that would let nothing through."""

    in_flight: int = 32
    """Requests of one lane at the same time, at most."""
    attempts: int = 8
    """Times that one request is sent, at most."""
    host_patience: float = 120.0
    """Seconds that a host may be down before everything that waits for it fails."""
    first_patience: float | None = None
    """The same for a host that has not answered once yet: a wrong name or a closed port is more likely than an outage,
    and somebody may sit at a terminal. None: no other than `host_patience`."""
    longest_wait: float = 900.0
    """Seconds: if a server says "later" than that, what waits fails at once."""

    def __post_init__(self) -> None:
        if self.in_flight < 1 or self.attempts < 1:
            raise ValueError("at least one request and one attempt must be allowed")
        if self.host_patience < 0 or self.longest_wait < 0 or (self.first_patience or 0) < 0:
            raise ValueError("a wait cannot be negative")
