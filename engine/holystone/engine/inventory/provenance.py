"""Reads what attestations say of how images were built."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Final

import msgspec

from holystone.engine.events import about
from holystone.engine.inventory.entries import Entries
from holystone.engine.inventory.reader import WORKERS
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.manifests import Malformed, parts
from holystone.engine.model.provenance import parse_provenance
from holystone.engine.model.references import Digest, Tag
from holystone.engine.ports import DigestCache, RepositorySession
from holystone.engine.scheduler import for_each

_LARGEST: Final = 4 << 20
"""Bytes. With `mode=max` provenance holds each step of a build and its Dockerfile; that is some hundred KiB."""


async def add_provenance(
    session: RepositorySession, cache: DigestCache, snapshot: RepositorySnapshot, tags: Iterable[Tag]
) -> RepositorySnapshot:
    """The snapshot, with what the provenance of these tags' images says. What cannot be read or understood, and what
    claims to be larger than such a thing can be, is not in it. Raises what concerns more than one."""
    digests = {snapshot.tags[tag] for tag in tags}
    digests |= parts(digests, snapshot.manifests)
    manifests = [manifest for digest in digests if (manifest := snapshot.manifests.get(digest))]
    wanted = {each.digest for manifest in manifests for each in manifest.statements if each.size <= _LARGEST}
    found: dict[Digest, frozenset[str]] = {}
    entries: Entries[Digest] = Entries()

    async def read(digest: Digest) -> None:
        body = await cache.blob(digest)
        if body is None:
            with entries.of(digest):
                body = await session.read_blob(digest)
            if body is None:
                return
            await cache.learn_blob(digest, body)
        with suppress(Malformed):
            found[digest] = parse_provenance(digest, body)

    with about(repository=session.repository):
        await for_each(sorted(wanted), read, workers=WORKERS)
    entries.end(may_read=True)
    return msgspec.structs.replace(snapshot, provenance=found) if found else snapshot
