"""A plan as a file: written by one command, read by another, and bound to what was read when it was made.

A line of JSON has all of the plan but its repositories, one each of them, and the last one how many they are, and the
hash of it all. So a plan of thousands of repositories is written and read one after the other.

The hash shows that the file was damaged, or changed by somebody who did not know better. It is no signature: who can
write the file can make the hash anew. So it is told when the file is written and when it is carried out, for whoever
wants to compare. What the file says is a claim; see `PlanHead.claimed` and `RepositoryPlan.claimed` for the part of
it that nothing else bears out.
"""

import hashlib
import json
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, Self, TypeVar

import msgspec

from holystone.adapters.files import read_lines
from holystone.adapters.state.spool import FileSpool
from holystone.engine.errors import NOTHING_DELETED, HolystoneError, Refused, UsageError
from holystone.engine.model.codec import from_json, to_json
from holystone.engine.model.plan import Plan, PlanEnd, PlanHead, RepositoryPlan
from holystone.engine.model.references import Repository

T = TypeVar("T")
_LARGEST: Final = 96 << 20
"""Bytes of one line and the head, as many as their letters take in memory. Of a tag there are 800; to read one takes
four times as much."""
_LARGEST_FILE: Final = 16 << 30
"""Bytes."""
_MOST: Final = 200_000
"""Repositories. Of each a line is held."""
_AROUND: Final = 2
"""Lines that are no repository: the head and the end."""
_FOUR_EACH: Final = re.compile(rb"[\xf0-\xff]|\\u[dD][89abAB]")
_TWO_EACH: Final = re.compile(rb"[\xc4-\xff]|\\u(?!00)")
"""As bytes, and as JSON escapes: one letter beyond U+FFFF makes all letters of its word, and one beyond U+00FF, take so
many bytes (PEP 393)."""
_LONGEST: Final = 1 << 20
"""Letters of one word. One that is printed takes several times as much."""
_COMMAS: Final = 3_000_000
"""In one line and the head. Of a tag there are 9. A word of two letters takes thirty times as much to keep as to
write."""
_LONGEST_END: Final = 1024
"""Bytes."""
_CLOCK_SKEW: Final = 5 * 60
"""Seconds that a plan of another machine may be ahead."""
_AGAIN: Final = "Make a new one with --plan-out."


class _Takes(NamedTuple):
    """What a line takes in memory, without its end."""

    size: int = 0
    each: int = 1
    """Bytes of a letter."""
    commas: int = 0

    @classmethod
    def of(cls, line: bytes) -> Self:
        each = 4 if _FOUR_EACH.search(line) else 2 if _TWO_EACH.search(line) else 1
        return cls(len(line) - line.endswith(b"\n"), each, line.count(b","))


_NO_HEAD: Final = _Takes()


def plan_hash(plan: Plan) -> str:
    hashing = _Hash(plan.head)
    for each in plan.repositories:
        hashing.add(each)
    return hashing.result


class _Hash:
    """The hash of what is said, whatever the layout."""

    def __init__(self, head: PlanHead) -> None:
        self._sum = hashlib.sha256()
        self.add(head)

    def add(self, line: PlanHead | RepositoryPlan) -> bytes:
        encoded = to_json(line)
        self._sum.update(encoded)
        self._sum.update(b"\n")
        return encoded

    @property
    def result(self) -> str:
        return f"sha256:{self._sum.hexdigest()}"


def write_plan(file: Path, plan: Plan) -> str:
    """The hash. The file is there as a whole or not at all, for its owner alone, and follows no link. Raises
    HolystoneError."""
    hashing = _Hash(plan.head)
    if len(plan.repositories) > _MOST:
        raise _unreadable(file, f"more than {_MOST:,} repositories")
    with _beside(file) as (beside, out):
        head = _write(file, out, to_json(plan.head))
        for each in plan.repositories:
            _write(file, out, hashing.add(each), head)
        _write(file, out, to_json(PlanEnd(len(plan.repositories), hashing.result)), head)
        out.flush()
        os.fsync(out.fileno())
        beside.replace(file)
    return hashing.result


def _write(file: Path, out: BinaryIO, line: bytes, head: _Takes = _NO_HEAD) -> _Takes:
    takes = _Takes.of(line)
    why = _too_much(takes, head)
    if why is None and out.tell() + len(line) > _LARGEST_FILE:
        why = f"more than {_LARGEST_FILE >> 30} GiB"
    if why:
        raise _unreadable(file, why)
    out.write(line)
    out.write(b"\n")
    return takes


def _unreadable(file: Path, why: str) -> HolystoneError:
    return HolystoneError(
        f"The plan cannot be written to {file}: it has {why}, and could not be read again.",
        not_deleted=NOTHING_DELETED,
        what_to_do="Name fewer repositories, or carry it out at once.",
    )


def check_writable(file: Path) -> None:
    """Finds out whether the file can be written, before minutes are spent on what is to go there. Raises HolystoneError
    as `write_plan`."""
    with _beside(file):
        pass


@contextmanager
def _beside(file: Path) -> Iterator[tuple[Path, BinaryIO]]:
    beside = file.parent / f".holystone-plan-{secrets.token_hex(8)}"
    try:
        if not _may_be_replaced(file):
            raise HolystoneError(
                f"The plan cannot be written to {file}: that is a link, a folder or a device.",
                not_deleted=NOTHING_DELETED,
                what_to_do="Name a file of its own.",
            )
        try:
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "wb") as out:
                yield beside, out
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise HolystoneError(
            f"The plan cannot be written to {file}: {error.strerror}.",
            not_deleted=NOTHING_DELETED,
            what_to_do="Make the folder, or room and rights in it, or name another file.",
        ) from error


