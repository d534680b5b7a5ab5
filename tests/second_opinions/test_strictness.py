"""The opinions are none if nothing can contradict them."""

import pytest
from pydantic import BaseModel, ValidationError

from tests.second_opinions.strictness import Question, understood, unknown


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
