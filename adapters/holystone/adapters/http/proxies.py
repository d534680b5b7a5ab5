"""Proxies from the environment. aiohttp's own `trust_env` would read ~/.netrc as well and send what it finds there."""

import base64
from typing import NamedTuple
from urllib.request import getproxies, proxy_bypass

from yarl import URL


class Proxy(NamedTuple):
    url: URL | None
    headers: dict[str, str]
    """What the proxy wants to be sent; it holds its password."""

    def __repr__(self) -> str:
        return f"<Proxy {self.url}>"


DIRECT = Proxy(None, {})


def proxy_for(url: URL) -> Proxy:
    """From HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY in either case."""
    if url.host is None or proxy_bypass(url.host):
        return DIRECT
    proxies = getproxies()
    text = proxies.get(url.scheme) or proxies.get("all")
    if not text:
        return DIRECT
    return proxy_at(URL(text if "://" in text else f"http://{text}"))


def proxy_at(proxy: URL) -> Proxy:
    """With the password that its address may hold."""
    if not proxy.user:
        return Proxy(proxy, {})
    pair = base64.b64encode(f"{proxy.user}:{proxy.password or ''}".encode()).decode()
    return Proxy(proxy.with_user(None), {"Proxy-Authorization": f"Basic {pair}"})
