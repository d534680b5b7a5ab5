"""Retry budget: retries are a small share of first attempts, so that they never multiply the load on a sick server."""


class RetryBudget:
    """All retries together are at most `reserve + ratio · first attempts`, and never more than `reserve` in a row."""

    __slots__ = ("_balance", "_ratio", "_reserve")

    def __init__(self, *, ratio: float, reserve: float) -> None:
        self._ratio = ratio
        self._reserve = reserve
        self._balance = reserve

    def first_attempt(self) -> None:
        self._balance = min(self._reserve, self._balance + self._ratio)

    def spend(self) -> bool:
        """Takes one retry; False if none is left."""
        if self._balance < 1:
            return False
        self._balance -= 1
        return True
