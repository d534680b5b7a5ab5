"""A clock that leaps back, as some machines' do after a suspension."""

import pytest

from holystone.engine.model.capabilities import Quota
from holystone.engine.scheduler.bucket import Bucket
from holystone.engine.scheduler.clock import steady

LEAPS = [0.001, 1.0, 1_500.0, 20_000.0, 1e9]


@pytest.mark.parametrize("leap", LEAPS)
@pytest.mark.parametrize("quota", [None, Quota(rate=5, burst=2)])
def test_a_bucket_survives_it(leap: float, quota: Quota | None) -> None:
    now = 1e6
    bucket = Bucket(quota, now)
    for _ in range(3):
        bucket.take(now)
        bucket.accepted(now)
    bucket.throttled(now, now)
    now -= leap
    bucket.take(now)
    bucket.accepted(now)
    bucket.throttled(now + leap, now)
    assert bucket.rate(now) > 0
    assert bucket.ready_at(now) < now + 60 or quota


def test_time_goes_on_where_it_was() -> None:
    told = iter([100.0, 101.0, 41.0, 42.0, 10.0, 10.5])
    now = steady(lambda: next(told))
    assert [now() for _ in range(5)] == [101.0, 101.0, 102.0, 102.0, 102.5]
