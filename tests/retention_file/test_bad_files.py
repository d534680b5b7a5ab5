"""Whatever cannot be meant is refused, with file, line and column, before anything else is read."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from holystone.engine.errors import UsageError
from tests.retention_file.conftest import Load

HEAD = "format: 1\nin-use: {kubernetes: none}\n"
POLICY = f"{HEAD}policies:\n- "
ENTRY = f"{HEAD}clones: {{shop: /git}}\npolicies:\n- name: a\n  repositories: r.example/**\n  keep:\n  - "


def table(name: str) -> list[tuple[str, str]]:
    """What stands before each `=>`, and what is said of it."""
    text = Path(__file__).with_name(name).read_text()
    return [(case, why) for case, why in re.findall(r"((?:(?!=> ).*\n)+)=> (.*)\n*", text)]


def refused(load: Load, text: str, **others: str) -> str:
    with pytest.raises(UsageError) as caught:
        load(text, **others)
    assert caught.value.exit_code == 2
    assert "hunter2" not in str(caught.value)
    said = re.sub(r"/[^ ]*/(?=(policies|team|pinned)\.|missing)", "", caught.value.message)
    return said.replace("\0", "\\0")


@pytest.mark.parametrize(("text", "why"), table("bad_files.txt"))
def test_a_file(load: Load, text: str, why: str) -> None:
    at = "" if why.startswith("cannot read") else "policies.yaml:"
    assert refused(load, text) == f"{at}{why}"


@pytest.mark.parametrize(("text", "why"), table("bad_policies.txt"))
def test_a_policy(load: Load, text: str, why: str) -> None:
    assert refused(load, POLICY + text) == f"policies.yaml:{why}"


@pytest.mark.parametrize(("text", "why"), table("bad_entries.txt"))
def test_an_entry(load: Load, text: str, why: str) -> None:
    said = refused(load, ENTRY + text)
    at = re.match(r"policies\.yaml:8:\d+: policies\[0\]\.keep\[0\]", said)
    assert at, said
    assert said[at.end() :].removeprefix(".").removeprefix(": ") == why


def test_the_position_is_that_of_the_key_or_the_item(load: Load) -> None:
    said = refused(load, f"{POLICY}name: a\n  repositories: r/**\n  keep:\n  - tags:\n    - ok\n    - not ok\n")
    assert said.startswith("policies.yaml:9:7: policies[0].keep[0].tags[1]: ")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "pinned.csv lists no tag"),
        ("# v1\n\n", "pinned.csv lists no tag"),
        ("v1\n,reason\n", "pinned.csv:2: nothing in the first column"),
        ('v1\n"v2\n', "pinned.csv:2: not CSV: unexpected end of data"),
        ("v1\nv 2\n", "pinned.csv:2: 'v 2' matches no tag: no tag has ' ' in its name"),
        ("tag;why\n", "pinned.csv:1: 'tag;why' matches no tag: no tag has ';' in its name"),
        ("v1\n" * 10_001, "pinned.csv lists more than 10,000 tags"),
    ],
)
def test_a_list_of_tags(load: Load, text: str, why: str) -> None:
    said = refused(load, f"{ENTRY}tags: {{file: pinned.csv}}", pinned_csv=text)
    assert said == f"policies.yaml:8:12: policies[0].keep[0].tags.file: {why}"


@pytest.mark.parametrize("text", ["{format: 1}\n", "format: 1\n"])
def test_a_file_is_no_larger_than_any_configuration(load: Load, text: str) -> None:
    with pytest.raises(UsageError, match="is larger than 4 MiB"):
        load(text + "#" * (4 << 20))


def many(number: int, text: str, team: str = "p") -> str:
    return "".join(f"- {{name: {team}{each}, repositories: r.example/{team}/**, {text}}}\n" for each in range(number))


def test_how_many_policies_one_file_may_have(load: Load) -> None:
    assert load(f"{HEAD}policies:\n{many(1_000, 'keep: nothing')}")
    assert refused(load, f"{HEAD}policies:\n{many(1_001, 'keep: nothing')}").endswith("more than 1,000 policies")


@pytest.mark.parametrize(
    ("number", "text", "why"),
    [
        (100, lambda n: many(1, f"keep: [{', '.join(['newest: 1'] * n)}]"), "more than 100 keep entries in one policy"),
        (
            1_000,
            lambda n: f"- {{name: a, repositories: [{', '.join(['r.example/**'] * n)}], keep: nothing}}\n",
            "more than 1,000 patterns of repositories",
        ),
        (
            10_000,
            lambda n: many(1, f"keep: [{{tags: [{', '.join(['a'] * n)}]}}]"),
            "more than 10,000 names, globs or /expressions/ of tags",
        ),
        (
            4_096,
            lambda n: f"- {{name: {'a' * n}, repositories: '**', keep: nothing}}\n",
            "of which a name has 4,096 at most",
        ),
        (
            1_000,
            lambda n: many(1, f"keep: [{{tags: [{', '.join(['/^a$/'] * n)}]}}]"),
            "policies[0]: with this policy there are more than 1,000 expressions",
        ),
    ],
)
def test_how_much_may_be_said(load: Load, number: int, text: Callable[[int], str], why: str) -> None:
    assert load(f"{HEAD}policies:\n{text(number)}")
    assert refused(load, f"{HEAD}policies:\n{text(number + 1)}").endswith(why)


def test_how_many_files_may_be_included(load: Load) -> None:
    names = "".join(f"  {each}.yaml: r.example/a/**\n" for each in range(501))
    assert refused(load, f"{HEAD}include:\n{names}") == "policies.yaml:3:1: include: more than 500 files"


def test_how_much_all_files_together_may_say(load: Load) -> None:
    teams = ("a", "b", "c")
    included = "".join(f"  {team}.yaml: r.example/{team}/**\n" for team in teams)
    others = {f"{team}_yaml": f"format: 1\npolicies:\n{many(700, 'keep: nothing', team)}" for team in teams}
    assert "more than 2,000 policies" in refused(load, f"{HEAD}include:\n{included}", **others)
