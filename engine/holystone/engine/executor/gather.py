"""The bytes of everything that is about to go, so that the journal can have them before the first request."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from holystone.engine.errors import RegistryFailure
from holystone.engine.executor.work import WORKERS
from holystone.engine.model.manifests import Malformed, Manifest, RawManifest, parse_manifest
from holystone.engine.model.references import Digest, Repository
from holystone.engine.ports import Knowledge, Registry
from holystone.engine.scheduler import for_each


@dataclass(slots=True)
class Gathered:
    found: list[RawManifest] = field(default_factory=list)
    unreadable: dict[Digest, str] = field(default_factory=dict)
    """The registry's error for each. A manifest that is in neither is gone."""


async def gather(
    registry: Registry, knowledge: Knowledge, repository: Repository, digests: Iterable[Digest]
) -> Gathered:
    gathered = Gathered()

    async def read(digest: Digest) -> None:
        raw = knowledge.manifest(digest)
        if raw is None:
            try:
                raw = await registry.read_manifest(repository, digest)
            except RegistryFailure as error:
                gathered.unreadable[digest] = str(error)
                return
        if raw is None:
            return
        if hashlib.new(digest.algorithm, raw.body).hexdigest() != digest.hex:
            gathered.unreadable[digest] = "its bytes do not match its digest"
            return
        knowledge.learn_manifest(raw)
        gathered.found.append(raw)

    await for_each(sorted(set(digests)), read, workers=WORKERS)
    return gathered


def understood(raw: RawManifest) -> Manifest | None:
    try:
        return parse_manifest(raw)
    except Malformed:
        return None
