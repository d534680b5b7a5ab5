"""A Secret shows itself nowhere, and is opened in one module."""

import base64
import copy
import json
import pickle
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import msgspec
import pytest

from holystone.adapters.credentials.credential import IdentityToken, RegistryToken, UserPassword
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.http.authorization import (
    Authorization,
    basic,
    bearer,
    opened_bytes,
    opened_document,
    secret_form,
    secret_json,
    with_authorization,
)
from holystone.engine.errors import UsageError

VALUE = "pass/word&\u00fc"
SECRET = Secret(VALUE)
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "text",
    [
        repr(SECRET),
        str(SECRET),
        f"{SECRET}",
        f"{SECRET:>40}",
        f"{SECRET!r}",
        "%s %r" % (SECRET, SECRET),  # noqa: UP031
        repr([SECRET, {"a": SECRET}]),
        repr(UserPassword("rob", SECRET, "here")),
        repr(IdentityToken(SECRET, "here")),
        repr(RegistryToken(SECRET, "here")),
        repr(asdict(RegistryToken(SECRET, "here"))),
    ],
)
def test_no_text_shows_it(text: str) -> None:
    assert VALUE not in text
    assert "***" in text


def test_it_says_that_there_is_one() -> None:
    assert (repr(SECRET), f"{SECRET}") == ("Secret(***)", "Secret(***)")


def test_it_is_written_nowhere() -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError):
            pickle.dumps(SECRET, protocol)
    for dump in (json.dumps, msgspec.json.encode, msgspec.msgpack.encode, msgspec.to_builtins):
        with pytest.raises((TypeError, NotImplementedError)):
            dump(SECRET)
    assert VALUE not in json.dumps(SECRET, default=str)
    with pytest.raises(TypeError):
        vars(SECRET)
    with pytest.raises(TypeError):
        SECRET.__getstate__()


def test_copies_are_the_same_secret() -> None:
    assert copy.copy(SECRET) is SECRET
    assert copy.deepcopy([SECRET])[0] is SECRET


def test_equality_and_hash() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert (Secret("a") == "a") is False
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
    assert not Secret("")
    assert SECRET.reveal() == VALUE


def test_bodies_for_login_calls() -> None:
    assert secret_form({"user": "rob", "password": SECRET}) == b"user=rob&password=pass%2Fword%26%C3%BC"
    assert json.loads(secret_json({"user": "rob", "password": SECRET})) == {"user": "rob", "password": VALUE}


@pytest.mark.parametrize(
    "send", [lambda s: basic("me", s), lambda s: secret_json({"s": s}), lambda s: secret_form({"s": s})]
)
def test_what_is_no_unicode_is_refused_and_not_shown(send: Callable[[Secret], object]) -> None:
    """A variable in Latin-1, or half a character in Docker's configuration."""
    for text in ("hunter2-\udcff", "\ud83dhunter2-"):
        assert Secret(text) == Secret(text)
        with pytest.raises(UsageError, match="no character") as caught:
            send(Secret(text))
        assert caught.value.__context__ is None
        assert "hunter2" not in str(caught.value)
    with pytest.raises(UsageError, match="no character"):  # of the user, too
        basic("bos\udcffn", Secret("hunter2"))


def test_a_secret_that_is_a_file_or_a_document() -> None:
    assert opened_bytes(SECRET) == VALUE.encode()
    assert opened_bytes(Secret("Y\nQ==\n"), base64_encoded=True) == b"a"
    for text in (VALUE, "Y%Q=="):
        with pytest.raises(ValueError, match="it is not base64") as caught:
            opened_bytes(Secret(text), base64_encoded=True)
        assert caught.value.__cause__ is caught.value.__context__ is None
    assert opened_document(Secret('{"a": 1}')) == {"a": 1}
    assert opened_document(Secret("eyJhIjogMX0="), base64_encoded=True) == {"a": 1}
    for text in ("[1]", '{"a"', "eyJhIjogMX0="):
        with pytest.raises(ValueError, match="it is not a JSON object") as caught:
            opened_document(Secret(text))
        assert caught.value.__context__ is None


@pytest.mark.parametrize("name", ["a", "ab", "abc", "abcd"])
def test_what_a_token_says_of_itself(name: str) -> None:
    def token(said: object) -> Secret:
        middle = base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")
        return Secret(f"head.{middle}.sign")

    assert bearer(token({"sub": name})).claims == {"sub": name}
    assert bearer(token([name])).claims == {}
    for other in (name, f"head.{name}", f"a.{name}.b.c", "a.%.b"):
        assert bearer(Secret(other)).claims == {}


def test_what_is_sent_beside_a_secret_is_not_shown_and_makes_no_difference() -> None:
    one, other = (Authorization("Bearer", SECRET, headers={"X-Date": day}) for day in ("monday", "tuesday"))
    assert hash(one) == hash(other)
    assert "monday" not in repr(one)


def test_no_control_character_gets_into_a_header_whatever_else_is_sent() -> None:
    for secret, beside in (("a\nb", "today"), ("ab", "to\nday")):
        used = Authorization("Bearer", Secret(secret), headers={"X-Date": beside})
        with pytest.raises(UsageError, match="a line break or another control character"):
            with_authorization({"Accept": "*/*"}, used)


def test_it_is_revealed_in_one_module_only() -> None:
    rooms = ("holystone", "engine", "adapters", "policies")
    calls = {
        str(file.relative_to(ROOT)): len(re.findall(r"\.reveal\(", text))
        for room in rooms
        for file in (ROOT / room).rglob("*.py")
        if ".reveal(" in (text := file.read_text())
    }
    assert calls == {"adapters/holystone/adapters/http/authorization.py": 1}


def test_what_a_token_says_of_itself_is_not_shown_and_makes_no_difference() -> None:
    token = Secret("e30.eyJzdWIiOiAidGhlLXN1YmplY3QifQ.x")
    one, other = bearer(token), bearer(token)
    assert one.claims == {"sub": "the-subject"}
    assert (one, hash(one)) == (other, hash(other))
    assert "the-subject" not in repr(one)
