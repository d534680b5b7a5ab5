"""Finds out what a server can delete by asking to read and to delete what cannot exist. Nothing is changed.

Replies seen on distribution 2.8.2, 3.0.0 and 3.1.1; zot's are from its source (pkg/api/routes.go).

| asked to delete      | distribution 2.8   | distribution 3       | zot           | deletion off     |
|----------------------|--------------------|----------------------|---------------|------------------|
| a digest             | 404                | 404                  | 404           | 405 UNSUPPORTED  |
| a tag                | 400 DIGEST_INVALID | 404 MANIFEST_UNKNOWN | 404           | 405 (3.0: 404)   |

What a deletion takes along cannot be asked without one, so it follows from which server it is: proof.py, servers.py.
"""

import secrets
from typing import Protocol

from holystone.adapters.http.errors import summary
from holystone.adapters.http.reply import Reply
from holystone.adapters.registries.default.proof import has_words_of_2_8, proven
from holystone.adapters.registries.default.replies import why_405
from holystone.adapters.registries.default.servers import of_distribution, of_other
from holystone.adapters.registries.fingerprint import Fingerprint
from holystone.engine.errors import Unauthorized
from holystone.engine.model.capabilities import Capabilities


class Questions(Protocol):
    """About the repository in question."""

    async def delete(self, reference: str) -> Reply:
        """DELETE of a tag or digest."""
        ...

    async def get(self, reference: str) -> Reply:
        """GET of a manifest."""
        ...

    async def fingerprint(self) -> Fingerprint:
        """What the server shows of itself to whoever has no credential."""
        ...


async def probe(ask: Questions) -> Capabilities:
    nonce = secrets.token_hex(32)
    tag = f"holystone-probe-{nonce[:16]}"
    # Twice, since a refusal may be one for a moment.
    if await _refusal(ask, f"sha256:{nonce}") and (why := await _refusal(ask, f"sha256:{nonce}")):
        return _cannot(why)
    by_tag, read = await ask.delete(tag), await ask.get(tag)
    if has_words_of_2_8(read, tag) and by_tag.status == 404:
        by_tag = await ask.delete(tag)  # a 404 may be somebody else's, and 2.8 would be taken for another server
    if version := proven(read, by_tag, tag):
        return of_distribution(version)
    return of_other(await ask.fingerprint(), by_tag=by_tag.status == 404)


async def _refusal(ask: Questions, digest: str) -> str:
    try:
        reply = await ask.delete(digest)
    except Unauthorized as error:
        return error.message
    if reply.status == 405:
        return why_405(reply)
    return f"no right to delete: {summary(reply)}" if reply.status in (401, 403) else ""


def _cannot(why: str) -> Capabilities:
    return Capabilities("default", forbidden=why)
