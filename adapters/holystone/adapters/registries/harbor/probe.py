"""Finds out what a credential may delete by asking Harbor to delete what cannot exist. Nothing is changed: rights are
checked before the artifact is looked for (goharbor/harbor:src/server/v2.0/handler/artifact.go).

| credential               | DELETE artifact | DELETE tag    |
|--------------------------|-----------------|---------------|
| maintainer, robot        | 404 NOT_FOUND   | 404 NOT_FOUND |
| guest, developer         | 403 FORBIDDEN   | 403 FORBIDDEN |
| OIDC user's CLI secret   | 401             | 404 NOT_FOUND |
| nobody, wrong password   | 401             | 401           |
| read-only mode           | 403 DENIED      | 403 DENIED    |
"""

import secrets

import msgspec

from holystone.adapters.http.errors import summary
from holystone.adapters.http.reply import Reply
from holystone.adapters.http.tokens import described
from holystone.adapters.registries.harbor.api import HarborApi, artifact, project
from holystone.adapters.registries.harbor.profile import PROFILE, RIGHTS
from holystone.adapters.registries.harbor.replies import READ_ONLY, is_absent, is_read_only
from holystone.adapters.registries.oci_replies import STRANGE
from holystone.engine.errors import IncompleteSource
from holystone.engine.model.capabilities import Capabilities, Cascade
from holystone.engine.model.outlook import UndoOutlook
from holystone.engine.model.references import Repository


async def probe(api: HarborApi, repository: Repository, *, listed: bool) -> Capabilities:
    """`listed`: this credential has listed the repository and its names on /v2. Raises Unauthorized if it may not."""
    nonce = secrets.token_hex(32)
    absent = artifact(f"sha256:{nonce}")
    by_digest = await api.delete(repository, absent, final=(401,))
    by_tag = await api.delete(repository, f"{absent}/tags/holystone-probe-{nonce[:16]}", final=(401,))
    if is_read_only(by_digest) or is_read_only(by_tag):
        return _cannot(READ_ONLY)
    digests, tags = _may(repository, by_digest), _may(repository, by_tag)
    if not (digests or tags):
        if by_digest.status == 401:
            # A wrong password reads public projects as nobody; if not even that, it is the credential's fault.
            await _check_list(api, repository)
        return _cannot(
            f"{described(api.credential)} may not delete in the project {project(repository)}, or there is no such "
            f"project ({summary(by_digest)}); it needs {RIGHTS}"
        )
    if not listed:
        await _check_list(api, repository)
    allowed = await api.allowed(repository, "pull", "push")
    if allowed is not None and "pull" not in allowed:
        return _cannot(f"{described(api.credential)} may not pull from {repository}; it needs {RIGHTS}")
    # A robot that may delete artifacts only is made for that: nothing says that it may push.
    may_push = tags and (allowed is None or "push" in allowed)
    can = PROFILE.can if may_push else PROFILE.can.without_tombstones()
    return msgspec.structs.replace(
        can,
        tags=can.tags if tags else None,
        digests=can.digests if digests else None,
        cascade=can.cascade if digests else Cascade(),
        undo=_outlook(allowed),
    )


async def _check_list(api: HarborApi, repository: Repository) -> None:
    reply = await api.get(repository, "/artifacts?page=1&page_size=1")
    if reply.status != 200:
        raise api.refused(f"The tags of {repository}", repository, reply)


def _outlook(allowed: frozenset[str] | None) -> UndoOutlook:
    """Harbor restores nothing by itself; garbage collection runs when its administrator says."""
    may_push = allowed is None or "push" in allowed
    return UndoOutlook("push", lacks="" if may_push else "the right to push (repository:push)")


def _may(repository: Repository, reply: Reply) -> bool:
    if is_absent(reply):
        return True
    if reply.status in (401, 403, 405):
        return False
    raise IncompleteSource(
        f"It cannot be found out what may be deleted in {repository}: {summary(reply)}.",
        what_to_do=f"{STRANGE} Harbor 1 has another API, which is not supported.",
    )


def _cannot(why: str) -> Capabilities:
    return Capabilities(PROFILE.can.implementation, forbidden=why)
