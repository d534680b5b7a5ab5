"""Files of policies that another file includes, each for the repositories below one prefix."""

from collections.abc import Iterable
from typing import Final

import msgspec

from holystone.policies.retention.rules import Policy
from holystone.policies.retention_data.parts import Part
from holystone.policies.retention_data.policies import repository_pattern

_BELOW: Final = "/**"
_MOST_FILES: Final = 500


class Include(msgspec.Struct, frozen=True):
    path: str
    """As it is written, seen from the file that includes it."""
    prefix: str
    """A name and `/**`: the repositories that the included file may speak of."""


def parse_includes(part: Part | None) -> tuple[Include, ...]:
    """Raises PolicyError."""
    named = part.named() if part else {}
    if part and len(named) > _MOST_FILES:
        raise part.wrong(f"more than {_MOST_FILES} files")
    return tuple(Include(path, _prefix(each)) for path, each in named.items())


def check_inside(policies: Iterable[Policy], prefix: str, part: Part) -> None:
    """Raises PolicyError, at the pattern, where a policy of an included file is about repositories outside of its
    prefix. `part`: the list of policies."""
    for number, policy in enumerate(policies):
        for index, pattern in enumerate(policy.repositories):
            if not _is_inside(pattern.text, prefix):
                at = Part(None, (*part.path, number, "repositories", index))
                raise at.wrong(f"{pattern.text!r} is outside of {prefix!r}, for which this file is included")


def _prefix(part: Part) -> str:
    text = repository_pattern(part).text
    name = text.removesuffix(_BELOW)
    if name == text or {"*", "?"} & set(name):
        raise part.wrong(f"{text!r} is no prefix, such as registry.example.com/team-a/**: a name, and /** after it")
    return text


def _is_inside(pattern: str, prefix: str) -> bool:
    """Whether the pattern matches no name but those that the prefix matches. Two spellings of one host differ."""
    return pattern.startswith(prefix.removesuffix("**"))
