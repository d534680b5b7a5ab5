"""Which vendor's API a registry speaks, and which images repo modes werf 1.1 allows there."""

import re
from typing import Final, NamedTuple

from holystone.adapters.registries.fingerprint import Fingerprint, the_one
from holystone.adapters.registries.implementations import IMPLEMENTATIONS, VENDORS
from holystone.engine.errors import UsageError
from holystone.engine.model.addresses import Address, ModeRules, hostname
from holystone.engine.model.plan import DetectedBy
from holystone.engine.model.references import RegistryHost

# The first match wins, and always of the whole host: gcr.io.example.com is nobody's.
_HOSTS: Final = tuple(
    (vendor.name, re.compile(pattern))
    for vendor in VENDORS.values()
    for pattern in (vendor.hosts, vendor.anybodys_hosts)
    if pattern
)
_ANYBODYS: Final = tuple(re.compile(vendor.anybodys_hosts) for vendor in VENDORS.values() if vendor.anybodys_hosts)
_CLOSED: Final = {host: why for vendor in VENDORS.values() for host, why in vendor.closed_hosts.items()}
RECOGNIZABLE: Final = {name: vendor.recognizes for name, vendor in VENDORS.items() if vendor.recognizes}
"""By what they show of themselves."""
_NOTHING: Final = Fingerprint()


class Detected(NamedTuple):
    implementation: str
    detected_by: DetectedBy


def detect(address: Address, override: str | None = None, shown: Fingerprint = _NOTHING) -> Detected:
    """What `named` says, else what the registry showed of itself; `default` if that is nobody's."""
    return named(address, override) or Detected(recognize(shown) or "default", "registry")


def named(address: Address, override: str | None = None) -> Detected | None:
    """The implementation that the user or the host's name says. `override` wins unless it is None, empty or `auto`;
    then the host's name. None where neither says anything.

    Raises UsageError for an unknown name and for a host that cannot be cleaned."""
    if override and override != "auto":
        if override not in IMPLEMENTATIONS:
            raise UsageError(
                f"{override!r} is not a registry implementation.",
                what_to_do=f"Choose one of {', '.join(sorted(IMPLEMENTATIONS))}, or auto.",
            )
        return Detected(override, "user")
    host = hostname(address.host)
    if why := _CLOSED.get(host):
        raise UsageError(f"The registry {address.host} cannot be cleaned. {why}")
    return next((Detected(name, "name") for name, pattern in _HOSTS if pattern.fullmatch(host)), None)


def recognize(shown: Fingerprint) -> str | None:
    """The implementation whose fingerprint this is, and no other one's."""
    return the_one(shown, RECOGNIZABLE)


def is_vendors_own(host: RegistryHost, implementation: str) -> bool:
    """Whether nobody but the vendor can have this host's name, wherever the name comes from."""
    found = named(Address(host))
    if found is None or found.implementation != implementation:
        return False
    return not any(pattern.fullmatch(hostname(host)) for pattern in _ANYBODYS)


def mode_rules(implementation: str, address: Address) -> ModeRules:
    """How an images repo at this address may look, for `resolve_mode`."""
    return VENDORS[implementation].modes(address)
