"""A secret may be said to be somewhere: settings hold where, and it is read when it is needed."""

import os
import pickle
import threading
import traceback
from pathlib import Path

import msgspec
import pytest

from holystone.adapters.credentials.credential import RegistryToken, UserPassword
from holystone.adapters.credentials.reference import (
    LARGEST,
    AsGiven,
    InFile,
    InVariable,
    PasswordLogin,
    SecretReference,
    TokenLogin,
    parse_reference,
    read_login,
    read_secret,
)
from holystone.adapters.credentials.secret import Secret
from holystone.engine.errors import UsageError
from holystone.engine.model.codec import from_json, to_json

BY = "--repo-quay-token"


def refused(reference: SecretReference, **environ: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        read_secret(reference, environ)
    return caught.value


def test_a_variable_is_read_when_it_is_needed() -> None:
    reference = parse_reference("env:QUAY", BY)
    assert reference == InVariable("QUAY", BY)
    assert read_secret(reference, {"QUAY": "one\n"}) == Secret("one\n")
    assert read_secret(reference, {"QUAY": "another"}) == Secret("another")
    for environ in ({}, {"QUAY": ""}):
        assert refused(reference, **environ).message == (
            "--repo-quay-token refers to the variable QUAY, which is not set, or empty."
        )


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        ("tok", "tok"),
        ("tok\n", "tok"),
        ("tok\r\n", "tok"),
        ("tok\n\n", "tok\n"),
        (" tok\r", " tok\r"),
        ("env:X", "env:X"),
    ],
)
def test_a_file_is_the_secret_without_the_end_of_its_line(tmp_path: Path, content: str, secret: str) -> None:
    (tmp_path / "token").write_bytes(content.encode())
    assert read_secret(parse_reference(f"file:{tmp_path}/token", BY), {}) == Secret(secret)


def test_what_a_variable_holds_refers_to_nothing_else() -> None:
    """So a secret can begin like a reference."""
    assert read_secret(InVariable("X", BY), {"X": "file:/etc/passwd"}) == Secret("file:/etc/passwd")


def test_a_path_counts_from_where_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse_reference("file:a/token", BY) == InFile(f"{tmp_path}/a/token", BY)
    assert parse_reference("file:~/token", BY, lambda text: Path(text.replace("~", "/home/me"))) == InFile(
        "/home/me/token", BY
    )


def test_a_pipe_is_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=("tok\n",))
    writer.start()
    assert read_secret(parse_reference(f"file:{tmp_path}/pipe", BY), {}) == Secret("tok")
    writer.join()


def test_a_file_that_is_no_secret_is_told_with_its_name_and_nothing_of_it(tmp_path: Path) -> None:
    bodies = {"large": b"x" * (LARGEST + 1), "empty": b"", "blank": b"\n", "latin": b"hunter2\xff"}
    for name, body in bodies.items():
        (tmp_path / name).write_bytes(body)
    causes = {
        "large": "is larger than 1,048,576 bytes",
        "empty": "is empty",
        "blank": "is empty",
        "latin": "is not UTF-8",
        "none": "cannot be read: No such file or directory",
        "": "cannot be read: Is a directory",
    }
    for name, cause in causes.items():
        path = f"{tmp_path}/{name}".rstrip("/")
        error = refused(parse_reference(f"file:{path}", BY))
        assert error.message == f"--repo-quay-token refers to the file {path}, which {cause}."
        assert "hunter2" not in "".join(traceback.format_exception(error))


@pytest.mark.parametrize("text", ["env:", "env:hunter2!", "env:2hunter", "env:a b", "file:", "file:hunter2\0"])
def test_what_cannot_be_a_reference_is_not_repeated(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--repo-quay-token: ") as caught:
        parse_reference(text, BY)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_a_reference_goes_to_another_process_and_a_secret_does_not() -> None:
    for reference in (InVariable("QUAY", BY), InFile("/run/token", BY)):
        assert pickle.loads(pickle.dumps(reference)) == reference
        assert from_json(to_json(reference), InVariable | InFile) == reference  # type: ignore[arg-type]
    given = parse_reference("hunter2", BY)
    assert given == AsGiven(Secret("hunter2"), BY)
    for shown in (repr(given), str(given), f"{PasswordLogin('rob', given)}", given.origin):
        assert "hunter2" not in shown
    for write in (pickle.dumps, to_json, msgspec.json.encode):
        with pytest.raises((TypeError, NotImplementedError)):
            write(TokenLogin(given))


def test_a_login_says_where_its_secret_is_from() -> None:
    environ = {"QUAY": "tok"}
    assert read_login(TokenLogin(InVariable("QUAY", BY)), environ) == RegistryToken(
        Secret("tok"), "env:QUAY of --repo-quay-token"
    )
    given = AsGiven(Secret("pass"), "$WERF_REPO_HARBOR_PASSWORD")
    assert read_login(PasswordLogin("rob", given), {}) == UserPassword(
        "rob", Secret("pass"), "$WERF_REPO_HARBOR_PASSWORD"
    )
