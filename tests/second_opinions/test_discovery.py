"""What Google's documents and protos do not describe is refused; where nothing is, the opinions on Google are none."""

import json
from typing import Any, Final

import pytest
from pydantic import ValidationError

from holystone.embedded.exchange import Reply
from tests.second_opinions.discovery import Discovery
from tests.second_opinions.rpc_errors import check_refusal
from tests.second_opinions.strictness import understood

DOCUMENT: Final = Discovery(
    {
        "parameters": {"fields": {"location": "query", "type": "string"}},
        "resources": {
            "ships": {
                "methods": {
                    "get": {
                        "id": "fleet.ships.get",
                        "httpMethod": "GET",
                        "flatPath": "v1/ships/{shipsId}:show",
                        "parameters": {
                            "name": {"location": "path", "pattern": "^ships/[^/]+$", "type": "string"},
                            "count": {"location": "query", "type": "integer", "format": "int32"},
                            "view": {"location": "query", "type": "string", "enum": ["ALL", "SOME"]},
                            "port": {"location": "query", "type": "string", "required": True},
                        },
                        "response": {"$ref": "Ship"},
                    }
                }
            }
        },
        "schemas": {
            "Ship": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "weight": {"type": "string", "format": "int64"},
                    "launched": {"type": "string", "format": "google-datetime"},
                    "voyage": {"type": "string", "format": "google-duration"},
                    "rig": {"type": "string", "enum": ["SLOOP", "BRIG"]},
                    "boats": {"type": "array", "items": {"$ref": "Boat"}},
                    "flags": {"type": "object", "additionalProperties": {"type": "string"}},
                },
            },
            "Boat": {"type": "object", "properties": {"oars": {"type": "integer"}}},
            "Status": {"type": "object", "properties": {"code": {"type": "integer"}, "message": {"type": "string"}}},
        },
    }
)


def test_what_a_document_describes_is_understood() -> None:
    operation = DOCUMENT.operation("GET", "/v1/ships/argo%2F1:show?port=Iolcus&count=2&view=ALL&fields=name")
    assert operation.name == "ships.get"
    said = {
        "name": "ships/argo",
        "weight": "12",
        "launched": "2026-01-02T03:04:05.123456789Z",
        "voyage": "3.5s",
        "rig": "SLOOP",
        "boats": [{"oars": 2}, {}],
        "flags": {"main": "red"},
    }
    assert understood(operation.reply, json.dumps(said).encode()) == said


@pytest.mark.parametrize(
    "change",
    [
        {"name": None},
        {"name": "boats/argo"},
        {"weight": 12},
        {"weight": "heavy"},
        {"launched": "yesterday"},
        {"voyage": "3.5"},
        {"rig": "RAFT"},
        {"boats": {}},
        {"boats": [{"ores": 2}]},
        {"boats": [{"oars": "2"}]},
        {"flags": {"main": 1}},
        {"more": 1},
    ],
)
def test_what_a_document_does_not_describe_is_refused(change: dict[str, Any]) -> None:
    type_ = DOCUMENT.type({"$ref": "Ship"})
    with pytest.raises(ValidationError):
        understood(type_, json.dumps({"name": "ships/argo", **change}).encode())
    with pytest.raises(ValidationError):
        understood(type_, b"{}")


@pytest.mark.parametrize(
    ("method", "target", "error"),
    [
        ("PUT", "/v1/ships/argo:show?port=x", LookupError),
        ("GET", "/v1/ships/argo?port=x", LookupError),
        ("GET", "/v1/ships/argo/1:show?port=x", LookupError),
        ("GET", "/v1/ships/argo:show", ValidationError),
        ("GET", "/v1/ships/argo:show?port=x&cuont=1", ValidationError),
        ("GET", "/v1/ships/argo:show?port=x&count=one", ValidationError),
        ("GET", "/v1/ships/argo:show?port=x&view=NONE", ValidationError),
        ("GET", "/v1/ships/argo:show?port=x&name=ships/argo", ValidationError),
    ],
)
def test_requests_that_a_document_does_not_describe(method: str, target: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        DOCUMENT.operation(method, target)


GONE: Final[dict[str, Any]] = {"code": 404, "message": "Gone.", "status": "NOT_FOUND"}
RETRY: Final = "type.googleapis.com/google.rpc.RetryInfo"


@pytest.mark.parametrize(
    "change",
    [
        {"code": "404"},
        {"code": 400},
        {"code": 5},
        {"status": "PERMISSION_DENIED"},
        {"status": "LOST"},
        {"message": None},
        {"details": [{"@type": RETRY, "retryDelay": 1}]},
        {"details": [{"@type": RETRY, "delay": "1s"}]},
        {"details": [{"@type": RETRY.replace("Retry", "Rerty")}]},
        {"details": [{"retryDelay": "1s"}]},
        {"reason": "x"},
    ],
)
def test_errors_that_google_does_not_make(change: dict[str, Any]) -> None:
    check_refusal(DOCUMENT, Reply(404, json.dumps({"error": GONE}).encode()))
    details = [{"@type": RETRY, "retryDelay": "1s"}]
    check_refusal(DOCUMENT, Reply(404, json.dumps({"error": GONE | {"details": details}}).encode()))
    with pytest.raises((ValidationError, AssertionError)):
        check_refusal(DOCUMENT, Reply(404, json.dumps({"error": GONE | change}).encode()))
