"""What an emulator says and what an adapter asks, held against a client that was generated from the vendor's own
description of its API."""

import re
from collections.abc import Container, Iterable, Mapping
from typing import Any, NamedTuple, NotRequired, Required, cast
from urllib.parse import parse_qsl

from pydantic import TypeAdapter
from typing_extensions import TypedDict  # typing's own is refused by pydantic before Python 3.12

from holystone.embedded.recording import RecordedRequest


class Question(NamedTuple):
    """A request without what differs from one repository to the next."""

    method: str
    path: str
    parameters: frozenset[str]


def understood(type_: Any, body: bytes) -> Any:
    """Raises ValidationError for a field that the description does not have, one that it requires and that is missing,
    and a value of another type: `"1"` is no number."""
    return TypeAdapter(type_).validate_json(body, strict=True, extra="forbid")


def shape(name: str, fields: Mapping[str, Any], required: Container[str] = ()) -> Any:
    """The type of a JSON object whose description is first read when the tests run. What may be left out may not be
    null either."""
    made = {key: Required[type_] if key in required else NotRequired[type_] for key, type_ in fields.items()}
    return cast("Any", TypedDict)(name, made)


def question(request: RecordedRequest) -> Question:
    path, _, query = request.path.partition("?")
    path = re.sub(r"/(_?tags)/[^/]+$", r"/\1/TAG", path)
    path = re.sub(r"/(artifacts/[^/]+|versions/[0-9]+|manifests/[^/]+)(?=/|$)", "/ONE", path)
    return Question(request.method, path, frozenset(name for name, _ in parse_qsl(query)))


def unknown(ours: Iterable[Question], theirs: Iterable[Question]) -> set[Question]:
    """Questions of ours that are not theirs too, or have parameters that theirs do not have."""
    known = set(theirs)
    return {
        each
        for each in ours
        if not any(each[:2] == other[:2] and each.parameters <= other.parameters for other in known)
    }


def without(found: Iterable[str], known: Mapping[str, str]) -> tuple[set[str], set[str]]:
    """What is found besides what is known, and which of the known (regular expressions, each with its reason) were
    found: one that nothing matches any more has to go."""
    found = set(found)
    used = {pattern for pattern in known if any(re.fullmatch(pattern, each) for each in found)}
    return {each for each in found if not any(re.fullmatch(pattern, each) for pattern in used)}, used
