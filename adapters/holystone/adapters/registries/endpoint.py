"""What an adapter gets to connect with: everything that the user said about one registry, and ways to reach it."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Protocol

from yarl import URL

from holystone.adapters.credentials.credential import Credential
from holystone.adapters.http.authorizer import Refresh
from holystone.adapters.http.signer import Signer
from holystone.adapters.http.transport import Classify, RegistryHttp
from holystone.engine.model.capabilities import Quota
from holystone.engine.model.references import RegistryHost
from holystone.engine.scheduler import Lane


class OpenHttp(Protocol):
    def __call__(
        self,
        base: URL | RegistryHost,
        credential: Credential,
        *,
        refresh: Refresh | None = None,
        classify: Classify | None = None,
        preemptive: bool = False,
        signer: Signer | None = None,
    ) -> RegistryHttp: ...


class GetLane(Protocol):
    def __call__(self, api: str, quota: Quota | None = None) -> Lane:
        """`api` names a class of requests that the vendor limits together, e.g. `read`, `write`, `api`."""
        ...


@dataclass(frozen=True, slots=True)
class Endpoint:
    host: RegistryHost
    login: Credential | None
    """What the vendor's own options and variables gave, e.g. `--repo-github-token`; None if they are silent."""
    docker: Credential
    """From Docker's configuration; may be Anonymous, whose `origin` says where was looked."""
    refresh_docker: Callable[[Credential], Awaitable[Credential]]
    """A newer one, after the registry refused it (helpers hand out short-lived ones)."""
    api_url: URL | None
    """Where the vendor's own API is, if the user said so (`--repo-api-url`); without a slash at the end."""
    own_api: URL
    """The same if he did; else by https at the registry's host, whatever the registry itself speaks."""
    vouched: bool
    """Whether the host's name or the user says which implementation it is. What the environment has for the vendor is
    not sent to other hosts."""
    environ: Mapping[str, str]
    lane: GetLane
    open_http: OpenHttp
    """With the user's TLS settings. Whoever opens one enters it into `resources`."""
    resources: AsyncExitStack
    """Closed when the run ends."""

    async def http(
        self,
        base: URL | RegistryHost,
        credential: Credential,
        *,
        refresh: Refresh | None = None,
        classify: Classify | None = None,
        preemptive: bool = False,
        signer: Signer | None = None,
    ) -> RegistryHttp:
        """Opened, and closed with the run. `base` is a registry's host, or the address of an API, where paths are
        appended to its own."""
        http = self.open_http(
            base, credential, refresh=refresh, classify=classify, preemptive=preemptive, signer=signer
        )
        return await self.resources.enter_async_context(http)
