"""The opinions are none if nothing can contradict them."""

import json
from typing import Any

import pytest

from tests.second_opinions.openapi_answers import Description
from tests.second_opinions.strictness import without

ITEM = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "size": {"type": "integer", "nullable": True},
        "state": {"type": "string", "enum": ["on", "off"]},
    },
}
LIST: dict[str, Any] = {
    "allOf": [
        {"type": "object", "required": ["count"], "properties": {"count": {"type": "integer"}}},
        {"properties": {"results": {"type": "array", "items": {"$ref": "#/components/schemas/item"}}}},
    ]
}
DESCRIPTION = Description(
    {
        "paths": {
            "/things/{name}": {
                "parameters": [{"in": "path", "name": "name", "required": True}],
                "get": {
                    "parameters": [
                        {"in": "query", "name": "page"},
                        {"$ref": "#/components/parameters/kind"},
                    ],
                    "responses": {"200": {"content": {"application/json": {"schema": LIST}}}, "404": {}},
                },
            }
        },
        "components": {
            "schemas": {"item": ITEM},
            "parameters": {"kind": {"in": "query", "name": "kind", "required": True}},
        },
    }
)


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/things/one/two?kind=a"),
        ("GET", "/thing/one?kind=a"),
        ("DELETE", "/things/one?kind=a"),
        ("GET", "/things/one?kind=a&pgae=1"),
        ("GET", "/things/one?page=1"),
    ],
)
def test_what_is_not_described_is_a_mistake(method: str, target: str) -> None:
    assert DESCRIPTION.mistakes("GET", "/things/one?kind=a&page=1") == []
    assert len(DESCRIPTION.mistakes(method, target)) == 1


@pytest.mark.parametrize(
    ("status", "document"),
    [
        (200, {"count": "1", "results": []}),
        (200, {"results": []}),
        (200, {"count": 1, "more": 1}),
        (200, {"count": 1, "results": [{"size": 1}]}),
        (200, {"count": 1, "results": [{"name": "a", "siez": 1}]}),
        (200, {"count": 1, "results": [{"name": None}]}),
        (200, {"count": 1, "results": [{"name": "a", "size": "1"}]}),
        (200, {"count": 1, "results": [{"name": "a", "state": "of"}]}),
        (200, []),
        (404, {}),
        (403, {}),
    ],
)
def test_what_is_not_promised_is_a_misfit(status: int, document: object) -> None:
    operation = DESCRIPTION.operation("GET", "/things/one")
    assert operation is not None
    good = {"count": 2, "results": [{"name": "a", "size": None, "state": "on"}, {"name": "b", "size": 1}]}
    assert DESCRIPTION.misfits(operation, 200, json.dumps(good).encode()) == []
    assert DESCRIPTION.misfits(operation, 404, b"") == []
    assert DESCRIPTION.misfits(operation, status, json.dumps(document).encode())


def test_what_is_known_is_told_apart_from_the_rest() -> None:
    known = {"no .*": "a reason", "never": "another"}
    assert without(["no thing", "no other", "nothing"], known) == ({"nothing"}, {"no .*"})
