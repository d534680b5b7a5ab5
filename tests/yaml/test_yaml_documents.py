"""Positions, and everything that is refused before a value is believed."""

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from holystone.adapters.yaml.documents import MAX_BYTES, decode, parse_documents
from holystone.adapters.yaml.nodes import Position, shown
from holystone.engine.errors import UsageError


def plain(text: str) -> list[Any]:
    return [node.plain() for node in parse_documents(text, "f")]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", []),
        ("---\n---\n# nothing\n", []),
        ("a: 1\n---\nb: ~\n", [{"a": 1}, {"b": None}]),
        ("a: [x, y]\nb:\n- c: 1.5\n", [{"a": ["x", "y"], "b": [{"c": 1.5}]}]),
        ("a: 168h\nb: -1\nc: 010\nd: 1:30\n", [{"a": "168h", "b": -1, "c": "010", "d": "1:30"}]),
        ("a: 0x10\nb: 2001-01-01\n", [{"a": "0x10", "b": "2001-01-01"}]),
        ("a: yes\nb: 'yes'\nc: \"1\"\nd: !!str 1\n", [{"a": True, "b": "yes", "c": "1", "d": "1"}]),
        ("on: 1\n~: 2\n1: 3\n", [{"on": 1, "~": 2, "1": 3}]),
        ("x: &a [1]\ny: *a\n", [{"x": [1], "y": [1]}]),
        ("b: &b {p: 1, q: 2}\nc: {<<: *b, q: 3}\n", [{"b": {"p": 1, "q": 2}, "c": {"p": 1, "q": 3}}]),
        ("c: {q: 3, <<: [{q: 1, r: 2}, {r: 9, s: 4}]}\n", [{"c": {"q": 3, "r": 2, "s": 4}}]),
        ("c: {'<<': 1}\n", [{"c": {"<<": 1}}]),
    ],
)
def test_values(text: str, values: list[Any]) -> None:
    assert plain(text) == values


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("a: 1\nb: 2\na: 3\n", "f:3:1", "a: this key stands here twice"),
        ("x:\n  <<: {a: 1}\n  <<: {b: 1}\n", "f:3:3", "<<: this key stands here twice"),
        ("a: *b\n", "f:1:4", "no &b is complete"),
        ("a: &a [*a]\n", "f:1:8", "no &a is complete"),
        ("? [x]\n: y\n", "f:1:3", "a key must be text"),
        ("a: &a x\n*a : y\n", "f:2:1", "a key must be text"),
        ("a: {<<: 3}\n", "f:1:9", "<< takes a mapping"),
        ("a: b: c\n", "f:1:5", "not YAML"),
        ("a:\n\t- b\n", "f:2:1", "not YAML"),
        ("a: 'x\n", "f:2:1", "not YAML"),
        ("a: ä\nb: \x01\n", "f:2:4", "control characters"),
        ("[" * 5000, "f:1:101", "nested deeper than 100"),
        ("- " * 5000, "f:1:201", "nested deeper than 100"),
    ],
)
def test_refused_with_the_place(text: str, where: str, what: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_documents(text, "f")
    assert caught.value.message.startswith(f"{where}: ")
    assert what in caught.value.message


def bomb(levels: int, width: int) -> str:
    lines = ["a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        bomb(60, 9),
        "a: &a {" + ", ".join(f"k{n}: 1" for n in range(1000)) + "}\nb:\n" + "- {<<: *a}\n" * 300,
        pytest.param("- x\n" * 201_000, marks=pytest.mark.slow),
    ],
    ids=["aliases", "merges", "plain"],
)
def test_no_more_values_than_an_honest_file_holds(text: str) -> None:
    with pytest.raises(UsageError, match="more than 200000 values"):
        parse_documents(text, "f")


def test_a_chain_of_aliases_is_not_deeper_than_lists_may_be() -> None:
    with pytest.raises(UsageError, match="nested deeper"):
        parse_documents(bomb(200, 1), "f")


def test_bytes() -> None:
    assert decode(b"\xef\xbb\xbfa: 1", "f") == "a: 1"
    with pytest.raises(UsageError, match=r"^f:2:4: not UTF-8"):
        decode(b"a: 1\nb: \xff\n", "f")
    with pytest.raises(UsageError, match="larger than 4 MiB"):
        decode(b" " * (MAX_BYTES + 1), "f")


def test_locate_goes_as_deep_as_the_path_exists() -> None:
    (node,) = parse_documents("a:\n  - b: 1\n    c:\n      d: 2\n  - x\n", "f")
    assert node.locate(()) == Position(1, 1)
    assert node.locate(("a",)) == Position(1, 1)
    assert node.locate(("a", 0)) == Position(2, 5)
    assert node.locate(("a", 0, "c", "d")) == Position(4, 7)
    assert node.locate(("a", 0, "c", "missing")) == Position(3, 5)
    assert node.locate(("a", 1)) == Position(5, 5)
    assert node.locate(("a", 7, "c")) == Position(1, 1)
    assert node.locate(("a", 1, "c")) == Position(5, 5)
    assert shown(("a", 0, "c", "d")) == "a[0].c.d"


trees = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc<=:~ 1", max_size=4), inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=80, deadline=None)
@given(st.lists(trees, max_size=3))
def test_what_another_library_writes_is_read_back(values: list[Any]) -> None:
    text = yaml.safe_dump_all(values, explicit_start=True)
    assert plain(text) == [value for value in values if value is not None]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\u2028"])
def test_directives_without_end_are_refused_before_libyaml_sees_them(end: str) -> None:
    """It compares each with each: ten thousand take a second, and as many as fit into a file hours."""
    text = "".join(f"%TAG !a{number}! x{end}" for number in range(200_000))
    with pytest.raises(UsageError, match="more than 100 %TAG directives"):
        parse_documents(f"{text}---\na: 1\n", "f")


def test_what_only_looks_like_directives_is_text() -> None:
    assert plain("a: |\n" + "  %TAG !a! x\n" * 101) == [{"a": "%TAG !a! x\n" * 101}]
    assert plain("%TAG !a! x\n---\na: 1\n") == [{"a": 1}]
