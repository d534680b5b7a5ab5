"""Whatever can be said of an entry is read back as it was written, from a file and from a command line."""

import json

import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from holystone.adapters.retention_file.reader import retention_document
from holystone.policies.keep_policies_data import PolicyError
from holystone.policies.retention.rules import Entry
from holystone.policies.retention_data.command_line import parse_keep_option
from holystone.policies.retention_data.entries import Beside, parse_entry
from holystone.policies.retention_data.parts import Part
from holystone.policies.retention_data.written import entry_data, shown_entry
from holystone.settings.retention_file import plain_data
from tests.retention_file.entries import CLONES, entries

BESIDE = Beside(frozenset(CLONES), lambda file: ())


def is_said(entry: Entry) -> bool:
    return bool(set(entry_data(entry)) - {"with-siblings", "optional", "by"})


@settings(max_examples=25, deadline=None)
@given(entry=entries(), flow=st.booleans(), as_json=st.booleans())
def test_a_file(entry: Entry, flow: bool, as_json: bool) -> None:
    assume(is_said(entry))
    data = entry_data(entry)
    text = (
        json.dumps(data, ensure_ascii=False)
        if as_json
        else yaml.safe_dump(data, default_flow_style=flow, allow_unicode=True)
    )
    assert parse_entry(Part(plain_data(retention_document(text.encode(), "x"))), BESIDE) == entry


@settings(max_examples=25, deadline=None)
@given(entry=entries(with_policies=False))
def test_a_command_line(entry: Entry) -> None:
    """Apart from what has no place on one: lists of policies, and names with commas and the like."""
    assume(is_said(entry))
    texts = [*((entry.label and [entry.label.name, entry.label.value or ""]) or []), entry.commit.name]
    texts += [getattr(each, "expression", "") for each in entry.tags or ()]
    assume(not any(set(text) & set(",|\n") or text.endswith("/") for text in texts))
    assert parse_keep_option(shown_entry(entry), BESIDE) == entry


@settings(max_examples=200, deadline=None)
@given(text=st.text("tags=v*,newest.3|/^$semver", max_size=40))
def test_any_text_is_an_entry_or_refused_in_words(text: str) -> None:
    try:
        entry = parse_keep_option(text, BESIDE)
    except PolicyError:
        return
    assert parse_keep_option(shown_entry(entry), BESIDE) == entry
