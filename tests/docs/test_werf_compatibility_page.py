"""docs/werf-compatibility.md lists every option and variable that the program has, as its own help shows them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
import pytest
from click.testing import CliRunner

from holystone.cli.tree import holystone
from holystone.settings import options, tables
from holystone.settings.option import Option

PAGE = (Path(__file__).parents[2] / "docs/werf-compatibility.md").read_text()
JUDGEMENTS = ("same", "better", "new", "not applicable")
CODE = re.compile(r"`([^`]+)`")


class Row(NamedTuple):
    flags: frozenset[str]
    variables: frozenset[str]
    judgement: str


def rows() -> Iterator[Row]:
    """Of the tables of options."""
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 3 and cells[0].startswith("`--") and not cells[0].startswith("`--plan-out` and"):
            yield Row(frozenset(CODE.findall(cells[0])), frozenset(CODE.findall(cells[1])), cells[2])


def table() -> dict[str, Option]:
    """Every option of the program, by its flag, as the commands have it that use it."""
    groups = [value for module in (options, tables) for value in vars(module).values() if isinstance(value, tuple)]
    every = [each for group in groups for each in group if isinstance(each, Option)]
    return {each.flag: each for each in sorted(every, key=lambda each: not each.no_effect)}


def commands(group: click.Group, *path: str) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield (*path, name)


def shown(*path: str) -> set[str]:
    """The options that `--help` shows."""
    text = CliRunner().invoke(holystone, [*path, "--help"], catch_exceptions=False).output
    return set(re.findall(r"^  (?:-\w, )?(--[a-z][\w.-]*\w)", text, re.MULTILINE)) - {"--help"}


COMMANDS = tuple(commands(holystone))


def test_every_option_is_listed_once_with_its_names_and_variables() -> None:
    known = table()
    listed = [flag for row in rows() for flag in row.flags if flag.startswith("--")]
    assert len(listed) == len(set(listed))
    aliases = {alias for each in known.values() for alias in each.aliases}
    assert set(listed) - aliases == known.keys()
    for row in rows():
        own = [known[flag] for flag in row.flags if flag in known]
        assert row.flags == {each.flag for each in own} | {alias for each in own for alias in each.aliases}
        assert row.variables == {variable for each in own for variable in each.variables}


@pytest.mark.parametrize("row", tuple(rows()), ids=lambda row: min(row.flags))
def test_every_option_is_judged(row: Row) -> None:
    assert row.judgement.startswith(JUDGEMENTS)
    is_new = all(variable.startswith("HOLYSTONE_") for variable in row.variables)
    if row.variables:
        assert row.judgement.startswith("new") == is_new
    no_effect = any(table()[flag].no_effect for flag in row.flags if flag in table())
    assert row.judgement.startswith("not applicable") == no_effect


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_what_help_shows_is_listed(command: tuple[str, ...]) -> None:
    listed = {flag for row in rows() for flag in row.flags}
    assert shown(*command) <= listed


def test_help_shows_what_is_not_hidden() -> None:
    visible = set().union(*(shown(*command) for command in COMMANDS))
    assert visible == {flag for flag, option in table().items() if not option.hidden}


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_is_listed(command: tuple[str, ...]) -> None:
    (section,) = re.findall(r"^## Commands\n(.*?)^## ", PAGE, re.MULTILINE | re.DOTALL)
    words = " ".join(CODE.findall(section)).replace("holystone ", "")
    assert command[-1] in words.split()


def test_every_behaviour_is_judged() -> None:
    (section,) = re.findall(r"^## Behaviour\n(.*)", PAGE, re.MULTILINE | re.DOTALL)
    judged = [
        line for line in section.splitlines() if line.startswith("|") and not line.startswith(("|--", "| werf 1.1 |"))
    ]
    assert len(judged) > 40
    for line in judged:
        assert line.split("|")[2].strip().startswith(("same", "better", "not applicable")), line
