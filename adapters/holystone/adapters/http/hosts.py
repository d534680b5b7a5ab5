"""Hosts for which the user makes an exception: certificates that nobody vouches for, registries without TLS; and what
host an address leads to."""

from dataclasses import dataclass
from typing import Final

from yarl import URL

from holystone.engine.model.addresses import hostname
from holystone.engine.model.references import RegistryHost


@dataclass(frozen=True, slots=True)
class Hosts:
    registries: bool = False
    """The registries' own hosts, at any port: not their token servers, vendors' APIs and storage elsewhere."""
    named: frozenset[RegistryHost] = frozenset()
    """With a port for that alone."""

    def cover(self, url: URL, registry: RegistryHost) -> bool:
        """`registry`: on whose behalf the URL is asked."""
        host = (url.host or "").lower().rstrip(".")
        if self.registries and host == hostname(registry):
            return True
        return any(hostname(each) == host and _port(each) in (None, url.port) for each in self.named)


NOWHERE: Final = Hosts()


def host_of(url: URL) -> RegistryHost:
    """The host, with the port if it is not the usual one. (yarl's `authority` has an IPv6 address without its brackets,
    and letters that no host has.) Raises InvalidName."""
    return RegistryHost.parse(url.host_port_subcomponent or "")


def _port(host: RegistryHost) -> int | None:
    return URL(f"//{host}").explicit_port
