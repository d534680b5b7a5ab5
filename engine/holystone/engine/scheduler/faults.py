"""What an attempt may raise to be tried again, and what is raised when trying again is of no use."""


class RateLimited(Exception):
    """The server throttles. `after` is its own word on how long, in seconds, if it gave one: until then nothing at
    all is sent to the host."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after = after


class Transient(Exception):
    """A fault that is likely to pass (502, connection reset). `host_down`: there was no answer at all (connection
    refused, timeout), so that the whole host may be down."""

    def __init__(self, reason: str, *, host_down: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.host_down = host_down


class Overdue(Exception):
    """The time in which it was to be sent is over (see `freshness`). It may have been sent before, in vain as far as is
    known: `fault` is what came of that."""

    def __init__(self, fault: RateLimited | Transient | None = None) -> None:
        super().__init__(fault.reason if fault else "it had to wait too long")
        self.fault = fault


class RetriesExhausted(Exception):
    """No attempt succeeded. `attempts` were sent (none, if the host was down all the while) in `elapsed` seconds;
    `fault` is the last of them, and also the cause."""

    def __init__(self, reason: str, attempts: int, elapsed: float, *, fault: RateLimited | Transient) -> None:
        super().__init__(reason)
        self.reason = reason
        self.attempts = attempts
        self.elapsed = elapsed
        self.fault = fault

    def __str__(self) -> str:
        tries = "1 attempt" if self.attempts == 1 else f"{self.attempts} attempts"
        return f"{self.reason} (gave up after {tries} in {self.elapsed:.0f} s)"
