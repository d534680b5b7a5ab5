"""Rules of the house that no linter knows."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE_ROOTS = (ROOT, ROOT / "engine", ROOT / "adapters", ROOT / "policies")
SOURCES = sorted(path for root in SOURCE_ROOTS for path in (root / "holystone").rglob("*.py"))
VENDORS = ("ecr", "acr", "gcr", "dockerhub", "ghcr", "github", "gitlab", "harbor", "quay", "artifactory")


def test_holystone_stays_a_namespace() -> None:
    """One such file would hide three of the four folders, and mypy would not notice."""
    assert not [root for root in SOURCE_ROOTS if (root / "holystone" / "__init__.py").exists()]


def test_every_portion_is_typed() -> None:
    assert all((root / "holystone" / room / "py.typed").exists() for root, room in _rooms())


def _rooms() -> list[tuple[Path, str]]:
    return [(ROOT / "engine", "engine"), (ROOT / "adapters", "adapters"), (ROOT / "policies", "policies")]


def test_the_engine_names_no_vendor() -> None:
    """Outside of comments and docstrings, i.e. in identifiers, strings and branches."""
    word = re.compile(rf"(?<![a-z])({'|'.join(VENDORS)})(?![a-z])", re.IGNORECASE)
    found = []
    for path in sorted((ROOT / "engine").rglob("*.py")):
        code = re.sub(r'"""(?:.|\n)*?"""|#.*', "", path.read_text())
        found += [f"{path.relative_to(ROOT)}: {match.group()}" for match in word.finditer(code)]
    assert not found


def test_the_engine_does_not_say_werf() -> None:
    """In words for people and in docstrings neither: who builds is the policies' and the program's to know."""
    texts = {path: path.read_text() for path in (ROOT / "engine").rglob("*.py")}
    assert [str(path.relative_to(ROOT)) for path, text in sorted(texts.items()) if "werf" in text.casefold()] == []


def test_no_module_is_longer_than_three_hundred_lines() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in SOURCES}
    assert not {path: length for path, length in lengths.items() if length > 300}
    assert sorted(lengths.values())[len(lengths) // 2] <= 120


def test_a_docstring_can_be_read_alone() -> None:
    """None is the second half of a sentence whose first half is the name above it."""
    half = re.compile(r"…|(And|Also|As|But|For people|Likewise|Of|Or|So|Those|Twice|With|None (if|for)|False if)\b")
    found = [
        f"{path.relative_to(ROOT)}: {node.name}: {words[:60]}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        if half.match(words := ast.get_docstring(node) or "")
    ]
    assert not found


def test_use_cases_read_no_environment() -> None:
    """Whoever starts one hands it what it may know: a program that uses the library has an environment of its own."""
    files = [*(ROOT / "holystone" / "workflows").glob("*.py"), *(ROOT / "engine").rglob("*.py")]
    assert len(files) > 100
    assert [str(each) for each in files if re.search(r"\bos\.environ\b|\bgetenv\b", each.read_text())] == []


def test_the_command_line_loads_no_heavy_library() -> None:
    """`--help` is asked at every shell completion: 150 ms are the budget, and these are what would break it."""
    heavy = ("aiohttp", "pygit2", "structlog", "anyio", "sqlite3", "yaml", "tenacity", "uvloop", "prometheus_client")
    program = f"import sys, holystone.cli.main; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "arguments", [["--help"], ["cleanup", "--help"], ["images", "cleanup", "--help"], ["--version"]]
)
def test_help_works(arguments: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", "holystone.cli", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "olystone" in done.stdout
