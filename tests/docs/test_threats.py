"""Every threat of docs/threats.md, fault of tests/found.md, credential of docs/credentials.md and answer of
docs/answers.md names tests that are there."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
THREATS = (TESTS.parent / "docs/threats.md").read_text()
FOUND = (TESTS / "found.md").read_text()
CREDENTIALS = (TESTS.parent / "docs/credentials.md").read_text()
ANSWERS = (TESTS.parent / "docs/answers.md").read_text()
NAME = re.compile(r"`([\w/.-]+?(?:\.py)?)(?:::(\w+))?(?: \[\w+)?`")


def rows(page: str, column: str) -> list[tuple[str, str]]:
    """First cell that says something and the cell below `column`, of each table that has such a column."""
    found, at = [], None
    for line in page.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]
        if column in cells:
            at = cells.index(column)
        elif not cells:
            at = None
        elif at is not None and set(cells[0]) - set("-"):
            found.append((" / ".join(cells[:2]), cells[at]))
        elif at is not None and not cells[0]:
            found.append((cells[1], cells[at]))
    return found


@pytest.mark.parametrize(
    ("page", "column"),
    [(THREATS, "held by"), (FOUND, "tests"), (CREDENTIALS, "test"), (ANSWERS, "held by")],
    ids=["threats", "found", "credentials", "answers"],
)
def test_each_row_names_tests_that_are_there(page: str, column: str) -> None:
    all_rows = rows(page, column)
    assert len(all_rows) > 30
    for row, cell in all_rows:
        names = NAME.findall(cell)
        assert names, f"no test holds: {row}"
        for path, function in names:
            there = TESTS / path
            assert there.exists(), f"{row}: {path}"
            assert not function or f"def {function}(" in there.read_text(), f"{row}: {path}::{function}"


def test_each_way_to_sign_in_is_tried_by_a_process_and_listed() -> None:
    """Every row of docs/credentials.md names a test of `sign_in/`, and each of those stands in a row."""
    named = set()
    for row, cell in rows(CREDENTIALS, "test"):
        by_processes = {found for found in NAME.findall(cell) if found[0].startswith("sign_in/")}
        assert by_processes, f"tried by no process: {row}"
        named |= by_processes
    there = {
        (f"sign_in/{file.name}", test)
        for file in (TESTS / "sign_in").glob("test_*.py")
        for test in re.findall(r"^def (test_\w+)\(", file.read_text(), re.MULTILINE)
    }
    assert named == there
