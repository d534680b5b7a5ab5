"""What a lane tells while it waits, and that listeners cost a run nothing."""

import logging

import pytest

from holystone.engine.events import listening, tell
from holystone.engine.model.events import Event, Listed, Paused, Retried, Sent, Throttled
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath
from holystone.engine.scheduler import RateLimited, Scheduler
from tests.support.virtual_time import clock, run

HOST = RegistryHost("registry.example")
LISTED = Listed(Repository(HOST, RepositoryPath("app")), 1, True)


def test_a_lane_tells_of_later_of_the_pause_and_of_the_next_attempt() -> None:
    answers = [RateLimited("429 Too Many Requests", 3.0)]
    heard: list[Event] = []

    async def attempt() -> str:
        if answers:
            raise answers.pop()
        return "done"

    async def main() -> None:
        lane = Scheduler(clock=clock).lane(HOST, "test", "read")
        with listening(heard.append):
            assert await lane.run(attempt, timeout=5.0) == "done"

    run(main)
    first, throttled, paused, retried, again = heard
    assert first == again == Sent(HOST, "read")
    assert throttled == Throttled(HOST, "read", "429 Too Many Requests", 3.0)
    assert isinstance(paused, Paused)
    assert paused.seconds == pytest.approx(3.0)
    assert retried == Retried(HOST, "read", 2, "429 Too Many Requests")


def test_a_listener_that_fails_is_logged_and_costs_nobody_anything(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Event] = []

    def fails(_: Event) -> None:
        raise ValueError("mine")

    logging.getLogger("holystone.events").propagate = True
    with listening(fails, heard.append):
        tell(LISTED)
    assert heard == [LISTED]
    assert "a listener failed" in caplog.text


def test_who_listens_within_hears_with_those_around_and_nobody_afterwards() -> None:
    outer: list[Event] = []
    inner: list[Event] = []
    with listening(outer.append):
        with listening(inner.append):
            tell(LISTED)
        tell(LISTED)
    tell(LISTED)
    assert (outer, inner) == ([LISTED] * 2, [LISTED])
