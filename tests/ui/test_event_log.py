"""Events as lines of a log."""

import logging
import math

import pytest
from structlog.testing import capture_logs

from holystone.engine.model.events import Done, Event, Listed, Paused, Retried, Step, Throttled
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath
from holystone.ui.event_log import logged

HOST = RegistryHost("registry.example")
APP = Repository(HOST, RepositoryPath("team/app"))
DIGEST = Digest.of(b"")


@pytest.fixture(autouse=True)
def _all_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="holystone.events")


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            Throttled(HOST, "read", "429", 7.25),
            {
                "event": "request throttled",
                "log_level": "info",
                "host": HOST,
                "api": "read",
                "why": "429",
                "after": 7.2,
            },
        ),
        (
            Paused(HOST, "no answer", math.inf),
            {
                "event": "host paused",
                "log_level": "info",
                "host": HOST,
                "why": "no answer",
                "seconds": "until it answers",
            },
        ),
        (
            Retried(HOST, "read", 2, "503"),
            {
                "event": "request sent again",
                "log_level": "info",
                "host": HOST,
                "api": "read",
                "attempt": 2,
                "why": "503",
            },
        ),
        (
            Listed(APP, 3, True),
            {"event": "repository listed", "log_level": "debug", "repository": str(APP), "tags": 3, "exists": True},
        ),
        (
            Done(APP, 1, "", 2, {"deleted": 3, "failed": 1}),
            {
                "event": "repository done",
                "log_level": "debug",
                "repository": str(APP),
                "not_tried": 1,
                "stopped": "",
                "gone": 2,
                "outcomes": "3 deleted, 1 failed",
            },
        ),
    ],
)
def test_an_event_is_a_line_with_its_fields(event: Event, line: dict[str, object]) -> None:
    with capture_logs() as lines:
        logged(event)
    assert lines == [line]


def test_steps_are_left_to_progress() -> None:
    with capture_logs() as lines:
        logged(Step(APP, DIGEST, (), "deleted", 1, 2))
    assert lines == []
