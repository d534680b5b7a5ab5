"""Registries, connected as the settings say: found by address, with the user's credentials, behind shared lanes."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Final, NamedTuple, Self

import anyio
from yarl import URL

from holystone.adapters.credentials.credential import Anonymous, Credential
from holystone.adapters.credentials.docker_config import DockerConfig
from holystone.adapters.credentials.reference import Login, read_login
from holystone.adapters.http.authorizer import Refresh
from holystone.adapters.http.dates import Dates
from holystone.adapters.http.hosts import NOWHERE, Hosts, host_of
from holystone.adapters.http.schemes import Schemes
from holystone.adapters.http.signer import Signer
from holystone.adapters.http.transport import Classify, RegistryHttp
from holystone.adapters.http.watch import Watch
from holystone.adapters.registries.detection import Detected, detect, is_vendors_own, named
from holystone.adapters.registries.endpoint import Endpoint
from holystone.adapters.registries.fingerprint import Fingerprint, Nobody, ask
from holystone.adapters.registries.implementations import VENDORS
from holystone.adapters.registries.reach import Access, NamedRegistries, TokenServer
from holystone.adapters.registries.vendor import Vendor
from holystone.adapters.registries.vouching import borne_out, other_login, refuse_unvouched_api
from holystone.engine import events
from holystone.engine.model.addresses import Address
from holystone.engine.model.plan import DetectedBy, Place
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath
from holystone.engine.ports import CatalogPage, Registry, RepositorySession
from holystone.engine.scheduler import Limits, Scheduler

log: Final = events.logger()
_UNASKED: Final = Anonymous("Docker's configuration was not asked")


class _Key(NamedTuple):
    """What registries that may share one connection have in common."""

    host: RegistryHost
    implementation: str
    docker: Credential
    login: Credential | None
    api_url: URL | None
    vouched: bool


class Connections:
    """An async context manager that owns every connection of a run. One registry object, with one set of lanes, per
    host and credential, however many repositories are read through it."""

    def __init__(
        self,
        docker_config: Path,
        *,
        insecure: Hosts = NOWHERE,
        unverified: Hosts = NOWHERE,
        token_servers: Collection[TokenServer] = (),
        limits: Limits | None = None,
        access: Mapping[Place, Access] | None = None,
        named: NamedRegistries | None = None,
        by_host: Mapping[RegistryHost, Login] = MappingProxyType({}),
        environ: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`named`: what a command that takes its addresses from a plan or the journal was told of them besides; None
        for one that was told all. `by_host`: logins that stand in for those of Docker's configuration."""
        self._docker_config_dir = docker_config
        self._docker_config: DockerConfig | None = None
        self._schemes = Schemes(insecure, unverified)
        self._unverified = unverified
        self._token_servers = token_servers
        self._limits = limits or Limits()
        self.scheduler = Scheduler(limits=self._limits)
        self._access = dict(access or {})
        self._named = named
        self._by_host = by_host
        self.environ = environ
        self._logins: dict[Login, Credential] = {}
        self._open: dict[_Key, Registry] = {}
        self._sessions: dict[tuple[_Key, Repository], RepositorySession] = {}
        self._leaving: dict[RepositorySession, AsyncExitStack] = {}
        self._watches: dict[RegistryHost, Watch] = {}
        """Of all that is asked on behalf of a registry, its token server and its vendor's API included."""
        self.dates = Dates()
        self._stack = AsyncExitStack()
        self._opening = anyio.Lock()
        self._asking = anyio.Lock()
        self._asked: dict[RegistryHost, Detected] = {}

    async def __aenter__(self) -> Self:
        await self._stack.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self.leave()
        finally:
            await self._stack.__aexit__(kind, error, trace)

    async def identify(self, address: Address, override: str | None = None) -> Detected:
        """A host that nobody has a name for is asked itself, once. Raises UsageError like `detect`."""
        if found := named(address, override):
            return found
        host = address.host
        async with self._asking:
            if host not in self._asked:
                self._asked[host] = detect(address, override, await self._ask(host))
                log.info("registry asked what it is", host=host, implementation=self._asked[host].implementation)
            return self._asked[host]

    async def session(
        self,
        repository: Repository,
        implementation: str | None = None,
        place: Place = "images",
        detected_by: DetectedBy | None = None,
    ) -> RepositorySession:
        """One until it is left (see `turn`), or these connections are closed, so that what was listed for a plan is
        known when it is carried out. `place`: whose credentials and API address count; `detected_by`: who said that it
        is this implementation (None: the user). Without an implementation it is found out.

        Raises UsageError for a registry that cannot be cleaned, a credential helper that fails, a missing package or
        secret, and a login that must not be shown to a registry of which only itself, or a file, says whose it is."""
        address = Address(repository.host, repository.path)
        found = await self.identify(address, implementation)
        async with self._opening:
            key = await self._key(address, found.implementation, place, detected_by or found.detected_by)
            # A helper that was asked anew has another answer, which the session there is has as well.
            at = key._replace(docker=_UNASKED), repository
            if at not in self._sessions:
                registry = await self._opened(key, address)
                async with AsyncExitStack() as leaving:
                    session = await leaving.enter_async_context(registry.open(repository))
                    leaving.callback(self._sessions.pop, at)
                    self._sessions[at], self._leaving[session] = session, leaving.pop_all()
            return self._sessions[at]

    async def catalog(
        self, host: RegistryHost, prefix: RepositoryPath | None, implementation: str | None = None
    ) -> AsyncIterator[CatalogPage]:
        """The registry's repositories, those below `prefix` alone if there is one. Raises as `session` and as
        `Registry.repositories`."""
        address = Address(host, prefix)
        found = await self.identify(address, implementation)
        async with self._opening:
            key = await self._key(address, found.implementation, "images", found.detected_by)
            registry = await self._opened(key, address)
        return registry.repositories(prefix)

    async def _key(self, address: Address, name: str, place: Place, detected_by: DetectedBy) -> _Key:
        access = self._access.get(place, Access())
        said = self._named.at(address.host, place) if self._named else None
        credential = await self._docker_credential(address) if VENDORS[name].asks_docker else _UNASKED
        given = access.logins.get(name)
        if address.host in self._by_host and not is_vendors_own(address.host, name):
            given = None  # it has a login of its own, and this one may be another registry's
        vouched = detected_by in ("user", "name") or borne_out(address.host, name, said)
        if given and not vouched:
            # What a file was made with is not to be had without it: another login sees and does other things.
            if isinstance(credential, Anonymous) or detected_by == "file":
                raise other_login(address.host, name, given)
            given = None
        login = await self._login(given) if given else None
        if access.api_url and self._named is not None:
            refuse_unvouched_api(address.host, access.api_url, said)
        return _Key(address.host, name, credential, login, access.api_url, vouched)

    async def _opened(self, key: _Key, address: Address) -> Registry:
        if key not in self._open:
            self._open[key] = await self._connect(address, key, VENDORS[key.implementation])
        return self._open[key]

    @asynccontextmanager
    async def turn(
        self, repository: Repository, implementation: str, place: Place, detected_by: DetectedBy
    ) -> AsyncIterator[RepositorySession]:
        """The session, for the last time: it is closed and forgotten at the end, so that of thousands of repositories
        only those are held that are worked on. Raises as `session`."""
        session = await self.session(repository, implementation, place, detected_by)
        try:
            yield session
        finally:
            if leaving := self._leaving.pop(session, None):
                await leaving.aclose()

    async def leave(self) -> None:
        """Closes and forgets all sessions that there are: nobody works with one any more."""
        while self._leaving:
            await self._leaving.popitem()[1].aclose()

    async def _docker(self) -> DockerConfig:
        if self._docker_config is None:
            self._docker_config = await anyio.to_thread.run_sync(DockerConfig.read, self._docker_config_dir)
        return self._docker_config

    async def _login(self, given: Login) -> Credential:
        """Read once: what it refers to may be a pipe."""
        if (login := self._logins.get(given)) is None:
            login = self._logins[given] = await anyio.to_thread.run_sync(read_login, given, self.environ)
        return login

    async def _docker_credential(self, address: Address) -> Credential:
        if given := self._by_host.get(address.host):
            return await self._login(given)
        return await (await self._docker()).credential(address.host, address.path or "")

    async def settle(self, host: RegistryHost | None = None) -> None:
        """Waits a moment for replies that nobody asked for, at one registry or at all. Raises Doubtful if there was
        one, and PlanDoubtful if it came to what was asked before `renew`."""
        for each in (host,) if host else tuple(self._watches):
            await self._watch(each).settle()

    def renew(self) -> None:
        """What is asked from here on is asked over new connections: what comes of it does not put in doubt what was
        read before."""
        for watch in self._watches.values():
            watch.renew()

    def _watch(self, host: RegistryHost) -> Watch:
        return self._watches.setdefault(host, Watch(str(host)))

    async def _ask(self, host: RegistryHost) -> Fingerprint:
        await self._schemes.find_out(host)
        async with self._http(host, Anonymous(), signer=Nobody()) as http:
            return await ask(http, self.scheduler.lane(host, "nobody", "version"))

    async def _connect(self, address: Address, key: _Key, vendor: Vendor) -> Registry:
        async def refresh(refused: Credential) -> Credential:
            if address.host in self._by_host:
                return refused  # there is no other
            return await (await self._docker()).refreshed(address.host, refused, address.path or "")

        await self._schemes.find_out(address.host)
        name = f"{(key.login or key.docker).origin} #{len(self._open)}"
        endpoint = Endpoint(
            host=address.host,
            login=key.login,
            docker=key.docker,
            refresh_docker=refresh,
            api_url=key.api_url,
            own_api=key.api_url or self._schemes.vendor_api(address.host),
            vouched=key.vouched,
            environ=self.environ,
            lane=lambda api, quota=None: self.scheduler.lane(address.host, name, api, quota),
            # Who names an API's address trusts its host with the credential, e.g. GitLab's own token server.
            open_http=partial(
                self._http,
                registry=address.host,
                trusted=(key.api_url.host,) if key.api_url and key.api_url.host else (),
                watch=self._watch(address.host),
            ),
            resources=self._stack,
        )
        return await vendor.connect(endpoint)

    def _http(
        self,
        base: URL | RegistryHost,
        credential: Credential,
        *,
        refresh: Refresh | None = None,
        classify: Classify | None = None,
        preemptive: bool = False,
        signer: Signer | None = None,
        registry: RegistryHost | None = None,
        trusted: tuple[str, ...] = (),
        watch: Watch | None = None,
    ) -> RegistryHttp:
        """`registry`: on whose behalf, if `base` is another host."""
        named = isinstance(base, URL)
        host = host_of(base) if isinstance(base, URL) else base
        for_whom = registry or host
        return RegistryHttp(
            host,
            credential,
            base=base if isinstance(base, URL) else self._schemes.base(base),
            named=named,
            unverified=partial(self._unverified.cover, registry=for_whom),
            preemptive=preemptive,
            signer=signer,
            token_servers=(*(each.host for each in self._token_servers if each.is_for(for_whom)), *trusted),
            refresh=refresh,
            classify=classify,
            watch=watch,
            dates=self.dates,
            connections=self._limits.in_flight,
        )
