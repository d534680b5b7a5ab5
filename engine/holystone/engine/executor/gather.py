"""The bytes of everything that is about to go, so that the journal can have them before the first request."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from holystone.engine.errors import RegistryFailure
from holystone.engine.executor.work import WORKERS
from holystone.engine.model.manifests import Malformed, Manifest, RawManifest, parse_manifest
from holystone.engine.model.references import Digest, Repository
from holystone.engine.ports import Knowledge, Registry
from holystone.engine.scheduler import for_each, in_batches


@dataclass(slots=True)
class Gathered:
    found: list[RawManifest] = field(default_factory=list)
    unreadable: dict[Digest, str] = field(default_factory=dict)
    """The registry's error for each. A manifest that is in neither is gone."""


async def gather(
    registry: Registry, knowledge: Knowledge, repository: Repository, digests: Iterable[Digest]
) -> Gathered:
    gathered = Gathered()
    unknown: list[Digest] = []
    for digest in sorted(set(digests)):
        if known := knowledge.manifest(digest):
            gathered.found.append(known)
        else:
            unknown.append(digest)

    async def read(some: Sequence[Digest]) -> None:
        try:
            found = await registry.read_manifests(repository, some)
        except RegistryFailure as error:
            gathered.unreadable.update(dict.fromkeys(some, str(error)))
            return
        for digest, raw in found.items():
            if digest.matches(raw.body):
                knowledge.learn_manifest(raw)
                gathered.found.append(raw)
            else:
                gathered.unreadable[digest] = "its bytes do not match its digest"

    await for_each(in_batches(unknown, registry.manifests_at_once), read, workers=WORKERS)
    return gathered


def understood(raw: RawManifest) -> Manifest | None:
    try:
        return parse_manifest(raw)
    except Malformed:
        return None
