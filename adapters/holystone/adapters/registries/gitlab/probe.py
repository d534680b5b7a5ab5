"""Finds out how a tag can be deleted, by asking to delete what cannot exist. Nothing is changed.

| asked to delete    | container-registry 3, 4 | 2.8 to 3, old      | distribution behind GitLab | read-only |
|--------------------|-------------------------|--------------------|----------------------------|-----------|
| manifests/TAG      | 404 MANIFEST_UNKNOWN    | 400, 404 or 405    | 400 DIGEST_INVALID         | 405       |
| tags/reference/TAG | gone since 17.0         | 404 with a code    | 404 without a code         | 405       |
| manifests/DIGEST   | 404                     | 404                | 404                        | 405       |

Sources: gitlab-org/container-registry, registry/handlers/manifests.go; werf/werf#7866; sameersbn/docker-gitlab#2867.
What old servers say to manifests/TAG is not documented, so all refusals of a router are taken alike.
"""

import secrets
from collections.abc import Awaitable, Callable
from typing import Final, Literal, TypeAlias

from holystone.adapters.http.errors import error_code, summary
from holystone.adapters.http.reply import Reply
from holystone.adapters.registries.gitlab.listing import PAGE_SIZE
from holystone.adapters.registries.gitlab.replies import GONE, READ_ONLY, is_rule
from holystone.engine.errors import DeletionDisabled, RegistryFailure, Unauthorized
from holystone.engine.model.capabilities import Capabilities, DigestDeletion, LastTag, ListingFacts, TagDeletion
from holystone.engine.model.outlook import DAY, UndoOutlook
from holystone.engine.model.references import Repository

Way: TypeAlias = Literal["manifests", "tags/reference"]
"""The path of a tag in a deletion, before its name."""
WAYS: Final[tuple[Way, ...]] = ("manifests", "tags/reference")


async def find_way(delete: Callable[[str], Awaitable[Reply]], repository: Repository) -> Way | None:
    """How the server deletes tags by name; None: tags cannot be deleted by name, only manifests by digest. `delete`
    sends DELETE below /v2/NAME/.

    Raises DeletionDisabled, Unauthorized, and RegistryFailure for a server that cannot be understood."""
    nonce = secrets.token_hex(32)
    reply = None
    for way in WAYS:
        reply = await delete(f"{way}/holystone-probe-{nonce[:16]}")
        if _understood(reply, repository):
            return way
    reply = await delete(f"manifests/sha256:{nonce}")
    if _understood(reply, repository):
        return None
    if reply.status == 405:
        raise DeletionDisabled(READ_ONLY)
    raise _strange(reply, repository)


def capabilities(way: Way | None, *, database: bool, by_digest: bool) -> Capabilities:
    """`by_digest`: no rule for tags forbids every deletion by digest, and the right is there."""
    if way is None:
        # Without a database an overwritten tag leaves its manifest alone (seen on 3.85).
        overwritten = LastTag("may-go" if database else "stays", takes_attached=False)
        # The old way of all registries: a digest delete looks at every tag, with and without GitLab's additions.
        digests = DigestDeletion(tombstones=overwritten, cost_grows=True)
        return Capabilities("gitlab", digests=digests if by_digest else None)
    return Capabilities(
        "gitlab",
        # With a database what has no tag is collected after a day, children and blobs included, but not what an index
        # lists or a manifest refers to (gc_review_after_defaults; IsDangling of datastore/gcmanifesttask.go); without
        # one only the administrator's registry-garbage-collect frees space.
        tags=TagDeletion(LastTag("goes-unlisted" if database else "stays", takes_attached=False)),
        digests=DigestDeletion(tombstones=None) if by_digest and not database else None,
        listing=ListingFacts(digests=database, page=PAGE_SIZE),
        undo=UndoOutlook("push", DAY) if database else UndoOutlook(),
    )


def cannot(why: str) -> Capabilities:
    return Capabilities("gitlab", forbidden=why)


def _understood(reply: Reply, repository: Repository) -> bool:
    """Whether the server knows this way of deletion; False if it has none."""
    code = error_code(reply)
    if (reply.status == 404 and code in GONE) or is_rule(reply):
        return True
    if reply.status in (401, 403):
        raise Unauthorized(f"no right to delete in {repository}: {summary(reply)}")
    if reply.status in (404, 405) or (reply.status == 400 and code == "DIGEST_INVALID"):
        return False
    raise _strange(reply, repository)


def _strange(reply: Reply, repository: Repository) -> RegistryFailure:
    return RegistryFailure(f"What can be deleted in {repository} cannot be found out: {summary(reply)}.")
