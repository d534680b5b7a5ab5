"""Things that go wrong by script: for the nth request that matches, something else than the answer is sent."""

import re
from collections.abc import Mapping
from typing import TypeAlias

import msgspec


class Answer(msgspec.Struct, frozen=True):
    """This instead of what the registry would say; the registry does not see the request."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)


class Truncate(msgspec.Struct, frozen=True):
    """The right answer with its right Content-Length, but the connection closes after `keep` bytes of the body."""

    keep: int = 0


class Drop(msgspec.Struct, frozen=True):
    """The connection is closed without an answer."""

    after_handling: bool = False
    """True: the registry has done what was asked, and only the answer is lost."""


class Hang(msgspec.Struct, frozen=True):
    """No answer until the registry shuts down."""

    after_handling: bool = False


def redirect(location: str, status: int = 307) -> Answer:
    return Answer(status, headers={"Location": location})


Action: TypeAlias = Answer | Truncate | Drop | Hang


class Fault(msgspec.Struct, frozen=True):
    method: str
    """Regular expression for the whole method."""
    path: str
    """Regular expression, searched in the path with its query."""
    action: Action
    nth: int = 1
    """The first matching request that gets it, counted from 1."""
    times: int | None = 1
    """How many in a row get it; None = all from there on."""


class Faults:
    """The script of one registry. Each fault counts its own matches; the first that is due acts."""

    def __init__(self, faults: tuple[Fault, ...] = ()) -> None:
        self._script: list[tuple[Fault, re.Pattern[str], re.Pattern[str]]] = []
        self._seen: list[int] = []
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> None:
        self._script.append((fault, re.compile(fault.method), re.compile(fault.path)))
        self._seen.append(0)

    def clear(self) -> None:
        self._script.clear()
        self._seen.clear()

    def due(self, method: str, target: str) -> Action | None:
        due: Action | None = None
        for position, (fault, methods, paths) in enumerate(self._script):
            if not methods.fullmatch(method) or not paths.search(target):
                continue
            self._seen[position] += 1
            past = self._seen[position] - fault.nth
            if due is None and past >= 0 and (fault.times is None or past < fault.times):
                due = fault.action
        return due
