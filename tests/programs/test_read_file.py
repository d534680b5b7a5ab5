"""Files that may be pipes."""

import os
import threading
import time
from pathlib import Path

import pytest

from holystone.adapters import files
from holystone.adapters.files import read_file, read_lines


@pytest.fixture
def pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(files, "PATIENCE", 0.5)
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def test_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 100_000)
    assert len(read_file(tmp_path / "file", 1 << 20)) == 100_000
    assert read_file(tmp_path / "file", 10) == b"x" * 10
    assert read_file(os.devnull, 10) == b""
    assert read_file("/dev/zero", 10) == b"\0" * 10
    with pytest.raises(IsADirectoryError):
        read_file(tmp_path, 10)


def test_a_pipe_that_nobody_writes_to_does_not_hold_the_run(pipe: Path) -> None:
    begun = time.monotonic()
    with pytest.raises(TimeoutError) as caught:
        read_file(pipe, 10)
    assert "it is a pipe" in str(caught.value.strerror)
    assert 0.4 < time.monotonic() - begun < 5


def test_a_pipe_whose_writer_keeps_it_open(pipe: Path) -> None:
    both = os.open(pipe, os.O_RDWR)
    os.write(both, b"begin")
    with pytest.raises(TimeoutError):
        read_file(pipe, 10)
    os.close(both)


def test_a_pipe_whose_writer_comes_late(pipe: Path) -> None:
    def write() -> None:
        time.sleep(0.1)
        pipe.write_bytes(b"x" * 200_000)

    writer = threading.Thread(target=write)
    writer.start()
    assert len(read_file(pipe, 1 << 20)) == 200_000
    writer.join()


@pytest.mark.parametrize("text", [b"", b"text"])
def test_what_a_shell_substitutes_for_a_file(text: bytes) -> None:
    reading, writing = os.pipe()
    os.write(writing, text)
    os.close(writing)
    assert read_file(f"/dev/fd/{reading}", 100) == text
    os.close(reading)


@pytest.mark.parametrize(
    "text",
    [b"", b"a", b"a\n", b"\n\n", b"a\nbc\n" + b"x" * 200_000 + b"\nend", b"x" * 65_536 + b"\ny\n"],
    ids=["nothing", "no end", "a line", "empty lines", "a long one", "at the end of a part"],
)
def test_a_file_line_by_line(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "file").write_bytes(text)
    assert list(read_lines(tmp_path / "file", 200_001)) == text.splitlines(keepends=True)


def test_a_line_that_is_too_long_is_the_last(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc\n" + b"x" * 1_000_000 + b"\nmore\n")
    assert list(read_lines(tmp_path / "file", 100)) == [b"abc\n", b"x" * 101]
    assert list(read_lines(tmp_path / "file", 3)) == [b"abc\n"]
    assert [len(line) for line in read_lines("/dev/zero", 10)] == [11]


def test_who_reads_slowly_is_not_waited_for(pipe: Path) -> None:
    """What is done with each line takes as long as it takes."""

    def write() -> None:
        with pipe.open("wb", buffering=0) as out:
            for _ in range(3):
                out.write(b"x" * 70_000 + b"\n")

    writer = threading.Thread(target=write)
    writer.start()
    lines = 0
    for _ in read_lines(pipe, 1 << 20):
        lines += 1
        time.sleep(0.3)
    assert lines == 3
    writer.join()
