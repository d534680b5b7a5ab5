"""Which moments can be true."""

from typing import Final

from holystone.policies.retention.candidates import Moment

DAY: Final = 24 * 60 * 60
_FIRST: Final = 1_356_998_400
"""The beginning of 2013, in Unix seconds: no container image is older. What builds without a clock writes year 1, 1970
or, as Cloud Native Buildpacks do, 1980."""


def sane(moment: Moment | None, now: int) -> Moment | None:
    """None where it cannot be when something was pushed, pulled or built. `now`: Unix seconds; clocks may differ by a
    day."""
    return moment if moment is not None and _FIRST <= moment.seconds <= now + DAY else None
