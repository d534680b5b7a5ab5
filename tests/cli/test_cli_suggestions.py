"""Whatever is mistyped, nothing that deletes is offered in its place."""

import re
from collections.abc import Iterator
from typing import Final

import click
import pytest

from holystone.cli.suggestions import in_words
from holystone.cli.tree import holystone

DELETE: Final = {"cleanup", "purge", "apply", "resume", "rm", "give-up", "images", "stages"}
LIFT: Final = re.compile(
    r"--(force|yes|accept|allow|without|exclude|skip|insecure|trust|scan|max-age|keep-stages|git-|image$|"
    r"stages-signature|kube-context|default-policies)"
)


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, group
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


EVERY: Final = dict(commands(holystone))


def said(*words: str) -> str:
    with pytest.raises(click.UsageError) as wrong:
        holystone.main([*words], prog_name="holystone", standalone_mode=False)
    return in_words(wrong.value)


def offered(*words: str) -> list[str]:
    return re.findall(r"'([^']+)'", said(*words).partition("Did you mean")[2])


def mistyped(word: str) -> Iterator[str]:
    """One letter left out, doubled, or another one, anywhere behind the first."""
    begin = len(word) - len(word.lstrip("-")) + 1
    for at in range(begin, len(word)):
        yield word[:at] + word[at + 1 :]
        yield word[:at] + word[at] + word[at:]
        yield word[:at] + "x" + word[at + 1 :]


@pytest.mark.parametrize("path", [path for path, each in EVERY.items() if isinstance(each, click.Group)])
def test_no_command_that_deletes_is_offered(path: tuple[str, ...]) -> None:
    group = EVERY[path]
    assert isinstance(group, click.Group)
    words = {"prune", "clean", "delete", "remove", "undoo"} | {
        wrong for name in group.commands for wrong in mistyped(name)
    }
    for word in words - set(group.commands):
        assert not set(offered(*path, word)) & DELETE, word


@pytest.mark.parametrize("path", [("cleanup",), ("apply",), ("resume",), ("managed-images", "rm")], ids=" ".join)
def test_no_option_that_lifts_a_protection_is_offered(path: tuple[str, ...]) -> None:
    names = [name for each in EVERY[path].params for name in each.opts if name.startswith("--")]
    words = {"--frobnicate", "--forced", "--yess", "--yes-delete", "--all"}
    words |= {wrong for name in names if LIFT.match(name) for wrong in mistyped(name)}
    for word in words - set(names):
        shown = in_words(click.NoSuchOption(word, possibilities=names)).partition("Did you mean")[2]
        assert not [each for each in re.findall(r"'([^']+)'", shown) if LIFT.match(each)], word
    assert offered(*path, "--forc") == []


def test_what_does_no_harm_is_offered() -> None:
    assert offered("cleanup", "--dry-rn") == ["--dry-run"]
    assert offered("cleanup", "--stage-storage", "x") == ["--stages-storage"]
    assert offered("rnus") == ["runs"]
    assert said("frobnicate") == "No such command 'frobnicate'."
    assert said("cleanup", "--frobnicate") == "No such option '--frobnicate'."
