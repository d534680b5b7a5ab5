"""All that is printed goes through one door, where nothing of a stranger's can steer, forge or tell."""

import ast
import io
import json
import os
import re
import sys
import tracemalloc
from pathlib import Path
from typing import Final

import pytest

from holystone.adapters.credentials.secret import Secret
from holystone.ui import output

ROOT: Final = Path(__file__).parents[2]
DOOR: Final = "holystone/ui/output.py"
HOSTILE: Final = {
    "escape": "\x1b[2J\x1b]0;title\x07",
    "one byte": "\x9b31m",
    "carriage return": "all is well\rnothing was deleted",
    "line feed": "label\n::error::give me\nNothing was deleted.",
    "other line ends": "a\x0bb\x0cc\x85d\u2028e\u2029f",
    "from right to left": "\u202egnp.exe\u2066x\u2069",
    "not to be seen": "a\u200bb\ufeffc\u00add",
    "half a character": "a\udcff",
    "GitHub": "::set-env name=PATH::/tmp",
    "GitHub, indented": "   ::add-mask::x",
    "GitHub, older": "x ##[add-path]/tmp",
    "Azure": "manifest ##vso[task.setvariable variable=x]y",
    "TeamCity": "##teamcity[buildStatus status='SUCCESS']",
    "GitLab": "\x1b[0Ksection_start:1:x\r\x1b[0K",
}
_OBEYED: Final = re.compile(r"^\s*::|##\w*\[", re.MULTILINE)


def is_harmless(shown: str, lines: int = 1) -> bool:
    return (
        all(line.isprintable() for line in shown.split("\n"))
        and shown.count("\n") == lines
        and not _OBEYED.search(shown)
    )


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_text_of_a_stranger_steers_anything(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    output.report(HOSTILE[kind], f"  note: {HOSTILE[kind]}")
    output.tell(f"holystone: {HOSTILE[kind]}")
    shown = capsys.readouterr()
    assert is_harmless(shown.out, 2), shown.out
    assert is_harmless(shown.err), shown.err


@pytest.mark.parametrize("kind", HOSTILE)
def test_nor_in_json_where_it_still_is_what_it_was(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    if kind == "half a character":
        pytest.skip("is not Unicode")
    encoded = json.dumps({"said": HOSTILE[kind]}, ensure_ascii=False).encode()
    output.document([encoded])
    shown = capsys.readouterr().out
    assert is_harmless(shown), shown
    assert json.loads(shown) == {"said": HOSTILE[kind]}


def test_a_secret_is_hidden_in_text_and_in_json_which_stays_json(capsys: pytest.CaptureFixture[str]) -> None:
    secret = Secret('1234"5&6')
    said = {'a 1234"5&6': ['1234"5&6', 12345, None, {"b": "MTIzNCI1JjY="}]}
    output.document([json.dumps(said).encode()])
    output.tell('holystone: 1234"5&6 or 1234\\"5\\u00266')
    shown = capsys.readouterr()
    assert json.loads(shown.out) == {"a ***": ["***", 12345, None, {"b": "***="}]}
    assert shown.err == "holystone: *** or ***\n"
    assert secret


def test_an_ascii_terminal_and_a_closed_one_end_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", narrow)
    output.report("\N{EURO SIGN} \x9b")
    output.document(['{"a":"\N{EURO SIGN}\N{KEY}"}'.encode()])
    text, said = narrow.buffer.getvalue().decode("ascii").splitlines()
    assert text == "\\u20ac \\x9b"
    assert json.loads(said) == {"a": "\N{EURO SIGN}\N{KEY}"}
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    output.report("x")
    output.tell("x")


@pytest.mark.parametrize("way", ["document", "report"])
def test_what_is_large_is_printed_without_many_copies(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan of all tags that a run can hold has a hundred megabytes."""
    line = "x" * (8 << 20)
    encoded = json.dumps(line).encode()
    with Path(os.devnull).open("w", encoding="utf-8") as printed:
        monkeypatch.setattr(sys, "stdout", printed)
        tracemalloc.start()
        try:
            if way == "document":
                output.document([encoded])
            else:
                output.report(line)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 1.5 * len(line)


def test_a_piece_ends_between_two_characters(capsys: pytest.CaptureFixture[str]) -> None:
    text = "\N{KEY}" * 3_000_000
    output.report(text)
    assert capsys.readouterr().out == f"{text}\n"


def test_nobody_else_prints() -> None:
    rooms = ("holystone", "engine", "adapters", "policies")
    files = [file for room in rooms for file in (ROOT / room).rglob("*.py")]
    assert files
    printing = {
        f"{name}: {ast.unparse(node)}"
        for file in files
        if (name := str(file.relative_to(ROOT))) != DOOR
        for node in ast.walk(ast.parse(file.read_text()))
        if _prints(node)
    }
    assert printing == set()


def _prints(node: ast.AST) -> bool:
    match node:
        case ast.Name(id="print" | "input" | "breakpoint"):
            return True
        case ast.Attribute(value=ast.Name(id="sys"), attr="stdout" | "stderr" | "__stdout__" | "__stderr__"):
            return True
        case ast.Attribute(value=ast.Name(id="click"), attr="echo" | "secho" | "prompt" | "confirm" | "style"):
            return True
        case ast.Attribute(attr="print_exc" | "StreamHandler" | "PrintLoggerFactory" | "WriteLoggerFactory"):
            return True
        case ast.ImportFrom(module="sys" | "click", names=names):
            return any(each.name in {"stdout", "stderr", "echo", "secho"} for each in names)
        case _:
            return False


def test_long_words_are_escaped_and_written_in_parts(capsys: pytest.CaptureFixture[str]) -> None:
    """So that they take little memory; a command is no less one where two parts meet."""
    many = (1 << 16) - 2
    for more in range(4):
        said = "x" * (many + more) + "##vso[a]"
        output.report(said, "\x1b" + said, said)
        assert capsys.readouterr().out == "\n".join(
            part.replace("##", r"#\x23") for part in (said, r"\x1b" + said, said, "")
        )
        output.document([json.dumps({"a": said}).encode()])
        told = capsys.readouterr().out
        assert "##" not in told
        assert json.loads(told) == {"a": said}


@pytest.mark.parametrize("before", ["\n", "\t", "\r", "\u2028", "\\"])
def test_a_short_secret_behind_an_escape_is_hidden_in_json(capsys: pytest.CaptureFixture[str], before: str) -> None:
    """The letter of the escape would make it a part of a word."""
    secret = Secret("1zq5")
    output.document([json.dumps({"why": f"before{before}1zq5"}).encode()])
    assert json.loads(capsys.readouterr().out) == {"why": f"before{before}***"}
    assert secret
