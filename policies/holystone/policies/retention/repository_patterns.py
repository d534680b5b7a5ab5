"""Patterns of repositories, by segment of their names."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

import msgspec
import re2

from holystone.engine.model.references import Repository

_ANY: Final = "**"
_MEANT_AS_CHOICE: Final = re.compile(r"[{\[!]")
_IPV6: Final = re.compile(r"\[[0-9a-fA-F:]+\](?::[0-9]+)?")
_ODD: Final = re.compile(r"[^a-z0-9._/*?-]")
_OPTIONS: Final = re2.Options()
_OPTIONS.log_errors = False  # it would write to standard error
_OPTIONS.max_mem = 1 << 18  # bytes of one pattern; by itself 32 times as much, and there may be thousands


class RepositoryPattern(msgspec.Struct, frozen=True):
    """A pattern of whole names; the host is their first segment. `*` is any run of characters within a segment and `?`
    one of them, `**` is one or more segments: `**/cache` is every repository of this last name, `host/shop/**` all
    below `shop`, which is not among them."""

    text: str

    def __post_init__(self) -> None:
        """Raises ValueError where no repository can match."""
        if {"<", ">"} & set(self.text):
            raise ValueError(
                f"{self.text!r} is to be filled in: write which repositories are meant, registry and name, as in "
                "registry.example.com/shop/**"
            )
        host, *path = self.text.split("/")
        for odd in _MEANT_AS_CHOICE.finditer(self.text if not _IPV6.fullmatch(host) else "/".join(path)):
            raise ValueError(
                f"{self.text!r}: {odd[0]!r} has no meaning in a pattern, and no repository has it in its name; write "
                "one pattern for each alternative, or use `except`"
            )
        if "://" in self.text:
            raise ValueError(f"{self.text!r} matches no repository: write it without {self.text.partition('//')[0]}//")
        if "" in (host, *path):
            raise ValueError(f"{self.text!r} matches no repository: a segment between slashes is empty")
        if any(_ANY in each and each != _ANY for each in (host, *path)):
            raise ValueError(
                f"{self.text!r}: ** stands for whole segments, as in shop/** or **/cache; within a segment it is *"
            )
        if not path and host != _ANY:
            raise ValueError(
                f"{self.text!r} matches no repository: a name begins with its registry, as in "
                f"registry.example.com/{self.text}, or **/{self.text} for any"
            )
        for odd in _ODD.finditer("/".join(path)):
            raise ValueError(f"{self.text!r} matches no repository: none has {odd[0]!r} in its name")

    def matches(self, repository: Repository) -> bool:
        return _compiled(self.text).fullmatch(str(repository.canonical)) is not None


def any_matches(patterns: Iterable[RepositoryPattern], repository: Repository) -> bool:
    return any(each.matches(repository) for each in patterns)


@lru_cache(maxsize=4096)
def _compiled(text: str) -> Any:
    host, slash, path = text.partition("/")
    canonical = f"{host.lower().removesuffix(':443')}{slash}{path}"
    return re2.compile("/".join(map(_segment, canonical.split("/"))), _OPTIONS)


def _segment(segment: str) -> str:
    if segment == _ANY:
        return "[^/]+(?:/[^/]+)*"
    return "".join({"*": "[^/]*", "?": "[^/]"}.get(each) or re.escape(each) for each in segment)
