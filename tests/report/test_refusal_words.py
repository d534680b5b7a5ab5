"""Every kind of refusal has words, whatever a plan file says of it, and programs can count them."""

import json
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holystone.engine.model.codec import from_json, to_json
from holystone.engine.model.plan import Plan, PlanHead
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath
from holystone.engine.model.refusals import CannotDelete, Refusal, Unconfirmed
from holystone.engine.report.document import Document
from holystone.engine.report.refusal_words import refusal_words
from holystone.engine.report.told import PlanReport, plan_report
from tests.support.any_value import any_value

KINDS = get_args(Refusal)
APP, BACK = (Repository(RegistryHost("r.example"), RepositoryPath(path)) for path in ("shop/app", "shop/back"))


def plan_of(*refusals: Refusal) -> Plan:
    return Plan(as_of=1, command="cleanup", repositories=(), refusals=refusals)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__struct_config__.tag)
@given(st.data())
@settings(max_examples=20, deadline=None)
def test_each_has_words_for_one_and_for_many(kind: Any, data: st.DataObject) -> None:
    refusal = data.draw(any_value(kind))
    why, what_to_do, of_many = refusal_words(refusal)
    assert why
    assert what_to_do
    assert of_many


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__struct_config__.tag)
@given(st.data())
@settings(max_examples=20, deadline=None)
def test_each_is_read_as_it_was_written(kind: Any, data: st.DataObject) -> None:
    plan = plan_of(data.draw(any_value(kind)))
    assert from_json(to_json(plan.head), PlanHead) == plan.head
    told = plan_report(plan)
    assert from_json(to_json(told), PlanReport).refusals == told.refusals


def test_kinds_are_called_differently_and_by_words() -> None:
    kinds = [kind.__struct_config__.tag for kind in KINDS]
    assert len(set(kinds)) == len(kinds)
    assert all(kind.replace("-", "").islower() for kind in kinds)


def test_programs_get_each_with_its_words_and_count_the_kinds() -> None:
    plan = plan_of(CannotDelete(BACK, "it is off"), CannotDelete(APP, ""), Unconfirmed("shop"))
    told = json.loads(to_json(Document("cleanup", "refused", 3, plan=plan_report(plan))))["plan"]
    assert [(each["kind"], each["promise"]) for each in told["refusals"]] == [
        ("unconfirmed", "confirmation"),
        ("cannot-delete", "deletion-disabled"),
        ("cannot-delete", "deletion-disabled"),
    ]
    assert [each.get("repository", {}).get("path") for each in told["refusals"]] == [None, "shop/app", "shop/back"]
    assert told["refusals"][0]["phrase"] == "shop"
    assert [each["why"] for each in told["refusals"][1:]] == [
        "the registry deletes neither by tag nor by digest",
        "it is off",
    ]
    assert told["refusal_kinds"] == [
        {"kind": "cannot-delete", "number": 2, "text": "the registry deletes nothing"},
        {"kind": "unconfirmed", "number": 1, "text": "no policy stands behind it, and nobody has confirmed it yet"},
    ]
