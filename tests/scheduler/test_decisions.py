"""The pure parts: bucket, window, adaptive limit, budget, pause."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holystone.engine.model.capabilities import Quota
from holystone.engine.scheduler import Limits, RateHint, RateLimited, Transient
from holystone.engine.scheduler.bucket import Bucket
from holystone.engine.scheduler.budget import RetryBudget
from holystone.engine.scheduler.concurrency import AdaptiveLimit
from holystone.engine.scheduler.pause import HostPause
from holystone.engine.scheduler.state import LaneState, Ticket
from holystone.engine.scheduler.window import Window

REFUSED = Transient("connection refused", host_down=True)
BAD_GATEWAY = Transient("502")


@settings(max_examples=60, deadline=None)
@given(
    rate=st.floats(0.05, 500),
    burst=st.floats(0, 50),
    steps=st.lists(st.tuples(st.floats(0, 20), st.sampled_from(["take", "take", "cancel", "throttled"])), max_size=80),
)
def test_a_bucket_never_gives_more_than_burst_and_rate(
    rate: float, burst: float, steps: list[tuple[float, str]]
) -> None:
    now = 1000.0
    bucket = Bucket(Quota(rate=rate, burst=burst), now)
    sent: list[float] = []
    for pause, action in steps:
        now += pause
        if action == "throttled":
            bucket.throttled(now, now)
        elif bucket.ready_at(now) <= now:
            bucket.take(now)
            if action == "cancel":
                bucket.give_back()
            else:
                sent.append(now)
                bucket.accepted(now)
    for first in range(len(sent)):
        for last in range(first, len(sent)):
            assert last - first + 1 <= max(1.0, burst) + rate * (sent[last] - sent[first]) + 1e-6


@given(rate=st.floats(0.01, 1000), burst=st.floats(0, 100), begin=st.floats(0, 1e7))
def test_a_token_is_there_when_the_bucket_said_so(rate: float, burst: float, begin: float) -> None:
    bucket = Bucket(Quota(rate=rate, burst=burst), begin)
    while bucket.ready_at(begin) <= begin:
        bucket.take(begin)
    ready = bucket.ready_at(begin)
    assert bucket.ready_at(ready) <= ready + 1e-6


@pytest.mark.parametrize(
    ("quota", "most_refused"), [(Quota(rate=5, burst=5), 0.015), (Quota(rate=15, burst=30), 0.005)]
)
def test_a_throttled_bucket_finds_the_rate_that_the_server_accepts(quota: Quota, most_refused: float) -> None:
    """A server that says nothing but no."""
    now, bucket, server = 1000.0, Bucket(None, 1000.0), Bucket(quota, 1000.0)
    accepted = refused = 0
    while now < 1600:
        if bucket.ready_at(now) <= now:
            bucket.take(now)
            if server.ready_at(now) <= now:
                server.take(now)
                bucket.accepted(now)
                accepted += now > 1100
            else:
                bucket.throttled(now, now)
                refused += now > 1100
        now = max(now + 0.01, bucket.ready_at(now))
    assert accepted > 0.95 * quota.rate * 500
    assert refused < most_refused * accepted


def test_an_unlimited_bucket_is_always_ready() -> None:
    bucket = Bucket(None, 0.0)
    for _ in range(10_000):
        assert bucket.ready_at(0.0) <= 0.0
        bucket.take(0.0)


def test_requests_sent_before_a_cut_do_not_cut_again() -> None:
    bucket = Bucket(Quota(rate=100, burst=1), 0.0)
    bucket.throttled(0.0, 1.0)
    after = bucket.rate(1.0)
    bucket.throttled(0.5, 1.0)
    assert bucket.rate(1.0) == after
    assert bucket.rate(10_000_000.0) == 100


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan])
def test_a_quota_that_lets_nothing_through_is_an_error(rate: float) -> None:
    with pytest.raises(ValueError, match="lets nothing through"):
        Bucket(Quota(rate=rate, burst=1), 0.0)


def test_limits_that_let_nothing_through_are_errors() -> None:
    for wrong in ({"in_flight": 0}, {"attempts": 0}, {"host_patience": -1.0}):
        with pytest.raises(ValueError, match=r"allowed|negative"):
            Limits(**wrong)


def test_a_used_up_window_opens_at_its_reset() -> None:
    window = Window()
    window.learn(RateHint(remaining=2, limit=None, resets_in=60), 1, 0.0)
    assert window.ready_at(1.0) <= 1.0
    window.take(1.0)
    assert window.ready_at(1.0) == 60.0
    window.give_back()
    assert window.ready_at(1.0) <= 1.0
    window.take(1.0)
    assert window.ready_at(60.0) <= 60.0


def test_the_last_tenth_of_a_window_is_spread() -> None:
    window, now, sent = Window(), 0.0, []
    window.learn(RateHint(remaining=50, limit=100, resets_in=100), 0, now)
    while (now := max(now, window.ready_at(now))) < 100:
        window.take(now)
        sent.append(now)
    assert len(sent) == 50
    assert sent[39] == 0.0
    assert min(b - a for a, b in itertools.pairwise(sent[40:])) > 5


@pytest.mark.parametrize("hint", [RateHint(remaining=0), RateHint(remaining=None, limit=5, resets_in=9)])
def test_a_hint_that_does_not_say_enough_changes_nothing(hint: RateHint) -> None:
    window = Window()
    window.learn(hint, 0, 0.0)
    assert window.ready_at(0.0) <= 0.0


def _replies(limit: AdaptiveLimit, count: int, now: float, *, capacity: int, service: float = 0.1) -> float:
    """A server that works on `capacity` requests at once: more of them only wait longer."""
    for _ in range(count):
        latency = service * max(1.0, limit.limit / capacity)
        limit.answered(now, limit.limit, now + latency)
        now += latency
    return now


def test_the_limit_grows_to_the_ceiling_while_latency_is_flat() -> None:
    limit = AdaptiveLimit(32, 0.0)
    assert limit.limit == 4
    _replies(limit, 40, 0.0, capacity=100)
    assert limit.limit == 32


def test_the_limit_stays_near_what_the_server_can_do() -> None:
    limit, now, seen = AdaptiveLimit(200, 0.0), 0.0, []
    for _ in range(300):
        now = _replies(limit, 10, now, capacity=16)
        seen.append(limit.limit)
    assert min(seen[20:]) >= 12
    assert max(seen[20:]) <= 100


def test_the_limit_is_halved_once_for_all_requests_sent_before_the_change() -> None:
    limit = AdaptiveLimit(32, 0.0)
    now = _replies(limit, 40, 0.0, capacity=100)
    for _ in range(32):
        limit.troubled(now, now + 1)
    assert limit.limit == 16
    for again in range(2, 20):
        limit.troubled(now + again, now + again)
    assert limit.limit == 1


def test_a_limit_that_is_not_used_does_not_grow() -> None:
    limit = AdaptiveLimit(32, 0.0)
    for now in range(100):
        limit.answered(now, 1, now + 0.1)
    assert limit.limit == 4


@given(st.lists(st.one_of(st.none(), st.integers(0, 1)), max_size=400), st.integers(1, 30))
def test_a_budget_bounds_all_retries(calls: list[int | None], reserve: int) -> None:
    budget = RetryBudget(ratio=0.2, reserve=reserve)
    first = retries = 0
    for call in calls:
        if call is None:
            budget.first_attempt()
            first += 1
        else:
            retries += budget.spend()
        assert retries <= reserve + 0.2 * first + 1e-9


def _down(pause: HostPause, now: float) -> None:
    for _ in range(3):
        pause.failed(REFUSED, 0, now)


def test_a_host_is_down_after_three_requests_without_answer_in_a_row() -> None:
    pause = HostPause(120)
    assert not pause.failed(REFUSED, 0, 0.0)
    assert not pause.failed(REFUSED, 0, 0.0)
    pause.answered(0, 0.0)
    for _ in range(2):
        assert not pause.failed(REFUSED, 0, 1.0)
    assert pause.failed(REFUSED, 0, 1.0)
    assert pause.opens_at() == 2.0
    assert pause.ends_at() == 121.0


def test_passing_faults_weigh_less() -> None:
    pause = HostPause(120)
    assert [pause.failed(BAD_GATEWAY, 0, 0.0) for _ in range(9)] == [False] * 8 + [True]


def test_half_open_lets_one_through_and_its_fate_decides() -> None:
    pause = HostPause(120)
    _down(pause, 0.0)
    assert (probe := pause.enter())
    assert pause.opens_at() == math.inf
    assert pause.failed(REFUSED, probe, 1.0)
    assert pause.opens_at() == 3.0, "twice as long"
    assert (probe := pause.enter())
    assert pause.abandoned(probe)
    assert pause.opens_at() == 3.0, "another may probe"
    assert (probe := pause.enter())
    assert pause.answered(probe, 4.0)
    assert pause.opens_at() < 4.0
    assert pause.enter() == 0


def test_the_fate_of_an_old_probe_does_not_decide() -> None:
    pause = HostPause(120)
    _down(pause, 0.0)
    old = pause.enter()
    pause.answered(0, 1.0)
    _down(pause, 2.0)
    assert pause.enter()
    assert not pause.failed(REFUSED, old, 3.0)
    assert pause.opens_at() == math.inf


def test_an_answer_to_an_earlier_request_does_not_end_a_later_but_ends_a_down() -> None:
    pause = HostPause(120)
    pause.later(RateLimited("slow down", 30), 30, 0, 0.0)
    assert not pause.answered(0, 1.0)
    assert pause.opens_at() == 30.0
    other = HostPause(120)
    _down(other, 0.0)
    assert other.answered(0, 0.5)
    assert other.opens_at() < 0.5


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["later", "refused", "502", "answer", "cancel", "enter"]), st.floats(0, 20)),
        max_size=60,
    )
)
def test_nothing_enters_before_the_servers_word(steps: list[tuple[str, float]]) -> None:
    pause, now, word, under_way = HostPause(120), 0.0, -1.0, [0]
    for action, amount in steps:
        now += amount
        probe = under_way[-1]
        if action == "enter":
            if pause.opens_at() <= now:
                assert now >= word
                under_way.append(pause.enter())
            continue
        if action == "later":
            word = max(word, now + amount)
            pause.later(RateLimited("slow down", amount), amount, probe, now)
        elif action == "answer":
            pause.answered(probe, now)
        elif action == "cancel":
            pause.abandoned(probe)
        else:
            pause.failed(REFUSED if action == "refused" else BAD_GATEWAY, probe, now)
        if len(under_way) > 1:
            under_way.pop()


def test_the_work_for_a_request_does_not_grow_with_the_queue() -> None:
    class Counting(Bucket):
        asked = 0

        def ready_at(self, now: float) -> float:
            self.asked += 1
            return super().ready_at(now)

    now, count = 0.0, 20_000
    bucket = Counting(Quota(rate=100, burst=1), now)
    lane = LaneState(bucket, AdaptiveLimit(32, now), HostPause(120), 900)
    waiting: list[Ticket] = []
    served: list[Ticket] = []

    def turn() -> float:
        settled, wake = lane.next(now)
        for ticket in settled:
            served.append(ticket)
            lane.answered(ticket, now)
        return wake

    for _ in range(count):
        waiting.append(lane.join(now))
        turn()
    for gone in waiting[1::2]:
        lane.leave(gone)
    while lane.queued:
        now = max(now, turn())
    assert served == waiting[::2], "first come, first served"
    assert bucket.asked < 4 * count


def test_a_word_given_while_a_probe_is_under_way_outlives_the_probe() -> None:
    for fate in ("answer", "fault"):
        pause = HostPause(120)
        pause.later(RateLimited("slow down", 10), 10, 0, 0.0)
        probe = pause.enter()
        pause.later(RateLimited("slow down", 60), 60, 0, 11.0)
        if fate == "answer":
            pause.answered(probe, 12.0)
        else:
            pause.failed(REFUSED, probe, 12.0)
        assert pause.opens_at() == 71.0


def test_a_token_given_back_to_a_full_bucket_is_lost() -> None:
    bucket = Bucket(Quota(rate=1, burst=1), 0.0)
    bucket.take(0.0)
    assert bucket.ready_at(1.0) <= 1.0
    bucket.give_back()
    bucket.take(1.0)
    assert bucket.ready_at(1.0) > 1.0


def _lane_state() -> LaneState:
    return LaneState(Bucket(None, 0.0), AdaptiveLimit(8, 0.0), HostPause(120), 900)


def test_who_leaves_before_sending_gives_its_place_in_the_window_back() -> None:
    lane = _lane_state()
    lane.hint(RateHint(remaining=1, resets_in=60), 0.0)
    first, second = lane.join(0.0), lane.join(0.0)
    assert lane.next(0.0) == ([first], 60.0)
    lane.leave(first)
    assert lane.next(1.0).settled == [second]


def test_a_window_that_only_seems_used_up_refuses_nobody_while_replies_are_to_come() -> None:
    lane = _lane_state()
    first, second = lane.join(0.0), lane.join(0.0)
    lane.next(0.0)
    waiting = lane.join(1.0)
    lane.hint(RateHint(remaining=1, resets_in=3000), 1.0)
    assert lane.next(1.0).settled == []
    lane.answered(first, 1.0)
    lane.hint(RateHint(remaining=1, resets_in=3000), 1.0)
    lane.answered(second, 1.0)
    assert lane.next(1.0).settled == [waiting]
    assert waiting.granted


def test_an_early_refusal_is_judged_by_the_rate_and_not_by_the_count() -> None:
    """Ten requests in a tenth of a second are a hundred a second, not five."""
    bucket = Bucket(None, 0.0)
    for number in range(10):
        bucket.accepted(number / 100)
    bucket.throttled(0.1, 0.1)
    assert 50 < bucket.rate(0.1) < 100


def test_a_refusal_of_the_very_first_request_does_not_stop_the_lane() -> None:
    bucket = Bucket(None, 0.0)
    bucket.throttled(0.0, 0.1)
    assert bucket.rate(0.1) == 3.5
    assert bucket.rate(12.1) == 5.0
    assert bucket.rate(48.1) > 40.0
