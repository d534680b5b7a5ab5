"""Registries, connected as the settings say: found by address, with the user's credentials, behind shared lanes."""

from collections.abc import Collection
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import anyio

from holystone.adapters.credentials.credential import Credential
from holystone.adapters.credentials.docker_config import DockerConfig
from holystone.adapters.registries.default import OciRegistry
from holystone.adapters.registries.detection import detect
from holystone.adapters.registries.http.transport import RegistryHttp
from holystone.engine.errors import UsageError
from holystone.engine.model.addresses import Address
from holystone.engine.model.references import RegistryHost, Repository
from holystone.engine.ports import Registry
from holystone.engine.scheduler import Limits, Scheduler


class Connections:
    """An async context manager that owns every connection of a run. One registry object, with one set of lanes, per
    host and credential, however many repositories are read through it."""

    def __init__(
        self,
        docker_config: Path,
        *,
        insecure: bool = False,
        skip_tls_verify: bool = False,
        token_servers: Collection[str] = (),
        limits: Limits | None = None,
    ) -> None:
        self._docker_config_dir = docker_config
        self._docker_config: DockerConfig | None = None
        self._insecure = insecure
        self._skip_tls_verify = skip_tls_verify
        self._token_servers = token_servers
        self._limits = limits or Limits()
        self.scheduler = Scheduler(limits=self._limits)
        self._open: dict[tuple[RegistryHost, Credential], OciRegistry] = {}
        self._stack = AsyncExitStack()
        self._opening = anyio.Lock()

    async def __aenter__(self) -> Self:
        await self._stack.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    async def registry(self, repository: Repository, implementation: str | None = None) -> Registry:
        """Raises UsageError for a registry that cannot be cleaned or a credential helper that fails."""
        name = detect(Address(repository.host, repository.path), implementation)
        if name != "default":
            raise UsageError(
                f"{repository} is on a registry of the implementation {name}, which this version does not clean by "
                "its own API yet.",
                what_to_do="If it also speaks the plain OCI distribution API with deletion, say "
                "--repo-implementation=default.",
            )
        async with self._opening:
            if self._docker_config is None:
                self._docker_config = await anyio.to_thread.run_sync(DockerConfig.read, self._docker_config_dir)
            credential = await self._docker_config.credential(repository.host, repository.path)
            key = (repository.host, credential)
            if key not in self._open:
                self._open[key] = await self._connect(repository, credential, self._docker_config)
            return self._open[key]

    async def _connect(self, repository: Repository, credential: Credential, config: DockerConfig) -> OciRegistry:
        async def refresh(refused: Credential) -> Credential:
            return await config.refreshed(repository.host, refused, repository.path)

        http = RegistryHttp(
            repository.host,
            credential,
            insecure=self._insecure,
            skip_tls_verify=self._skip_tls_verify,
            token_servers=self._token_servers,
            refresh=refresh,
            connections=self._limits.in_flight,
        )
        await self._stack.enter_async_context(http)
        name = f"{credential.origin} #{len(self._open)}"
        reads, writes = (self.scheduler.lane(repository.host, name, kind) for kind in ("read", "write"))
        return OciRegistry(repository.host, http, reads, writes)
