"""Proxies from the environment. aiohttp's own `trust_env` would read ~/.netrc as well and send what it finds there."""

import base64
import os
from typing import NamedTuple

from yarl import URL

from holystone.adapters.credentials.redaction import remember, without_userinfo
from holystone.adapters.http.no_proxy import is_direct
from holystone.adapters.http.reply import printable
from holystone.engine.errors import UsageError


class Proxy(NamedTuple):
    url: URL | None
    password: str = ""
    """The user where there is none: some proxies want a key there, and nothing else."""
    login: str = ""
    """The user and the password, in base64."""

    @property
    def headers(self) -> dict[str, str]:
        """What the proxy wants to be sent."""
        if not self.login:
            return {}
        remember(self.password)  # in use: of all that there was, only the last used ones are known
        remember(self.login)
        return {"Proxy-Authorization": f"Basic {self.login}"}

    def __repr__(self) -> str:
        return f"<Proxy {self.url}>"


DIRECT = Proxy(None)
_METADATA = URL("http://169.254.169.254")
"""Where the machines of AWS, Azure and Google learn their credentials."""


def proxy_for(url: URL) -> Proxy:
    """The proxy for an address, from HTTP_PROXY, HTTPS_PROXY and ALL_PROXY, unless NO_PROXY has the host. Raises
    UsageError for an address that is none."""
    text = _variable(f"{url.scheme}_proxy") or _variable("all_proxy")
    if not text or is_direct(url, _variable("no_proxy")):
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


def hides_metadata() -> str:
    """Says to people that a vendor's library asks a machine through a proxy who it is. Empty if it does not."""
    if proxy_for(_METADATA).url is None:
        return ""
    return f"A proxy is asked who this machine is: name {_METADATA.host} in NO_PROXY."


def proxy_at(proxy: URL) -> Proxy:
    """The proxy at an address, with the password that the address may hold, without a user's name too: aiohttp would
    send it by itself, and nobody would know it for a secret."""
    user, password = proxy.user or "", proxy.password or ""
    if not (user or password):
        return Proxy(proxy.with_user(None))
    return Proxy(proxy.with_user(None), password or user, base64.b64encode(f"{user}:{password}".encode()).decode())


def _variable(name: str) -> str:
    """The value of a variable, in capitals first, as Go looks for it. What a web server calls a script with may hold a
    stranger's `Proxy` header under the name HTTP_PROXY (CVE-2016-5386)."""
    capitals = "" if name == "http_proxy" and "REQUEST_METHOD" in os.environ else os.environ.get(name.upper(), "")
    return (capitals or os.environ.get(name, "")).strip()
