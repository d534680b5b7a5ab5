"""The published JSON Schema takes what the reader takes, and refuses what can be seen to be wrong in one place."""

import copy
import json
from pathlib import Path
from random import Random
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from holystone.adapters.registries.implementations import IMPLEMENTATIONS
from holystone.engine.errors import UsageError
from holystone.policies.retention_data.schema import retention_schema
from holystone.policies.retention_data.written import entry_data
from holystone.settings.retention_file import load_retention_file
from tests.retention_file.entries import CLONES, entries
from tests.retention_file.pages import example
from tests.retention_file.test_bad_files import ENTRY, HEAD, POLICY, table
from tests.retention_file.test_round_trip import is_said

SCHEMA = jsonschema.Draft202012Validator(retention_schema(IMPLEMENTATIONS))
SEEN = ("expected", "nothing in it", "unknown key", "is missing", "goes with", "is not a")
"""Words of the reader for what a schema can see, …"""
UNSEEN = (
    *("no tag has", "RE2", "matches no", "lower case", "REGISTRY", "stands here twice"),  # what a text means
    *("group", "clone", "keep-policies[0]", "same-commit: false"),  # what stands elsewhere, or is werf's
    *("text in quotes", "'yes'", "'05'", "'5.0'", "'1_000'"),  # how it is written
)
"""… but not with these."""


def is_seen(why: str) -> bool:
    return any(each in why for each in SEEN) and not any(each in why for each in UNSEEN)


BAD = [
    before + text
    for before, name in (("", "bad_files.txt"), (POLICY, "bad_policies.txt"), (ENTRY, "bad_entries.txt"))
    for text, why in table(name)
    if is_seen(why) and is_seen(f"{why} is not a {text}") and "\t" not in text
]


def test_the_published_schema_is_current() -> None:
    published = json.loads(Path("docs/schema/retention.schema.json").read_text())
    assert published == SCHEMA.schema, "make schema"
    jsonschema.Draft202012Validator.check_schema(published)


INCLUDED = "format: 1\npolicies: [{name: a, keep: nothing, repositories: r/**}]"


@pytest.mark.parametrize("text", [example(), f"{HEAD}include: {{a.yaml: r/a/**}}", INCLUDED])
def test_good_files(text: str) -> None:
    SCHEMA.validate(yaml.safe_load(text))


@pytest.mark.parametrize("text", BAD)
def test_bad_files(text: str) -> None:
    assert not SCHEMA.is_valid(next(yaml.safe_load_all(text), None))


def test_most_bad_files_are_seen_to_be_bad() -> None:
    assert len(BAD) > 60


def whole(draw: st.DrawFn) -> dict[str, Any]:
    keep: Any = [entry_data(each) for each in draw(st.lists(entries().filter(is_said), min_size=1, max_size=2))]
    policy = {"name": "a", "repositories": ["r.example/**"], "keep": draw(st.just(keep) | st.just("nothing"))}
    others = {
        "except": "**/cache",
        "untagged": {"after": "7d"},
        "times": "created",
        "immutable": "/^[0-9a-f]+$/",
        "may-empty": True,
    }
    policy |= {key: others[key] for key in draw(st.sets(st.sampled_from(sorted(others))))}
    return {
        "format": 1,
        "in-use": {"kubernetes": "none"},
        "clones": dict.fromkeys(CLONES, "/git"),
        "policies": [policy],
    }


def places(data: Any) -> list[tuple[Any, Any]]:
    """Every place in the data, as what it is in and where."""
    inside = list(data.items()) if isinstance(data, dict) else list(enumerate(data)) if isinstance(data, list) else []
    return [place for key, value in inside for place in [(data, key), *places(value)]]


def spoiled(data: dict[str, Any], random: Random) -> dict[str, Any]:
    """With one thing missing, of another kind, or too much."""
    made = copy.deepcopy(data)
    into, key = random.choice(places(made))
    match random.randrange(4):
        case 0:
            del into[key]
        case 1:
            into[key] = random.choice([None, [], {}, "x", 3, 0, -1, True, {"x": 1}, ["x"], "7d", "30", 1.5, "nothing"])
        case 2 if isinstance(into, dict):
            into[random.choice(["x", "newest", "after", "keep", "within", "per", "by", "tags", "groups"])] = into[key]
        case _:
            into[key] = [into[key]]
    return made


@settings(max_examples=10, deadline=None)
@given(data=st.data(), random=st.randoms(use_true_random=False))
def test_what_the_reader_takes_the_schema_takes(data: st.DataObject, random: Random, tmp_path_factory: Any) -> None:
    document = data.draw(st.composite(whole)())
    SCHEMA.validate(document)
    path = tmp_path_factory.mktemp("drawn") / "a.yaml"
    for each in (document, *(spoiled(document, random) for _ in range(5))):
        path.write_text(yaml.safe_dump(each, allow_unicode=True))
        why = ""
        try:
            load_retention_file(path, path.parent)
        except UsageError as error:
            why = error.message
        if SCHEMA.is_valid(each):
            assert not why or not is_seen(why), (each, why)
        else:
            assert why, each