def _may_be_replaced(file: Path) -> bool:
    try:
        return stat.S_ISREG(file.lstat().st_mode)
    except FileNotFoundError:
        return True


def read_plan(file: Path, folder: Path, *, max_age: int, now: float | None = None) -> tuple[Plan, str]:
    """The plan in a file, with its hash. `folder`: where a large one is kept meanwhile, as it was read. `max_age`:
    seconds since it was made. Raises UsageError for what is no plan of this version, Refused for one that was changed,
    or is too old, or is of the future."""
    try:
        plan, end, found = _read(file, folder)
    except OSError as error:
        raise UsageError(f"The plan {file} cannot be read: {error.strerror}.") from error
    except (msgspec.MsgspecError, ValueError) as error:
        raise UsageError(f"{file} is not a plan of this version: {error}", what_to_do=_AGAIN) from error
    if found != end:
        raise Refused(
            f"The plan {file} is not as it was written: its content does not fit its hash.",
            not_deleted=NOTHING_DELETED,
            what_to_do=f"{_AGAIN} What is to stay can be said there: by policies, or with --in-use FILE.",
        )
    age = int(time.time() if now is None else now) - plan.as_of
    if age > max_age:
        raise Refused(
            f"The plan {file} was made {_hours(age)} ago, and --max-age is {_hours(max_age)}: what is there, and what "
            "is wanted, may be another today.",
            not_deleted=NOTHING_DELETED,
            what_to_do=f"{_AGAIN} Or, if it is to be carried out all the same, give a longer --max-age.",
        )
    if age < -_CLOCK_SKEW:
        raise Refused(
            f"The plan {file} was made {_hours(-age)} from now: one of the clocks is wrong.",
            not_deleted=NOTHING_DELETED,
            what_to_do=f"Set the clock right, and the one of the machine that made the plan. {_AGAIN}",
        )
    return plan, end.hash


def _read(file: Path, folder: Path) -> tuple[Plan, PlanEnd, PlanEnd]:
    """What the file says, its last line, and what that should be. Raises OSError, msgspec.MsgspecError, ValueError."""
    lines = _lines(file)
    head = _head(next(lines, b""))
    hashing = _Hash(head)
    repositories = FileSpool(RepositoryPlan, folder)
    names: list[Repository] = []
    while isinstance(each := _repository_or_end(next(lines, b"")), RepositoryPlan):
        hashing.add(each)
        repositories.append(each.claimed())
        names.append(each.repository)
        del each  # before the next is read: each may be most of the memory there is
    if next(lines, None) is not None:
        raise ValueError("something comes after its end")
    return Plan.of(head.claimed(names), repositories), each, PlanEnd(len(names), hashing.result)


def _lines(file: Path) -> Iterator[bytes]:
    """None is held here once it is handed out."""
    head = _NO_HEAD
    size = number = 0

    def checked(line: bytes) -> bytes:
        nonlocal head, size, number
        number, size, takes = number + 1, size + len(line), _Takes.of(line)
        if why := _too_much(takes, head):
            raise ValueError(f"line {number} has {why}")
        if size > _LARGEST_FILE or number > _MOST + _AROUND:
            raise ValueError(f"it has more than {_LARGEST_FILE >> 30} GiB, or {_MOST:,} repositories")
        if number == 1:
            head = takes
        return line

    return map(checked, read_lines(file, _LARGEST + 1))


def _head(line: bytes) -> PlanHead:
    """A plan of an earlier version was one object, over many lines."""
    if not line.strip().endswith(b"}"):
        raise ValueError("its first line is not the head of one")
    return _value(line, PlanHead)


def _repository_or_end(line: bytes) -> RepositoryPlan | PlanEnd:
    if not line:
        raise ValueError("its end is missing")
    if len(line) < _LONGEST_END:
        with suppress(msgspec.ValidationError):
            return _value(line, PlanEnd)
    return _value(line, RepositoryPlan)


def _value(line: bytes, kind: type[T]) -> T:
    try:
        json.loads(line.decode(), object_pairs_hook=_each_once)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return from_json(line, kind)


def _too_much(line: _Takes, head: _Takes) -> str | None:
    """The head is held meanwhile."""
    if line.size * line.each + head.size * head.each > _LARGEST:
        letters = f" of letters that take {line.each} bytes each" if line.each > 1 else ""
        return f"more than {_LARGEST // line.each >> 20} MiB{letters}{', with the head' if head.size else ''}"
    return f"more than {_COMMAS:,} commas" if line.commas + head.commas > _COMMAS else None


def _each_once(pairs: Sequence[tuple[str, object]]) -> None:
    """Refuses a field that is there twice, since of it one reader sees the first and another the last."""
    seen = set()
    for name, value in pairs:
        for word in (name, *(value if isinstance(value, list) else [value])):
            if isinstance(word, str) and len(word) > _LONGEST:
                raise ValueError(f"a word in it has more than {_LONGEST:,} letters")
        if name in seen:
            raise ValueError(f"`{name}` is there twice in one object")
        seen.add(name)


def _hours(seconds: float) -> str:
    hours, minutes = divmod(int(seconds) // 60, 60)
    return f"{hours // 24} days and {hours % 24} hours" if hours >= 48 else f"{hours} hours and {minutes} minutes"
