"""The files of accepted differences: read strictly, and held to what is found."""

from pathlib import Path

import msgspec
import pytest

from tests.real import accepted
from tests.real.accepted import Difference, Entry, entries, judged

FOUND = Difference("zot-full", "blobs/range", "206", "200")


def test_every_file_can_be_read() -> None:
    files = sorted(Path(accepted.__file__).with_name("differences").glob("*.toml"))
    assert files
    for file in files:
        entries(file.stem)


def test_a_difference_without_an_entry_is_a_fault() -> None:
    told = judged(
        "zot-full", [FOUND], [Entry("olareg", "blobs/*", "why"), Entry("zot-*", "blobs/*", "why", real="416")]
    )
    assert told.accepted == ()
    assert told.faults[0] == f"not accepted: {FOUND}"


def test_an_entry_of_this_server_that_nothing_needs_is_a_fault() -> None:
    told = judged("zot-full", [FOUND], [Entry("zot-*", "blobs/*", "why"), Entry("zot-full", "tags/*", "another")])
    assert told.accepted == (FOUND,)
    assert told.faults == ("accepted, and not there: tags/* (another)",)


@pytest.mark.parametrize(
    "text", ['server = "a"\nwhat = "b"', 'server = "a"\nwhat = "b"\nreason = ""', 'server = "a"\nwhat = "b"\nwhy = "c"']
)
def test_an_entry_has_a_reason(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "some.toml").write_text(f"[[difference]]\n{text}\n")
    monkeypatch.setattr(accepted, "_FOLDER", tmp_path)
    with pytest.raises(msgspec.ValidationError):
        entries("some")
