"""What the user lets a command take, as moments of this machine."""

import datetime as dt
import math
import time

from holystone.engine.executor.budget import Budget
from holystone.engine.scheduler import moment
from holystone.settings.run import BudgetSettings


def budget_of(settings: BudgetSettings) -> Budget:
    """For a command that begins now."""
    seconds = [math.inf if settings.seconds is None else float(settings.seconds)]
    if settings.until is not None:
        now = time.time()
        seconds.append(next_moment(settings.until, now) - now)
    return Budget(moment() + min(seconds), math.inf if settings.requests is None else settings.requests)


def next_moment(of_day: dt.time, now: float) -> float:
    """The first time after `now` that clocks of this machine's zone show it, both in Unix seconds. Where they are put
    back they show it twice."""
    today = dt.datetime.fromtimestamp(now).date()
    days = (today + dt.timedelta(days=ahead) for ahead in range(3))
    shown = (dt.datetime.combine(day, of_day.replace(fold=fold)).timestamp() for day in days for fold in (0, 1))
    return min(each for each in shown if each > now)
