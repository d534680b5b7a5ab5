"""A plain registry as a run is connected with it, and short ways to fill it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from holystone.adapters.credentials.credential import Anonymous
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.default.registry import DefaultSession, OciRegistry
from holystone.adapters.registries.fingerprint import Fingerprint, Nobody, ask
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.scheduler import Limits, Scheduler
from tests.support import images

ABSENT = Digest("sha256:" + "0" * 64)


@asynccontextmanager
async def connected(host: str) -> AsyncIterator[DefaultSession]:
    parsed = RegistryHost.parse(host)
    scheduler = Scheduler(Limits(attempts=2, host_patience=0.2))
    async with RegistryHttp(parsed, Anonymous()) as http:
        reads, writes = (scheduler.lane(parsed, "nobody", kind) for kind in ("read", "write"))

        async def fingerprint() -> Fingerprint:
            async with RegistryHttp(parsed, Anonymous(), signer=Nobody()) as nobody:
                return await ask(nobody, reads)

        registry = OciRegistry(parsed, http, reads, writes, fingerprint)
        yield registry.open(Repository(parsed, RepositoryPath("team/app")))


async def push_image(session: DefaultSession, text: str, *tags: str) -> Digest:
    config = images.config(text)
    manifest = images.image(config)
    await session.push_blob(config)
    for tag in tags or (manifest.digest,):
        await session.push_manifest(Tag(tag) if tags else manifest.digest, manifest)
    return manifest.digest
