"""azure-identity's chain of credentials, over connections that trust and go where ours do."""

from typing import Any

import aiohttp
from azure.core.credentials import AccessToken
from azure.core.pipeline.transport import AioHttpTransport
from azure.identity.aio import DefaultAzureCredential
from yarl import URL

from holystone.adapters.http.proxies import DIRECT, proxy_for
from holystone.adapters.http.tls import usual_trust


class AzureChain:
    """Variables (AZURE_CLIENT_ID, …), workload identity, managed identity, `az login`, …; AZURE_TOKEN_CREDENTIALS
    narrows it. Raises ValueError for what is set up wrongly."""

    def __init__(self) -> None:
        self._transport = _Transport()
        self._chain = DefaultAzureCredential(transport=self._transport)

    async def get_token(self, *scopes: str) -> AccessToken:
        return await self._chain.get_token(*scopes)

    async def close(self) -> None:
        await self._chain.close()
        await self._transport.close()


class _Transport(AioHttpTransport):  # type: ignore[misc]  # azure-core finds the class at run time
    """Azure's own refuses authorities that Python 3.13 dislikes, and asks a machine for its identity through the proxy,
    whose error is then the end of the chain (azure-identity 1.27, aio/_credentials/imds.py)."""

    session: aiohttp.ClientSession | None

    async def open(self) -> None:
        if not self.session:
            self.session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=usual_trust()),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,  # azure-core does that itself
            )
        await super().open()

    async def send(self, request: Any, **config: Any) -> Any:
        """Over plain http this machine is asked, or its host: IMDS, App Service, Arc."""
        url = URL(request.url)
        proxy = proxy_for(url.origin()) if url.scheme == "https" else DIRECT
        return await super().send(request, proxy=proxy.url, proxy_headers=proxy.headers, **config)
