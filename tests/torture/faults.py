"""What can happen to one request, and to its reply, between a client and a registry that are both in order."""

import time
from collections import Counter
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from tests.torture.messages import Reply, Request, as_head, reply

Network: TypeAlias = Literal[
    "reset-before",  # the connection is reset, the request was never forwarded
    "reset-after",  # forwarded, and the connection reset instead of the reply
    "close-before",
    "close-after",
    "half-head",
    "half-body",
    "too-short",  # ends before its Content-Length
    "stall-before",
    "stall-after",
    "late",
    "slow",
    "status",  # an error of the proxy's own
    "status-after",  # the same, but the registry had done it
    "later",  # 429 or 503 with Retry-After
    "garbage",
    "garbage-after",
    "closes",  # a whole reply, and then the connection ends without a word
    "says-close",
    "continues",  # 100 or 103 before the reply
    "down",  # nobody listens for some time
]
Noticeable: TypeAlias = Literal[
    "dup",  # the whole reply again, `seconds` later
    "early-error",  # an error, and then the reply
    "idle-408",  # the reply, and then what nobody asked for
    "other-digest",
    "other-body",
    "false-404",
    "no-effect",  # done, it says, and nothing was forwarded
    "old-listing",
    "cut-listing",  # not the first time: what was there is missing
    "cut-json",
    "other-listing",
    "wrong-date",
    "portal",  # 200 with a page of somebody else's
    "false-401",
    "false-403",
    "still-there",  # a HEAD is answered as it was the first time
    "redirect",
]
Kind: TypeAlias = Network | Noticeable

ERROR_PAGES: Final = (
    b"",
    b"<html><body><h1>502 Bad Gateway</h1></body></html>",
    b'{"errors":[{"code":"UNAVAILABLE","message":"later"}]}',
    b'{"errors":',
)
GARBAGE: Final = (
    b"\x16\x03\x01\x00\xa5\x01\x00\x00",
    b"SSH-2.0-OpenSSH_9.6\r\n",
    b"HTTP/1.1 \r\n\r\n",
    b"\r\n\r\n\r\n",
)


@dataclass(frozen=True, slots=True)
class Fault:
    kind: Kind
    seconds: float = 0.0
    """Of outside time: how long it takes, or how long after the reply the rest comes."""
    status: int = 502
    detail: int = 0
    """Chooses among the variants of a kind."""


BEFORE: Final = frozenset(
    ("reset-before", "close-before", "stall-before", "status", "later", "garbage", "down", "no-effect")
) | frozenset(("false-404", "false-401", "false-403", "portal", "redirect"))
"""Kinds whose request the registry never sees."""


def instead(fault: Fault, request: Request) -> Reply | None:
    """The reply to a request that was not forwarded; None for a fault that has none."""
    page = ERROR_PAGES[fault.detail % len(ERROR_PAGES)]
    match fault.kind:
        case "status":
            answer = reply(fault.status, page, "text/html")
        case "later":
            wait = str(1 + fault.detail % 20)
            if fault.detail % 3 == 0:
                wait = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 1 + fault.detail % 3))
            answer = reply((429, 503)[fault.detail % 2], page, Retry_After=wait)
        case "no-effect" if request.method == "PUT":
            answer = reply(201, Location=request.path, Docker_Content_Digest="")
        case "no-effect":
            answer = reply(202)
        case "false-404":
            code = "NAME_UNKNOWN" if request.about == "list" else "MANIFEST_UNKNOWN"
            answer = reply(404, f'{{"errors":[{{"code":"{code}","message":"not known","detail":{{}}}}]}}'.encode())
        case "false-401":
            answer = reply(401, b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}')
        case "false-403":
            answer = reply(403, b'{"errors":[{"code":"DENIED","message":"requested access is denied"}]}')
        case "portal":
            answer = reply(200, b"<html><body>Please log in to the guest network</body></html>", "text/html")
        case "redirect":
            answer = reply(307, Location=request.path)
        case _:
            return None
    return as_head(answer, request.method)


class Memory:
    """What a proxy that lies has seen: it tells of one thing what is true of another."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, str], Reply] = {}
        self._by_repository: dict[str, list[tuple[str, Reply]]] = {}
        self._listed: Counter[str] = Counter()

    def saw(self, request: Request, answer: Reply) -> None:
        self._listed[request.path] += request.about == "list"
        if answer.status != 200 or request.about not in ("list", "tag", "digest"):
            return
        if (request.method, request.path) not in self._first:
            self._first[request.method, request.path] = answer
            if request.about != "list":
                self._by_repository.setdefault(request.repository, []).append((request.method, answer))

    def lied(self, fault: Fault, request: Request, answer: Reply) -> Reply:
        """The reply that is told instead; the true one where there is nothing to lie with."""
        if fault.kind == "wrong-date":
            years = (-40, -1, 1, 90)[fault.detail % 4]
            moment = time.gmtime(time.time() + years * 31_557_600)
            return answer.saying(Date=time.strftime("%a, %d %b %Y %H:%M:%S GMT", moment))
        if fault.kind == "still-there":
            return self._first.get((request.method, request.path), answer)
        if answer.status != 200:
            return answer
        match fault.kind:
            case "old-listing" if request.about == "list":
                return self._first.get((request.method, request.path), answer)
            case "cut-listing" if request.about == "list" and self._listed[request.path] > 1:
                return _cut(answer, 0.1 + 0.8 * (fault.detail % 97) / 97)
            case "other-listing" if request.about == "list":
                others = [each for (_, path), each in self._first.items() if path.endswith("/tags/list")]
                return others[fault.detail % len(others)] if others else answer
            case "cut-json" if request.method == "GET":
                return answer.holding(answer.body[: len(answer.body) // 2])
            case "other-digest" | "other-body" if request.about in ("tag", "digest"):
                return self._another(fault, request, answer)
        return answer

    def _another(self, fault: Fault, request: Request, answer: Reply) -> Reply:
        mine = answer.header("Docker-Content-Digest")
        others = [
            each
            for method, each in self._by_repository.get(request.repository, [])
            if method == request.method and each.header("Docker-Content-Digest") != mine
        ]
        if not others:
            return answer
        other = others[fault.detail % len(others)]
        if fault.kind == "other-body":
            return other
        return answer.saying(Docker_Content_Digest=other.header("Docker-Content-Digest"), Etag=other.header("Etag"))


def _cut(answer: Reply, share: float) -> Reply:
    """A listing of which only the first entries are left."""
    head, found, rest = answer.body.partition(b'"tags":[')
    names = rest.partition(b"]")[0].split(b",")
    kept = names[: int(len(names) * share)]
    return answer.holding(head + found + b",".join(kept) + b"]}\n") if found else answer
