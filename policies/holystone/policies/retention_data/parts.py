"""Plain data, with the way that leads to each value, and how values of each kind are read."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, TypeAlias

from holystone.policies.keep_policies_data import Path, PolicyError
from holystone.policies.retention.rules import Seconds


class Word(str):
    """Text without quotes: a name as it is written, and a number or a truth where one is expected. Other text is a name
    and nothing else."""

    __slots__ = ()


Data: TypeAlias = "str | Sequence[Data] | Mapping[str, Data] | None"

_COUNT: Final = re.compile(r"[1-9][0-9]{0,8}")
MOST_OF_A_UNIT: Final = 1_000_000
"""A duration is of fewer hours, days or weeks."""
_DURATION: Final = re.compile(r"([1-9][0-9]{0,5})([hdw])")
_UNITS: Final = {"h": 3_600, "d": 86_400, "w": 604_800}
_TRUTHS: Final = {"true": True, "false": False}
LONGEST: Final = 4_096
"""Characters of a text."""
MOST_ITEMS: Final = 10_000
_SHOWN: Final = 80
_ALIKE: Final = 0.7
_LETS_GO: Final = frozenset(
    (
        *("after", "except", "may-empty", "optional", "orphaned", "projects", "times", "untagged"),
        *("allow-git-shallow-clone", "git-history-based-cleanup-v1.2"),
    )
)
"""Keys that let more be deleted, or lift a refusal: they are not offered to somebody who has mistyped a word."""


@dataclass(frozen=True, slots=True)
class Part:
    data: Data
    path: Path = ()
    """From the whole down to this value."""

    def wrong(self, why: str) -> PolicyError:
        return PolicyError(self.path, why)

    def check_filled(self) -> None:
        """Raises PolicyError where a key or an item has nothing in it, at whatever depth: what was to stand there is
        not known."""
        if self.data is None or not len(self.data):
            raise self.wrong("nothing in it")
        for inside in self._inside():
            inside.check_filled()

    def keys(self, known: tuple[str, ...], needed: Mapping[str, str] = {}, like: str = "") -> dict[str, "Part"]:
        """The values of a mapping. `needed`: keys that must be there, with what each says; `like`: an example of a
        mapping for people. Raises PolicyError."""
        if not isinstance(self.data, Mapping):
            expected = f"a mapping such as {like}" if like else ", ".join(f"{key}:" for key in known)
            raise self.wrong(f"expected {expected}, found {self.kind}")
        for key in self.data:
            if key not in known:
                raise PolicyError((*self.path, key), _unknown(key, known))
        for key, says in needed.items():
            if key not in self.data:
                raise self.wrong(f"{key}: is missing; it says {says}")
        return self.named()

    def named(self) -> dict[str, "Part"]:
        """The values of a mapping whose keys are names. Raises PolicyError."""
        if not isinstance(self.data, Mapping):
            raise self.wrong(f"expected a mapping of names, found {self.kind}")
        return {key: Part(value, (*self.path, key)) for key, value in self.data.items()}

    def listed(self, what: str) -> tuple["Part", ...]:
        """The items of a list. Raises PolicyError."""
        if isinstance(self.data, str | Mapping) or self.data is None:
            raise self.wrong(f"expected a list of {what}, found {self.kind}")
        if len(self.data) > MOST_ITEMS:
            raise self.wrong(f"more than {MOST_ITEMS:,} {what}")
        return tuple(self._inside())

    def items(self, what: str) -> tuple["Part", ...]:
        """The items of a list; one may be written without a list. Raises PolicyError."""
        return (self,) if isinstance(self.data, str) else self.listed(what)

    def text(self, what: str) -> str:
        """A name, a path or the like, as it is written. Raises PolicyError."""
        if not isinstance(self.data, str):
            raise self.wrong(f"expected {what}, found {self.kind}")
        if len(self.data) > LONGEST:
            raise self.wrong(f"{len(self.data):,} characters, of which {what} has {LONGEST:,} at most")
        if "\0" in self.data:
            raise self.wrong(f"a null character, which {what} cannot have")
        return str(self.data)

    def one_of(self, *words: str) -> str:
        """Raises PolicyError."""
        text = self.text(" or ".join(words))
        if text not in words:
            raise self.wrong(f"expected {' or '.join(words)}, found {_quoted(text)}")
        return text

    def count(self) -> int:
        """A whole number of 1 or more. Raises PolicyError."""
        if not isinstance(self.data, Word):
            raise self.wrong(f"expected a number, found {self.kind}")
        if not _COUNT.fullmatch(self.data):
            raise self.wrong(f"{_quoted(self.data)} is not a whole number of 1 or more (and of nine digits at most)")
        return int(self.data)

    def truth(self) -> bool:
        """Raises PolicyError."""
        if not isinstance(self.data, Word) or self.data not in _TRUTHS:
            raise self.wrong(f"expected true or false, found {self._found}")
        return _TRUTHS[self.data]

    def duration(self) -> Seconds:
        """Raises PolicyError."""
        text = self.text("a duration such as 30d")
        match = _DURATION.fullmatch(text)
        if not match:
            raise self.wrong(
                f"{_quoted(text)} is not a duration such as 30d, 720h or 2w: a whole number of 1 or more (and of six "
                "digits at most) and h, d or w"
            )
        return int(match[1]) * _UNITS[match[2]]

    @property
    def kind(self) -> str:
        """What kind of value it is, for people."""
        match self.data:
            case None:
                return "nothing"
            case Word():
                return "text without quotes"
            case str():
                return "text in quotes"
            case Mapping():
                return "a mapping"
            case _:
                return "a list"

    @property
    def _found(self) -> str:
        return _quoted(self.data) if isinstance(self.data, Word) else self.kind

    def _inside(self) -> "list[Part]":
        match self.data:
            case None | str():
                return []
            case Mapping():
                return list(self.named().values())
            case _:
                return [Part(each, (*self.path, index)) for index, each in enumerate(self.data)]


def _unknown(key: str, known: tuple[str, ...]) -> str:
    near = get_close_matches(key, [each for each in known if each not in _LETS_GO], 1, _ALIKE)
    offer = f"did you mean {near[0]}? Known" if near else "known"
    return f"unknown key; {offer} are {', '.join(known)}"


def _quoted(text: str) -> str:
    return repr(str(text)) if len(text) <= _SHOWN else f"a text of {len(text):,} characters"
