"""Pushes one manifest of the journal, and finds out why a registry refuses it before that is called final."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from holystone.engine.errors import BlobsMissing, ManifestRefused
from holystone.engine.model.manifests import RawManifest, blobs_of, understood
from holystone.engine.model.outcomes import Failed
from holystone.engine.model.references import Digest, Tag
from holystone.engine.ports import RepositorySession
from holystone.engine.undo.order import parts
from holystone.engine.undo.outcomes import BlobsGone, Restored, UndoOutcome

Sleep: TypeAlias = Callable[[float], Awaitable[None]]
_PAUSES: Final = (0.1, 0.5, 2.0)
"""Seconds before another attempt for what lists others that are all there. distribution 2.8 and GitLab's registry in
file mode write the link files of a repository in place, so that for a moment a manifest that is being put once more,
by anybody, is none."""


async def push(session: RepositorySession, reference: Tag | Digest, raw: RawManifest, sleep: Sleep) -> UndoOutcome:
    """Raises RegistryFailure for what has nothing to do with the manifest."""
    for pause in (*_PAUSES, None):
        try:
            await session.push_manifest(reference, raw)
            return Restored()
        except ManifestRefused as error:
            refusal = error
        listed = parts(understood(raw))
        for part in listed:
            if await session.resolve(part) is None:
                return BlobsGone(f"{part}, which it needs, is not there; {refusal.message}")
        if not listed or pause is None:
            break
        await sleep(pause)
    return await _without_parts(session, raw, refusal)


async def _without_parts(session: RepositorySession, raw: RawManifest, refusal: ManifestRefused) -> UndoOutcome:
    """What it means when all manifests are there that this one needs."""
    for blob in (blobs := blobs_of(raw)):
        if not await session.has_blob(blob):
            return BlobsGone(f"the blob {blob} is not there; {refusal.message}")
    # A registry that answers from a cache may show a blob to a look and miss it at the push: its word counts more.
    if blobs and isinstance(refusal, BlobsMissing):
        return BlobsGone(refusal.message)
    return Failed(str(refusal))
