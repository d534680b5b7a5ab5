"""Every kind of notice has words, whatever a plan file says of it, and programs can count them."""

import json
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holystone.engine.model.codec import from_json, to_json
from holystone.engine.model.notices import Broken, ImageHomeless, ImageUnseen, Notice, RepositoryAbsent
from holystone.engine.model.plan import Plan, PlanHead
from holystone.engine.model.references import ImageName, RegistryHost, Repository, RepositoryPath
from holystone.engine.model.source_notices import UsedByLists
from holystone.engine.report.document import Document
from holystone.engine.report.notice_words import notice_words
from holystone.engine.report.plan_text import plan_lines
from holystone.engine.report.told import PlanReport, plan_report
from tests.support.any_value import any_value

KINDS = get_args(Notice)
APP, BACK = (Repository(RegistryHost("r.example"), RepositoryPath(path)) for path in ("shop/app", "shop/back"))


def plan_of(*notices: Notice) -> Plan:
    return Plan(as_of=1, command="cleanup", repositories=(), notices=notices)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__struct_config__.tag)
@given(st.data())
@settings(max_examples=20, deadline=None)
def test_each_has_words_for_one_and_for_many(kind: Any, data: st.DataObject) -> None:
    of_one, of_many = notice_words(data.draw(any_value(kind)))
    assert of_one
    assert of_many


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__struct_config__.tag)
@given(st.data())
@settings(max_examples=20, deadline=None)
def test_each_is_read_as_it_was_written(kind: Any, data: st.DataObject) -> None:
    plan = plan_of(data.draw(any_value(kind)))
    assert from_json(to_json(plan.head), PlanHead) == plan.head
    told = plan_report(plan)
    assert from_json(to_json(told), PlanReport).notices == told.notices


def test_kinds_are_called_differently_and_by_words() -> None:
    kinds = [kind.__struct_config__.tag for kind in KINDS]
    assert len(set(kinds)) == len(kinds)
    assert all(kind.replace("-", "").islower() for kind in kinds)


def test_one_and_two_of_a_thing() -> None:
    assert notice_words(UsedByLists(1)).of_one == "1 image in use by --in-use"
    assert notice_words(UsedByLists(2)).of_one == "2 images in use by --in-use"
    tag, digest = (notice_words(Broken(APP, 2, what, "500", ())).of_one for what in ("v1", "sha256:" + "a" * 64))
    assert "2 broken tags left alone" in tag
    assert "2 broken manifests left alone" in digest


@pytest.mark.parametrize("name", ["", "`reboot`"])
def test_a_name_in_advice_is_one_word_for_a_shell(name: str) -> None:
    """`~` alone would be the home of whoever pastes it."""
    image = ImageName.parse(name)
    for notice in (ImageUnseen(APP, image, 1, BACK), ImageHomeless(image, "it is too long")):
        advice = notice_words(notice).of_one.rpartition("holystone managed-images rm ")[2]
        assert advice.startswith("'")
        assert advice.endswith("'`")


def test_they_are_told_alphabetically_whatever_their_kind() -> None:
    plan = plan_of(RepositoryAbsent(BACK), UsedByLists(3), RepositoryAbsent(APP))
    assert [line for line in plan_lines(plan, every_tag=False) if line.startswith("note")] == [
        "note: 3 images in use by --in-use",
        "note: r.example/shop/app does not exist in the registry: there is nothing to clean",
        "note: r.example/shop/back does not exist in the registry: there is nothing to clean",
    ]


def test_programs_get_each_with_its_words_and_count_the_kinds() -> None:
    plan = plan_of(RepositoryAbsent(BACK), UsedByLists(3), RepositoryAbsent(APP))
    told = json.loads(to_json(Document("cleanup", "planned", 0, plan=plan_report(plan))))["plan"]
    assert told["notices"][0] == {"kind": "used-by-lists", "number": 3, "text": "3 images in use by --in-use"}
    assert [(each["kind"], each["repository"]["path"]) for each in told["notices"][1:]] == [
        ("repository-absent", "shop/app"),
        ("repository-absent", "shop/back"),
    ]
    assert told["notice_kinds"] == [
        {"kind": "repository-absent", "number": 2, "text": "repositories that do not exist"},
        {"kind": "used-by-lists", "number": 1, "text": "images in use by --in-use"},
    ]
