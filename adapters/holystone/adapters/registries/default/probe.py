"""Finds out what a server can delete by asking it to delete what cannot exist. Nothing is changed.

Replies seen on distribution 2.8.2, 3.0.0 and 3.1.1; zot's are from its source (pkg/api/routes.go).

| asked to delete      | distribution 2.8   | distribution 3       | zot           | deletion off     |
|----------------------|--------------------|----------------------|---------------|------------------|
| a digest             | 404                | 404                  | 404           | 405 UNSUPPORTED  |
| a tag                | 400 DIGEST_INVALID | 404 MANIFEST_UNKNOWN | 404           | 405 (3.0: 404)   |
"""

import secrets
from collections.abc import Awaitable, Callable
from typing import Final

from holystone.adapters.http.errors import summary
from holystone.adapters.http.reply import Reply
from holystone.adapters.registries.default.replies import why_405
from holystone.engine.errors import Unauthorized
from holystone.engine.model.capabilities import Capabilities

_IMPLEMENTATION: Final = "default"
_DISTRIBUTION_HEADER: Final = "Docker-Distribution-Api-Version"


async def probe(
    delete: Callable[[str], Awaitable[Reply]], has_referrers_api: Callable[[], Awaitable[bool]]
) -> Capabilities:
    """`delete` sends DELETE for a tag or digest of the repository in question."""
    nonce = secrets.token_hex(32)
    try:
        by_digest = await delete(f"sha256:{nonce}")
    except Unauthorized as error:
        return _cannot(error.message)
    if by_digest.status == 405:
        return _cannot(why_405(by_digest))
    if by_digest.status in (401, 403):
        return _cannot(f"no right to delete: {summary(by_digest)}")
    by_tag = await delete(f"holystone-probe-{nonce[:16]}")
    distribution = _DISTRIBUTION_HEADER in by_digest.headers and not await has_referrers_api()
    tag_delete = by_tag.status == 404
    return Capabilities(
        implementation=_IMPLEMENTATION,
        can_delete=True,
        tag_delete=tag_delete,
        # zot before 2.1.2 removed the manifest with the tag and does not tell its version. distribution never did.
        tag_delete_spares_siblings=tag_delete and distribution,
        # Only 2.8 lacks tag deletion *and* reads every tag's link for each digest (tagstore.go, Lookup).
        delete_cost_grows=not tag_delete and by_tag.status == 400 and distribution,
    )


def _cannot(why: str) -> Capabilities:
    return Capabilities(_IMPLEMENTATION, can_delete=False, cannot_delete_because=why, digest_delete=False)
