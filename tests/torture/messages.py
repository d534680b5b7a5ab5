"""Requests and replies as bytes on a connection: what the proxy has to know of HTTP, and no more."""

import asyncio
import re
from dataclasses import dataclass, replace

_LONGEST = 1 << 20


class Broken(Exception):
    """The other side ended the connection in the middle of a message, or does not speak HTTP."""


@dataclass(frozen=True, slots=True)
class Request:
    n: int
    """Among all requests of the command, beginning with 1."""
    connection: int
    method: str
    path: str
    raw: bytes

    @property
    def about(self) -> str:
        """What is asked for: a list, a tag, a digest, a blob, or else."""
        path = self.path.partition("?")[0]
        if path.endswith("/tags/list"):
            return "list"
        if "/blobs/" in path:
            return "blob"
        if "/manifests/" in path:
            return "digest" if ":" in path.rpartition("/")[2] else "tag"
        return "other"

    @property
    def repository(self) -> str:
        found = re.match(r"/v2/(.+)/(?:manifests|blobs|tags)/", self.path)
        return found[1] if found else ""

    @property
    def reference(self) -> str:
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    bodiless: bool = False
    """To a HEAD: Content-Length is of a body that does not come."""

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    def saying(self, **headers: str) -> "Reply":
        """With these headers (`Docker_Content_Digest=…`) in place of others of the name; empty ones go."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        dropped = {name.lower() for name in given}
        left = [pair for pair in self.headers if pair[0].lower() not in dropped]
        return replace(self, headers=(*left, *((name, value) for name, value in given.items() if value)))

    def holding(self, body: bytes) -> "Reply":
        return replace(self.saying(Content_Length=str(len(body)), Transfer_Encoding=""), body=body)

    @property
    def head(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} Said", *(f"{name}: {value}" for name, value in self.headers)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    @property
    def raw(self) -> bytes:
        return self.head + (b"" if self.bodiless else self.body)


def reply(status: int, body: bytes = b"", content_type: str = "application/json", **headers: str) -> Reply:
    plain = Reply(status, (("Content-Type", content_type),), b"").holding(body)
    return plain.saying(**headers)


def as_head(answer: Reply, method: str) -> Reply:
    return replace(answer, bodiless=True) if method == "HEAD" else answer


async def read_request(reader: asyncio.StreamReader, n: int, connection: int) -> Request | None:
    """None at the end of the connection. Raises Broken."""
    head = await _head(reader)
    if head is None:
        return None
    first, headers = _parsed(head)
    method, path, _ = first.split(" ", 2)
    body = await _body(reader, headers)
    return Request(n, connection, method, path, _without_chunks(head, headers, body))


async def read_reply(reader: asyncio.StreamReader, method: str) -> Reply:
    """The final one. Raises Broken."""
    while True:
        head = await _head(reader)
        if head is None:
            raise Broken
        first, headers = _parsed(head)
        status = int(first.split(" ", 2)[1])
        if status >= 200:
            break
    if method == "HEAD" or status in (204, 304):
        return Reply(status, headers, b"", bodiless=True)
    return Reply(status, headers, b"").holding(await _body(reader, headers))


async def _head(reader: asyncio.StreamReader) -> bytes | None:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as end:
        if end.partial:
            raise Broken from end
        return None
    except (OSError, asyncio.LimitOverrunError) as error:
        raise Broken from error


def _parsed(head: bytes) -> tuple[str, tuple[tuple[str, str], ...]]:
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return first, tuple((name.strip(), value.strip()) for name, _, value in pairs)


async def _body(reader: asyncio.StreamReader, headers: tuple[tuple[str, str], ...]) -> bytes:
    named = {name.lower(): value for name, value in headers}
    try:
        if "chunked" in named.get("transfer-encoding", ""):
            return await _chunks(reader)
        return await reader.readexactly(min(_LONGEST, int(named.get("content-length", "0"))))
    except (asyncio.IncompleteReadError, OSError, ValueError) as error:
        raise Broken from error


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readuntil(b"\r\n")
    return body


def _without_chunks(head: bytes, headers: tuple[tuple[str, str], ...], body: bytes) -> bytes:
    if not any(name.lower() == "transfer-encoding" for name, _ in headers):
        return head + body
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"transfer-encoding:")]
    return b"\r\n".join([*lines[:-2], f"Content-Length: {len(body)}".encode(), b"", b""]) + body
