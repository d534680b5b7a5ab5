"""docs/logs.md lists every kind of line with its level and its fields."""

import logging
import re
from pathlib import Path

import pytest

from holystone.ui.event_log import level_of
from holystone.ui.event_stream import kind_in_json
from holystone.ui.log_schema import ABOUT, EVENTS, MESSAGES, log_schema

PAGE = (Path(__file__).parents[2] / "docs/logs.md").read_text()
ROWS = {
    cells[0].strip("`"): cells[1:]
    for line in PAGE.splitlines()
    if line.startswith("| `") and len(cells := [cell.strip() for cell in line.strip("|").split("|")]) == 3
}
KINDS = {each["properties"]["kind"]["const"]: each for each in log_schema()["anyOf"]}


def test_every_kind_has_a_row() -> None:
    assert ROWS.keys() == KINDS.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_is_named(kind: str) -> None:
    fields = set(KINDS[kind]["required"]) - {"time", "level", "kind"}
    assert fields <= set(re.findall(r"`([a-z_]+)`", ROWS[kind][1]))


@pytest.mark.parametrize("event", EVENTS)
def test_the_level_of_events_is_as_it_says(event: type) -> None:
    assert ROWS[kind_in_json(event)][0] == logging.getLevelName(level_of(event)).lower()


def test_what_lines_are_about_is_listed() -> None:
    section = PAGE.partition("## JSON lines")[2].partition("### Events")[0]
    assert ABOUT.keys() <= set(re.findall(r"`([a-z_]+)`", section))
    assert MESSAGES.keys() < KINDS.keys()
