"""From options to the moments at which nothing more is begun."""

import datetime as dt
import math
import time
from collections.abc import Iterator

import anyio
import pytest

from holystone.engine.errors import UsageError
from holystone.engine.executor.budget import Budget
from holystone.settings import options as o
from holystone.settings.given import Given
from holystone.settings.run import BudgetSettings, run_settings
from holystone.workflows.budget import budget_of, next_moment
from tests.support import virtual_time

HOUR = 3600
SIX = dt.time(6)


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The clocks go forward on 2026-03-29 from 2:00 to 3:00, and back on 2026-10-25 from 3:00 to 2:00."""
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def utc(text: str) -> float:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp()


@pytest.mark.parametrize(
    ("now", "of_day", "then"),
    [
        ("2026-12-01 21:00", "06:00", "2026-12-02 05:00"),
        ("2026-12-01 04:59", "06:00", "2026-12-01 05:00"),
        ("2026-12-01 05:00", "06:00", "2026-12-02 05:00"),  # now is not the next one
        ("2026-12-31 22:59", "00:00", "2026-12-31 23:00"),
        ("2026-03-28 22:00", "06:00", "2026-03-29 04:00"),  # a night of one hour less
        ("2026-10-24 20:00", "06:00", "2026-10-25 05:00"),
        ("2026-10-25 00:45", "02:30", "2026-10-25 01:30"),  # shown for the second time
    ],
)
@pytest.mark.usefixtures("berlin")
def test_the_next_such_moment_is_the_clocks(now: str, of_day: str, then: str) -> None:
    assert next_moment(dt.time.fromisoformat(of_day), utc(now)) == utc(then)


def budget(**options: str) -> BudgetSettings:
    return run_settings(Given(options, {"HOME": "/home/me"})).budget


def test_options_and_variables_say_what_there_is() -> None:
    assert budget() == BudgetSettings()
    assert budget(until="6:05", time_budget="1h30m", request_budget="5000") == BudgetSettings(dt.time(6, 5), 5400, 5000)
    variables = {each.variables[0] for each in (o.UNTIL, o.TIME_BUDGET, o.REQUEST_BUDGET)}
    assert variables == {"HOLYSTONE_UNTIL", "HOLYSTONE_TIME_BUDGET", "HOLYSTONE_REQUEST_BUDGET"}


@pytest.mark.parametrize(
    ("option", "text"),
    [
        *(("until", text) for text in ("24:00", "6", "06:60", "6am", "-1:00", "06:00:00", "2026-12-01", "6h", "٠٦:٠٠")),
        *(("time_budget", text) for text in ("4", "0h", "-4h", "a night")),
        *(("request_budget", text) for text in ("0", "-1", "many", "1.5")),
    ],
)
def test_what_is_no_budget_is_refused(option: str, text: str) -> None:
    with pytest.raises(UsageError, match=f"--{option.replace('_', '-')}"):
        budget(**{option: text})


def test_a_budget_of_time_is_spent_when_it_is_over_and_stays_so() -> None:
    async def main() -> list[object]:
        endless, hours = budget_of(BudgetSettings()), budget_of(BudgetSettings(seconds=4 * HOUR))
        assert (endless.is_limited, hours.is_limited) == (False, True)
        await anyio.sleep(4 * HOUR - 1)
        told: list[object] = [hours.spent()]
        await anyio.sleep(2)
        return [*told, hours.spent(), endless.spent()]

    assert virtual_time.run(main) == [None, "time", None]


def test_a_budget_of_requests_counts_those_that_are_about_to_be_sent() -> None:
    sent = 0
    budget = Budget(requests=5, clock=lambda: 0).counting(lambda: sent)
    with budget.in_hand():
        sent = 2
        assert budget.spent() is None
        with budget.in_hand():
            assert budget.spent() == "requests"
    assert budget.spent() == "requests", "what was left because of it is left"


def test_the_first_limit_that_is_reached_counts() -> None:
    async def main() -> None:
        now = anyio.current_time()
        at_most = budget_of(BudgetSettings(SIX, 48 * HOUR, 5)).ends - now
        assert 0 < at_most <= 25 * HOUR
        assert budget_of(BudgetSettings(SIX, 1)).ends - now == pytest.approx(1, abs=1)
        assert budget_of(BudgetSettings(requests=5)).ends == math.inf

    virtual_time.run(main)
