"""Lists of images in use, as people and programs write them."""

import io
from contextlib import AbstractContextManager
from pathlib import Path
from unittest import mock

import pytest

from holystone.engine.errors import UsageError
from holystone.engine.model.in_use import ListEntry, UsedImage
from holystone.engine.names import parse_used_image
from holystone.settings import in_use_lists
from holystone.settings.in_use_lists import read_lists

DIGEST = "sha256:" + "ab" * 32


def stdin(body: bytes, *, terminal: bool = False) -> AbstractContextManager[io.TextIOWrapper]:
    made = io.TextIOWrapper(io.BytesIO(body))
    made.isatty = lambda: terminal  # type: ignore[method-assign]
    return mock.patch("sys.stdin", made)


def expected(word: str, source: str) -> UsedImage:
    return parse_used_image(word, ListEntry(source))


def test_a_list(tmp_path: Path) -> None:
    file = tmp_path / "used"
    file.write_text(f"\ufeff# hosts\n\n  r.io/web:1 \r\nnginx # the proxy\nr.io/web@{DIGEST}\n{DIGEST}", "utf-8")
    assert read_lists([file]) == (
        expected("r.io/web:1", f"{file}:3"),
        expected("nginx", f"{file}:4"),
        expected(f"r.io/web@{DIGEST}", f"{file}:5"),
        expected(DIGEST, f"{file}:6"),
    )


def test_standard_input_and_files_together(tmp_path: Path) -> None:
    file = tmp_path / "used"
    file.write_text("a:1\n")
    with stdin(b"b:2\n"):
        assert read_lists([file, None]) == (expected("a:1", f"{file}:1"), expected("b:2", "standard input:1"))


def test_nothing_is_in_use() -> None:
    assert read_lists([]) == ()
    with stdin(b""):
        assert read_lists([None]) == ()


@pytest.mark.parametrize(
    "line", ["r.io/Web:1", "two words", "r.io/web:", "r.io/web@sha256:12", "\xff", "<none>", "3f57d9401f8d"]
)
def test_a_bad_line_is_an_error(tmp_path: Path, line: str) -> None:
    file = tmp_path / "used"
    file.write_text(f"a:1\n\n{line}\n", "latin-1")
    with pytest.raises(UsageError) as caught:
        read_lists([file])
    assert str(caught.value).startswith(f"--in-use: {file}:3: ")


def test_a_bad_line_of_standard_input() -> None:
    with stdin(b"a b\n"), pytest.raises(UsageError, match=r"^--in-use: standard input:1: "):
        read_lists([None])


def test_a_terminal_is_no_list() -> None:
    with stdin(b"a:1", terminal=True), pytest.raises(UsageError, match="standard input is a terminal"):
        read_lists([None])
    with mock.patch("sys.stdin", None), pytest.raises(UsageError):
        read_lists([None])


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="none cannot be read: No such file"):
        read_lists([tmp_path / "none"])
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        read_lists([tmp_path])


def test_lists_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_use_lists, "_LARGEST", 10)
    (tmp_path / "used").write_text("a:1\nbcd:2\n")
    assert len(read_lists([tmp_path / "used"])) == 2
    (tmp_path / "used").write_text("a:1\nbcde:2\n")
    with pytest.raises(UsageError, match="is larger than"):
        read_lists([tmp_path / "used"])
