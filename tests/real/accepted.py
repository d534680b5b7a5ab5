"""Differences between a real server and our model of it that are accepted, each with its reason. One file a suite,
`differences/SUITE.toml`, read strictly:

    [[difference]]
    server = "zot-*"
    what = "blobs/*/Range"
    real = "206"
    model = "200"
    reason = "what nothing of ours depends on, and why"

`server`, `what`, `real` and `model` are patterns of `fnmatch`; `real` and `model` may be left out. A difference that no
entry accepts is a fault, and so is an entry that no difference needs any more.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Final

import msgspec

_FOLDER: Final = Path(__file__).with_name("differences")
_Text = Annotated[str, msgspec.Meta(min_length=1)]


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """One thing that was done to both, and what each of them made of it."""

    server: str
    what: str
    real: str
    model: str

    def __str__(self) -> str:
        return f"{self.server}: {self.what}: really {self.real}, in the model {self.model}"


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    server: _Text
    what: _Text
    reason: _Text
    real: str = "*"
    model: str = "*"

    def accepts(self, difference: Difference) -> bool:
        return all(
            fnmatchcase(getattr(difference, part), getattr(self, part)) for part in ("server", "what", "real", "model")
        )


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    difference: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    accepted: tuple[Difference, ...]
    faults: tuple[str, ...]
    """Differences that nothing accepts, and entries about this server that nothing needs."""


def entries(suite: str) -> tuple[Entry, ...]:
    """Raises msgspec.ValidationError for an entry without a reason or with a word that is none of the five."""
    return msgspec.toml.decode((_FOLDER / f"{suite}.toml").read_bytes(), type=_File).difference


def judged(server: str, differences: Iterable[Difference], known: Iterable[Entry]) -> Judged:
    """All that one run over `server` found."""
    mine = [each for each in known if fnmatchcase(server, each.server)]
    found = sorted(set(differences))
    accepted = tuple(each for each in found if any(entry.accepts(each) for entry in mine))
    new = tuple(f"not accepted: {each}" for each in found if each not in accepted)
    needless = tuple(
        f"accepted, and not there: {entry.what} ({entry.reason})"
        for entry in mine
        if not any(entry.accepts(each) for each in found)
    )
    return Judged(accepted, new + needless)
