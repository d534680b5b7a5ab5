"""Every file and folder that a page names is there."""

import re
from pathlib import Path

import pytest

_PAGES = ("ARCHITECTURE.md", "CONTRIBUTING.md", *sorted(map(str, Path("docs").glob("*.md"))))
_ROOTS = tuple(
    map(
        Path,
        (
            "",
            "tests",
            "engine/holystone",
            "engine/holystone/engine",
            "adapters/holystone",
            "adapters/holystone/adapters",
            "policies/holystone",
            "policies/holystone/policies",
            "holystone",
        ),
    )
)
_OURS = re.compile(
    r"(?:engine|adapters|policies|holystone|tests|benchmarks|cli|api|ui|cleanup|settings|planner|executor|http|"
    r"registries|emulators)/[\w./-]+"
)
_NEVER = {"holystone/__init__.py"}
"""Named because nobody may make it."""
_TREE = re.compile(r"^ {4,8}([\w/]+(?:/|\.py|\.md))(?= )", re.MULTILINE)


def _is_there(name: str) -> bool:
    return any((root / name).exists() or (root / f"{name}.py").exists() for root in _ROOTS)


@pytest.mark.parametrize("page", _PAGES)
def test_what_a_page_names_is_there(page: str) -> None:
    text = Path(page).read_text()
    named = {part.partition("::")[0] for part in re.findall(r"`([^`\n]+)`", text)}
    named |= {part for part in re.findall(r"\]\(([^)#:\n]+)", text) if not part.startswith("http")}
    ours = {each for each in named if _OURS.fullmatch(each) and "NAME" not in each} - _NEVER
    assert [each for each in sorted(ours) if not _is_there(each)] == []


def test_the_picture_of_the_rooms_is_whole() -> None:
    """Each room of it is there, and each that is there is in it."""
    picture = Path("ARCHITECTURE.md").read_text().partition("`holystone` is one namespace")[0]
    named = set(_TREE.findall(picture))
    rooms = [name for name in named if not name.startswith(("tests/", "benchmarks/", "docs/"))]
    assert [each for each in sorted(rooms) if not _is_there(each)] == []
    for root in ("engine/holystone/engine", "adapters/holystone/adapters", "holystone"):
        inside = {f"{each.name}/" for each in Path(root).iterdir() if (each / "__init__.py").exists()}
        assert inside <= named


def test_where_to_change_the_fifteen_likeliest_things() -> None:
    table = Path("ARCHITECTURE.md").read_text().partition("## Where do I change …?")[2]
    assert len(re.findall(r"(?m)^\| (?!what \|)(?!-)", table)) == 15
