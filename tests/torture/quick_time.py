"""Time that passes faster inside a process than outside: a minute of patience with a server that stalls is seconds."""

import selectors
import time


def quicken(factor: float) -> None:
    """For this process, before anything binds the clock. Dates stay what they are: only what is measured and waited for
    shrinks, by one factor, so that all times keep their proportions."""
    monotonic, sleep = time.monotonic, time.sleep

    class Selector(selectors.EpollSelector):
        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            return super().select(timeout if timeout is None or timeout <= 0 else timeout / factor)

    time.monotonic = lambda: monotonic() * factor
    time.sleep = lambda seconds: sleep(float(seconds) / factor)
    selectors.DefaultSelector = Selector  # type: ignore[assignment, misc]
