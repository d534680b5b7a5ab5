"""One registry that speaks the OCI distribution API: what the sessions of its repositories share."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator

import anyio

from holystone.adapters.http.transport import RegistryHttp
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath
from holystone.engine.ports import CatalogPage, RepositorySession
from holystone.engine.scheduler import Lane


class OciApi(ABC):
    """`reads` and `writes` are the lanes that every request passes through."""

    def __init__(self, host: RegistryHost, http: RegistryHttp, reads: Lane, writes: Lane) -> None:
        self._host = host
        self.http = http
        self.reads = self.referring = reads
        """The second is for what refers to a manifest: some vendors count that apart, and pushes and deletions."""
        self.writes = self.pushes = writes
        self.referrers_api: bool | None = None
        """None until asked."""
        self.asking_for_referrers = anyio.Lock()
        self.other_names: set[str] = set()
        """Names that the registry gives to repositories which have other ones."""

    @abstractmethod
    def open(self, repository: Repository) -> RepositorySession: ...

    @abstractmethod
    def repositories(self, prefix: RepositoryPath | None = None) -> AsyncIterator[CatalogPage]: ...

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.http!r}>"

    @property
    def host(self) -> RegistryHost:
        return self._host
