"""NO_PROXY, as Go reads it for Docker, kubectl and werf (golang.org/x/net, http/httpproxy: proxy.go).

An entry is a name (and all below it), `.name` or `*.name` (what is below it), an address, a block of addresses, or `*`;
all but blocks may have a port. Names are not looked up, so a block is about addresses only. curl takes spaces, too,
between entries.
"""

import ipaddress
import re
from typing import Final, TypeAlias

from yarl import URL

from holystone.adapters.http.trust import is_loopback

_Ip: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
_WITH_PORT: Final = re.compile(r"(\[[^\]]*\]|[^:]*):(\d*)")


def is_direct(url: URL, entries: str) -> bool:
    """Whether to go there without a proxy. This machine itself is never reached through one."""
    host = (url.raw_host or "").lower().rstrip(".")
    address = _address(host)
    if not host or is_loopback(str(address or host)):
        return True
    return any(_matches(entry, host, address, url.port) for entry in re.split(r"[\s,]+", entries.lower()) if entry)


def _matches(entry: str, host: str, address: _Ip | None, port: int | None) -> bool:
    if entry == "*":
        return True
    if "/" in entry:
        return address is not None and _is_in(address, entry)
    if with_port := _WITH_PORT.fullmatch(entry):
        entry, wanted = with_port.groups()
        if wanted and wanted != str(port):
            return False
    if address is not None:
        return _address(entry.strip("[]")) == address
    name = _ascii(entry.removeprefix("*").strip("."))
    below = host.endswith(f".{name}")
    return bool(name) and (below or (host == name and not entry.startswith(("*.", "."))))


def _is_in(address: _Ip, block: str) -> bool:
    try:
        return address in ipaddress.ip_network(block, strict=False)
    except ValueError:
        return False


def _address(text: str) -> _Ip | None:
    """An IPv4 address in IPv6's clothes is that IPv4 address."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return (isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped) or found


def _ascii(name: str) -> str:
    try:
        return name.encode("idna").decode()
    except UnicodeError:
        return name
