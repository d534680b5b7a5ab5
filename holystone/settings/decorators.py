"""The table of options as click decorators. All values stay text: `resolve` reads them, so that an option and its
variable are read by the same rules."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import click

from holystone.settings.given import TRUE
from holystone.settings.option import Option

F = TypeVar("F", bound=Callable[..., Any])


class _Words(click.Command):
    """Reads words as werf does: a flag takes a value only after `=`, so that `--dry-run NAME` leaves NAME alone; and
    `=` may follow short names too."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, list(self._spelled_out(args)))

    def _spelled_out(self, args: list[str]) -> Iterator[str]:
        known = {
            name: parameter
            for parameter in self.params
            if isinstance(parameter, click.Option) and not parameter.is_flag
            for name in parameter.opts
        }
        takes_words = any(isinstance(parameter, click.Argument) for parameter in self.params)
        rest = deque(args)
        while rest:
            arg = rest.popleft()
            name, equals, value = arg.partition("=")
            option = known.get(name)
            if option and (equals or isinstance(option, Flag)):
                yield f"{max(option.opts, key=len)}={value if equals else 'true'}"
                if not (equals or takes_words) and rest and rest[0].lower() in TRUE:
                    rest.popleft()  # werf passes over words that it has no use for, and this one says nothing else
                continue
            yield arg
            if arg == "--":
                yield from rest
                return
            if option and rest:
                yield rest.popleft()


class Command(_Words):
    pass


class Flag(click.Option):
    """A boolean that may be given a word."""

    def make_metavar(self, ctx: click.Context) -> str:
        return "[=true|false]"


class Hosts(Flag):
    """An option that may be given hosts, and several times."""

    def make_metavar(self, ctx: click.Context) -> str:
        return "[=HOST]"


class Group(_Words, click.Group):
    command_class = Command
    group_class = type


def options(table: Iterable[Option]) -> Callable[[F], F]:
    """Gives a command the options of the table, as keyword arguments by `Option.key` that `resolve` takes."""
    ordered = tuple(table)

    def decorate(function: F) -> F:
        for option in reversed(ordered):
            function = _click_option(option)(function)
        return function

    return decorate


def _click_option(option: Option) -> Callable[[F], F]:
    variables = ", ".join(f"${name}" for name in option.variables)
    names = (option.key, *(alias for alias in option.aliases if not alias.startswith("--")), option.flag)
    names += tuple(alias for alias in option.aliases if alias.startswith("--"))
    help_text = f"{option.help} [{variables}]" if variables else option.help
    if option.kind == "flag":
        return click.option(
            *names, cls=Flag, is_flag=False, flag_value="true", default=None, help=help_text, hidden=option.hidden
        )
    if option.kind == "hosts":
        return click.option(
            *names, cls=Hosts, is_flag=False, flag_value="true", multiple=True, help=help_text, hidden=option.hidden
        )
    return click.option(
        *names,
        default=None,
        multiple=option.kind == "many",
        metavar=option.metavar,
        help=help_text,
        hidden=option.hidden,
    )
