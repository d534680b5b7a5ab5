"""Events, and what else is told, as JSON lines on standard error."""

import inspect
import json
import logging
import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import jsonschema
import pytest

from holystone.adapters.credentials.secret import Secret
from holystone.engine.errors import HolystoneError
from holystone.engine.events import about
from holystone.engine.model.events import Done, Event, Listed, Paused, Retried, Sent, Step, Throttled
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.ui import json_lines, message
from holystone.ui.event_stream import kind_in_json, streamed
from holystone.ui.log_schema import EVENTS, log_schema
from tests.cli.test_output import HOSTILE, is_harmless

HOST = RegistryHost("registry.example")
APP = Repository(HOST, RepositoryPath("team/app"))
DIGEST = Digest.of(b"")
STEP = Step(APP, DIGEST, (Tag("v1"), Tag("v2")), "deleted", 3, 9)
VALIDATOR = jsonschema.Draft202012Validator(log_schema(), format_checker=jsonschema.FormatChecker())


@pytest.fixture(autouse=True)
def _json(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG, logger="holystone.events")
    json_lines.use("json")
    yield
    json_lines.use("text")


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[[], dict[str, Any]]:
    """The one line that was told, which is valid, without its time."""

    def read() -> dict[str, Any]:
        (line,) = capsys.readouterr().err.splitlines()
        content: dict[str, Any] = json.loads(line)
        VALIDATOR.validate(content)
        del content["time"]
        return content

    return read


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (Listed(APP, 3, True), {"level": "debug", "kind": "listed", "tags": 3, "exists": True}),
        (
            STEP,
            {
                "level": "info",
                "kind": "step",
                "digest": str(DIGEST),
                "tag_names": ["v1", "v2"],
                "outcome": "deleted",
                "done": 3,
                "of": 9,
            },
        ),
        (
            Done(APP, 1, "it broke", 2, {"deleted": 3}),
            {
                "level": "debug",
                "kind": "done",
                "not_tried": 1,
                "stopped": "it broke",
                "gone": 2,
                "outcomes": {"deleted": 3},
            },
        ),
    ],
)
def test_an_event_is_an_object_with_its_fields(
    event: Event, line: dict[str, Any], told: Callable[[], dict[str, Any]]
) -> None:
    streamed(event)
    assert told() == {**line, "repository": "registry.example/team/app"}


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (Sent(HOST, "read"), {"level": "debug", "kind": "sent", "api": "read"}),
        (
            Throttled(HOST, "read", "429", 7.25),
            {"level": "info", "kind": "throttled", "api": "read", "why": "429", "after": 7.25},
        ),
        (
            Throttled(HOST, "read", "429", None),
            {"level": "info", "kind": "throttled", "api": "read", "why": "429", "after": None},
        ),
        (Paused(HOST, "down", math.inf), {"level": "info", "kind": "paused", "why": "down", "seconds": None}),
        (
            Retried(HOST, "read", 2, "503"),
            {"level": "info", "kind": "retried", "api": "read", "attempt": 2, "why": "503"},
        ),
    ],
)
def test_a_request_is_told_with_what_it_is_for(
    event: Event, line: dict[str, Any], told: Callable[[], dict[str, Any]]
) -> None:
    with about(run="r1", repository=APP), about(tags=12):
        streamed(event)
    assert told() == {**line, "host": str(HOST), "run": "r1", "repository": str(APP), "tags": 12}


def test_the_level_says_what_is_told(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> None:
    caplog.set_level(logging.INFO, logger="holystone.events")
    streamed(Sent(HOST, "read"))
    streamed(STEP)
    assert [json.loads(line)["kind"] for line in capsys.readouterr().err.splitlines()] == ["step"]
    caplog.set_level(logging.WARNING, logger="holystone.events")
    streamed(STEP)
    assert capsys.readouterr().err == ""


def test_the_time_is_now_in_utc(capsys: pytest.CaptureFixture[str]) -> None:
    message.note("x")
    time = json.loads(capsys.readouterr().err)["time"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", time)
    assert abs(datetime.fromisoformat(time) - datetime.now().astimezone()) < timedelta(minutes=1)


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_text_breaks_a_line_or_steers_anything(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = HOSTILE[kind]
    message.note(said)
    streamed(Throttled(HOST, said, said, 1.0))
    message.print_error(HolystoneError("It failed.\n" + said, what_to_do=said))
    shown = capsys.readouterr().err
    assert is_harmless(shown, 3), shown
    note, throttled, error = map(json.loads, shown.splitlines())
    expected = said.encode(errors="backslashreplace").decode()  # half a character is no Unicode
    assert note["text"] == throttled["why"] == error["what_to_do"] == expected


def test_a_secret_is_hidden_wherever_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    secret = Secret('hunter2"5&6')
    short = Secret("1zq5")
    message.note('with hunter2"5&6 in it')
    streamed(Step(APP, DIGEST, (Tag("v1"),), "deleted", 1, 2))
    streamed(Throttled(HOST, "read", "before\n1zq5\tafter, http://me:word@h/", None))
    note, _, throttled = map(json.loads, capsys.readouterr().err.splitlines())
    assert note["text"] == "with *** in it"
    assert throttled["why"] == "before\n***\tafter, http://…@h/"
    assert secret
    assert short


def test_what_is_said_besides_has_kinds_too(capsys: pytest.CaptureFixture[str]) -> None:
    message.say("s")
    message.note("n")
    message.tell_progress("p")
    message.put_question(["holystone: a", "b: "])
    message.end_question()
    message.print_error(HolystoneError("e\nmore", not_deleted="d", what_to_do="w"))
    message.tell_logged("l\nm", "warning", "aiohttp.client")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    for line in lines:
        VALIDATOR.validate(line)
        del line["time"]
    assert lines == [
        {"level": "info", "kind": "said", "text": "s"},
        {"level": "info", "kind": "note", "text": "n"},
        {"level": "info", "kind": "progress", "text": "p"},
        {"level": "warning", "kind": "question", "text": "a\nb: "},
        {"level": "error", "kind": "error", "message": "e\nmore", "not_deleted": "d", "what_to_do": "w"},
        {"level": "warning", "kind": "log", "logger": "aiohttp.client", "text": "l\nm", "fields": {}},
    ]


def test_every_event_has_its_kind_and_a_name_is_of_one_type_in_all_of_them() -> None:
    """Whoever collects logs gives a field one type."""
    kinds = [each["properties"]["kind"]["const"] for each in log_schema()["anyOf"]]
    assert len(kinds) == len(set(kinds))
    assert {kind_in_json(each) for each in EVENTS} < set(kinds)
    assert all(inspect.getdoc(each) for each in EVENTS)
    types: defaultdict[str, list[Any]] = defaultdict(list)
    for each in log_schema()["anyOf"]:
        for name, kind in each["properties"].items():
            if name != "kind" and kind not in types[name]:
                types[name].append(kind)
    assert {name: kinds for name, kinds in types.items() if len(kinds) > 1} == {}
