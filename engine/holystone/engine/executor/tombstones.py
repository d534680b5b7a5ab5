"""Pass: tags that give way to a tombstone, whose digest is deleted once for all of them.

A tag becomes the tombstone's, the journal says so, and only then the tombstone goes; see docs/ordering.md.
"""

import hashlib
import json
from collections.abc import Sequence

from holystone.engine.errors import DeletionDisabled, RegistryFailure
from holystone.engine.executor.compare import compare, recorded
from holystone.engine.executor.guard import find_holds
from holystone.engine.executor.tally import Numbered
from holystone.engine.executor.untag import held_tags
from holystone.engine.executor.work import RepositoryWork
from holystone.engine.journal import Tombstone
from holystone.engine.model.manifests import OCI_CONFIG, OCI_MANIFEST, RawManifest
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, MovedMeanwhile, Outcome
from holystone.engine.model.plan import Untag
from holystone.engine.model.references import Digest, Repository


def make_tombstone(run_id: str, repository: Repository) -> Tombstone:
    """Its digest is of this run and this repository alone, so that deleting it cannot hit anything else. An image
    without layers: distribution 2.8 checks that the blobs of a manifest are there, and the configuration is the least
    that every client can read."""
    labels = {"holystone.run": run_id, "holystone.repository": str(repository)}
    config = _json(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Labels": labels},
            "rootfs": {"type": "layers", "diff_ids": []},
        }
    )
    body = _json(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {"mediaType": OCI_CONFIG, "digest": _digest(config), "size": len(config)},
            "layers": [],
            "annotations": {
                **labels,
                "org.opencontainers.image.description": f"Removed by Holystone; `holystone undo {run_id}` undoes it.",
            },
        }
    )
    return Tombstone(RawManifest(_digest(body), OCI_MANIFEST, body), config)


async def bury(work: RepositoryWork, steps: Sequence[Numbered[Untag]]) -> None:
    tombstone = work.journal.known.tombstone
    if tombstone is None:
        raise RegistryFailure(f"{work.repository}: the journal of this run has no tombstone.")
    digest = tombstone.manifest.digest
    held = await held_tags(work, steps)
    await work.registry.push_blob(work.repository, tombstone.config)
    on_it: list[int] = []
    marked: list[int] = []
    maybe = {step.tag: digest for _, step in steps}
    """Tags that are on the tombstone because of us, a push without an answer included."""

    async def overwrite(numbered: Numbered[Untag]) -> None:
        number, step = numbered
        now = await compare(work, step.tag, step.digest, digest)
        if now == step.digest:
            if hold := held.get(number):
                maybe.pop(step.tag)
                await work.settle({number: hold.outcome}, held=True)
                return
            now = recorded(work, step.digest) or await _push(work, step, tombstone)
        if now == digest:
            on_it.append(number)
        elif isinstance(now, AlreadyGone) and number in work.journal.known.tombstoned:
            marked.append(number)  # an earlier attempt came as far as this and did not live to record it
        elif not isinstance(now, Digest):
            if isinstance(now, MovedMeanwhile):
                maybe.pop(step.tag)
            await work.settle({number: now})

    await work.each(steps, overwrite)
    await work.settle(dict.fromkeys(marked, Deleted()))
    if not on_it:
        return
    await work.journal.mark_tombstoned(on_it)
    holds = await find_holds(work, {digest}, maybe)
    outcome: Outcome
    if hold := holds.digests.get(digest):
        outcome = hold.outcome
    else:
        (outcome,) = await work.delete([digest], lambda ones: work.registry.delete_manifests(work.repository, ones))
    if isinstance(outcome, AlreadyGone):
        outcome = Deleted()
    await work.settle(dict.fromkeys(on_it, outcome))


async def _push(work: RepositoryWork, step: Untag, tombstone: Tombstone) -> Digest | Outcome:
    try:
        await work.registry.push_manifest(work.repository, step.tag, tombstone.manifest)
    except DeletionDisabled:
        raise
    except RegistryFailure as error:
        return Failed(str(error))
    return tombstone.manifest.digest


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def _digest(body: bytes) -> Digest:
    return Digest.parse(f"sha256:{hashlib.sha256(body).hexdigest()}")
