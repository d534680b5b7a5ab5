"""The opinions are none if nothing can contradict them."""

import json
from typing import Any, Final

import pytest
from azure.containerregistry._generated.models import _models as models
from pydantic import BaseModel, ValidationError

from tests.second_opinions.attribute_maps import described
from tests.second_opinions.strictness import Question, shape, understood, unknown


class Inner(BaseModel):
    number: int


class Outer(BaseModel):
    inner: Inner
    name: str | None = None


def test_what_is_described_is_understood() -> None:
    assert understood(list[Outer], b'[{"inner": {"number": 1}, "name": null}]') == [Outer(inner=Inner(number=1))]


@pytest.mark.parametrize(
    "body",
    [
        b'{"inner": {"number": 1}, "nmae": "x"}',
        b'{"inner": {"number": 1, "more": 2}}',
        b'{"inner": {"number": "1"}}',
        b'{"inner": {}}',
        b'{"name": "x"}',
        b"[]",
        b"<html>",
    ],
)
def test_what_is_not_described_is_refused(body: bytes) -> None:
    with pytest.raises(ValidationError):
        understood(Outer, body)


def test_questions_that_nobody_else_asks() -> None:
    theirs = [Question("GET", "/list", frozenset({"page", "size"}))]
    fewer, other = Question("GET", "/list", frozenset({"page"})), Question("GET", "/list", frozenset({"pgae"}))
    written, elsewhere = Question("PUT", "/list", frozenset()), Question("GET", "/lists", frozenset())
    assert unknown([fewer, other, written, elsewhere], theirs) == {other, written, elsewhere}


@pytest.mark.parametrize("body", [b"{}", b'{"must": null}', b'{"must": 1, "may": null}', b'{"must": 1, "more": 1}'])
def test_a_shape_is_no_vaguer_than_a_class(body: bytes) -> None:
    type_ = shape("Shape", {"must": int, "may": str}, {"must"})
    assert understood(type_, b'{"must": 1}') == {"must": 1}
    with pytest.raises(ValidationError):
        understood(type_, body)


TAG: Final[dict[str, Any]] = {
    "name": "v1",
    "digest": "sha256:1",
    "createdTime": "2026-01-02T03:04:05.1234567Z",
    "lastUpdateTime": "2026-01-02T03:04:05Z",
    "changeableAttributes": {"deleteEnabled": True},
    "signed": False,
}


@pytest.mark.parametrize(
    "change",
    [
        {"digest": None},
        {"name": 1},
        {"createdTime": "yesterday"},
        {"changeableAttributes": {"deleteEnabled": "true"}},
        {"changeableAttributes": {"deletable": True}},
        {"signed": 0},
        {"more": 1},
    ],
)
def test_what_a_model_does_not_have_is_refused(change: dict[str, Any]) -> None:
    type_ = described(models.TagList, {"TagAttributesBase": {"signed": bool}})
    page = {"registry": "acme.azurecr.io", "imageName": "team/app", "tags": [TAG]}
    assert understood(type_, json.dumps(page).encode()) == page
    for wrong in (page | {"tags": [TAG | change]}, page | {"tags": None}, {"tags": [TAG]}):
        with pytest.raises(ValidationError):
            understood(type_, json.dumps(wrong).encode())
