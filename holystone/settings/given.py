"""What was given for an option, by the option itself or by a variable, and how its words are read."""

import datetime as dt
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias, TypeVar, cast

from holystone.engine.errors import UsageError
from holystone.engine.names import has_user_info
from holystone.policies.go_duration import SECOND, parse_go_duration
from holystone.settings.option import Option

Options: TypeAlias = Mapping[str, str | tuple[str, ...] | None]
"""By `Option.key`; None (or no entry, or no values) where the command line does not have the option."""

T = TypeVar("T", bound=str)
TRUE: Final = frozenset({"1", "t", "true", "yes"})
_FALSE: Final = frozenset({"0", "f", "false", "no"})
PASSED_OVER: Final = {"on": True, "t": True, "off": False, "f": False}
"""Words that mean something, and that werf takes for the default where a variable holds them."""


class GivenValue(NamedTuple):
    text: str
    source: str
    """`--images-repo` or `$WERF_IMAGES_REPO`, for errors."""

    @property
    def is_of_variable(self) -> bool:
        return self.source.startswith("$")

    @property
    def is_boolean(self) -> bool:
        return self.text.lower() in TRUE | _FALSE

    def without_user_info(self) -> "GivenValue":
        """What is or may be an address. Raises UsageError, which shows nothing of it, where a login is in it."""
        if has_user_info(self.text):
            raise UsageError(
                f"{self.source}: a name or a password before an '@' does not belong into an address",
                what_to_do="Leave out everything up to the '@'; `docker login` is a place for it.",
            )
        return self

    def boolean(self) -> bool:
        """The word as yes or no, in either case, as `True` can only mean one thing. Raises UsageError for any other
        word."""
        word = self.text.lower()
        if word not in TRUE | _FALSE:
            raise UsageError(f"{self.source}: {self.text!r} is neither yes (1, true, yes) nor no (0, false, no)")
        return word in TRUE

    def integer(self) -> int:
        """The word as a number of 64 bits: Go's own form in an option (`0x10`, `1_000`; not `010`, which is 8 there),
        decimal in a variable. Raises UsageError."""
        number = _number(self.text, 10 if self.is_of_variable else 0)
        if number is None or not -(2**63) <= number < 2**63:
            raise UsageError(f"{self.source}: {self.text!r} is not a whole number")
        return number

    def one_of(self, words: tuple[str, ...]) -> str:
        if self.text not in words:
            raise UsageError(f"{self.source}: {self.text!r} is not one of {', '.join(words)}")
        return self.text

    def seconds(self) -> int:
        """A duration as in werf.yaml (`90m`, `1h30m`), in whole seconds, rounded up."""
        try:
            nanoseconds = parse_go_duration(self.text)
        except ValueError as error:
            raise UsageError(f"{self.source}: {error}") from error
        if nanoseconds < 0:
            raise UsageError(f"{self.source}: {self.text} is negative")
        return -(-nanoseconds // SECOND)

    def time_of_day(self) -> dt.time:
        """Raises UsageError."""
        if not re.fullmatch(r"([01]?[0-9]|2[0-3]):[0-5][0-9]", self.text):
            raise UsageError(f"{self.source}: {self.text!r} is no time of day, as 06:00 and 22:30 are")
        hour, minute = map(int, self.text.split(":"))
        return dt.time(hour, minute)


class Given:
    """Looks options up: the option itself, even if it is empty, else the first variable that is not empty."""

    def __init__(self, options: Options, environ: Mapping[str, str]) -> None:
        self._options = options
        self._environ = environ

    def values(self, option: Option) -> tuple[GivenValue, ...]:
        """What was given for an option: on the command line, else by its variables."""
        found = self._options.get(option.key)
        if found is not None and found != ():
            texts = (found,) if isinstance(found, str) else found
            return tuple(GivenValue(text, option.flag) for text in texts)
        every = [name for variable in option.variables for name in self._names(variable)]
        return tuple(GivenValue(self._environ[name], f"${name}") for name in every if self._environ.get(name))

    def one(self, option: Option) -> GivenValue | None:
        """What was given for an option that takes one value; None if nothing was. The text is empty only if the option
        was given empty."""
        return next(iter(self.values(option)), None)

    def is_typed(self, option: Option) -> bool:
        """Whether the option was given on the command line, and not empty."""
        return bool(self._options.get(option.key))

    def typed(self) -> "Given":
        """What stands on the command line alone."""
        return Given(self._options, {})

    def filled(self, *options: Option) -> GivenValue | None:
        """The first of these that has a text that is not empty."""
        return next((value for option in options if (value := self.one(option)) and value.text), None)

    def flag(self, option: Option, *, default: bool = False) -> bool:
        """Raises UsageError for what is no such word, and where werf reads it otherwise and deletions hang on it."""
        value = self.one(option)
        if value is None:
            return default
        meant = PASSED_OVER.get(value.text.lower()) if value.is_of_variable else None
        if meant is None:
            return value.boolean()
        if meant != default and option.decides:
            raise UsageError(
                f"{value.source}: {value.text!r} is {'yes' if default else 'no'} to werf, which does not know the word",
                what_to_do="Write true or false.",
            )
        return meant

    def word(self, options: tuple[Option, ...], words: tuple[str, ...], default: T) -> T:
        """One of `words`; the first of the options that is not empty counts."""
        value = self.filled(*options)
        return cast("T", value.one_of(words)) if value else default

    def path(self, option: Option) -> Path | None:
        value = self.filled(option)
        return self.expanded(value.text) if value else None

    def expanded(self, text: str) -> Path:
        """The path with `~/`, which no shell expands in `--option=~/…`, as the home folder."""
        return self.home / text[2:] if text.startswith("~/") else Path(text)

    @property
    def home(self) -> Path:
        home = self._environ.get("HOME") or self._environ.get("USERPROFILE")
        return Path(home) if home else Path.home()

    def variable(self, name: str) -> GivenValue | None:
        """A variable that has no option."""
        text = self._environ.get(name)
        return GivenValue(text, f"${name}") if text else None

    def _names(self, variable: str) -> list[str]:
        if not variable.endswith("*"):
            return [variable]
        return sorted(name for name in self._environ if name.startswith(variable[:-1]))


def _number(text: str, base: int) -> int | None:
    try:
        return int(text, base) if re.fullmatch(r"[-+]?\w+", text, re.ASCII) else None
    except ValueError:
        return None
