"""Everything that can go wrong, as one tree.

HolystoneError
├── Damaged                a record of our own is not as it was written                exit code 1
├── UsageError             wrong option, variable or file                              exit code 2
├── Refused                a promise of the product forbids to go on                   exit code 3
│   ├── Busy               another run is at work there
│   └── IncompleteSource   something could not be read completely, so it decides nothing
│       ├── TooDeep        manifests need one another in too long a chain
│       ├── Unreachable    no answer from a host
│       ├── Unauthorized   no or not enough rights to read
│       │   └── Unseen     a repository that is not there, or that may not be read: the registry does not tell which
│       └── Doubtful       an answer may have been the one to another question
│           └── PlanDoubtful   … and a plan was made of it
├── DoneInPart             some of it was done, and some must not be, or could not   exit code 4
│   └── BudgetSpent        the rest is left to the next attempt: this one has had what it was given
└── RegistryFailure        the registry answered, and not as it should                 exit code 1
    ├── DeletionDisabled   the server does not delete at all
    ├── TooLate            not sent: what it was decided on was seen too long ago by then
    └── ManifestRefused    a manifest was refused for what is in it, or for what it lists
        └── BlobsMissing   … because that is not there, by the server's own word

A run that ends with some deletions failed is not an error but a result (exit code 4).
"""

import shlex
from collections.abc import Iterable
from typing import Final

NOTHING_DELETED: Final = "Nothing was deleted."


class HolystoneError(Exception):
    """`message` says what failed, `not_deleted` what was therefore left alone, `what_to_do` the way out.
    Each is a sentence for the person who reads it at night; the last two may be empty. Further lines of `message` are
    details: several causes, or what another program said. What is to be pasted is put together of `shell_word`s."""

    exit_code = 1

    def __init__(self, message: str, *, not_deleted: str = "", what_to_do: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.not_deleted = not_deleted
        self.what_to_do = what_to_do

    def __str__(self) -> str:
        return "\n".join(part for part in (self.message, self.not_deleted, self.what_to_do) if part)


class Damaged(HolystoneError):
    """Concerns what is recorded there, and nothing else."""


class UsageError(HolystoneError):
    exit_code = 2


class Refused(HolystoneError):
    exit_code = 3


class Busy(Refused):
    pass


class IncompleteSource(Refused):
    pass


class TooDeep(IncompleteSource):
    """Manifests that need one another in a longer chain than is followed."""

    def __init__(self, repository: object, digests: Iterable[str], levels: int, *, not_deleted: str) -> None:
        first = min(digests)
        super().__init__(
            f"{repository}: indexes, or what refers to them, are nested more than {levels} deep; below lies {first}.",
            not_deleted=not_deleted,
            what_to_do="No tool builds that. Find out who pushed it and delete the outermost tag, or leave the "
            "repository out.",
        )


class Unreachable(IncompleteSource):
    pass


class Unauthorized(IncompleteSource):
    pass


class Unseen(Unauthorized):
    pass


class Doubtful(IncompleteSource):
    """Concerns every answer of that place, those that were taken for true before too."""


class PlanDoubtful(Doubtful):
    """Answers contradict the plan itself, so that going on with it is no way out: a new one is."""


class DoneInPart(HolystoneError):
    exit_code = 4


class BudgetSpent(DoneInPart):
    """What had begun by then was ended."""


class RegistryFailure(HolystoneError):
    pass


class DeletionDisabled(RegistryFailure):
    pass


class TooLate(RegistryFailure):
    """A request could not be sent while what was seen before it was fresh. Whoever looks again may send it again."""


class ManifestRefused(RegistryFailure):
    pass


class BlobsMissing(ManifestRefused):
    pass


def shell_word(text: object) -> str:
    """A path or a name for advice that is meant to be pasted: one word, whatever is in it. In bash's `$'…'`, where it
    holds what cannot be seen."""
    word = str(text)
    if word.isprintable():
        return shlex.quote(word)
    return f"$'{''.join(map(_escaped, word))}'"


def _escaped(character: str) -> str:
    if character.isprintable() and character not in "'\\":
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode(errors="surrogateescape"))
