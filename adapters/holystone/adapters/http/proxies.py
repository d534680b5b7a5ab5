"""Proxies from the environment. aiohttp's own `trust_env` would read ~/.netrc as well and send what it finds there."""

import base64
import ipaddress
from typing import NamedTuple
from urllib.request import getproxies, proxy_bypass

from yarl import URL

from holystone.adapters.credentials.redaction import remember, without_userinfo
from holystone.adapters.http.reply import printable
from holystone.adapters.http.trust import is_loopback
from holystone.engine.errors import UsageError


class Proxy(NamedTuple):
    url: URL | None
    headers: dict[str, str]
    """What the proxy wants to be sent; it holds its password."""

    def __repr__(self) -> str:
        return f"<Proxy {self.url}>"


DIRECT = Proxy(None, {})


def proxy_for(url: URL) -> Proxy:
    """From HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY in either case. Raises UsageError for an address that is
    none."""
    proxies = getproxies()
    if url.host is None or proxy_bypass(url.host) or _is_direct(url, proxies.get("no", "")):
        return DIRECT
    text = proxies.get(url.scheme) or proxies.get("all")
    if not text:
        return DIRECT
    try:
        proxy = URL(text if "://" in text else f"http://{text}")
    except ValueError:
        proxy = URL()
    if proxy.scheme not in ("http", "https") or not proxy.host:
        raise UsageError(
            f"The proxy for {url.scheme} in the environment is no address of http or https: "
            f"{printable(without_userinfo(text))!r}.",
            what_to_do=f"Correct {url.scheme.upper()}_PROXY or ALL_PROXY.",
        )
    return proxy_at(proxy)


def _is_direct(url: URL, no_proxy: str) -> bool:
    """As Docker and werf have it (golang.org/x/net/http/httpproxy). Python knows neither networks nor ports there, and
    sends what is for this machine to the proxy, whose `localhost` is another one."""
    host = (url.host or "").lower()
    return is_loopback(host) or any(_names(each.strip().lower(), host, url.port) for each in no_proxy.split(","))


def _names(entry: str, host: str, port: int | None) -> bool:
    """`*`, a network, or an address or domain, with a port or for all of them. A domain means those below it too."""
    if entry == "*":
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        pass
    try:
        named = URL(f"//{entry.removeprefix('*').removeprefix('.')}")
    except ValueError:
        return False
    if not named.host or named.explicit_port not in (None, port):
        return False
    return host == named.host or host.endswith(f".{named.host}")


def proxy_at(proxy: URL) -> Proxy:
    """With the password that its address may hold."""
    if not proxy.user:
        return Proxy(proxy, {})
    remember(proxy.password or "")
    pair = base64.b64encode(f"{proxy.user}:{proxy.password or ''}".encode()).decode()
    remember(pair)
    return Proxy(proxy.with_user(None), {"Proxy-Authorization": f"Basic {pair}"})
