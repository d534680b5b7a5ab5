"""What was said of how registries are reached, besides Docker's configuration."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
from yarl import URL

from holystone.adapters.credentials.reference import Login
from holystone.engine.model.addresses import Address
from holystone.engine.model.plan import Place
from holystone.engine.model.references import RegistryHost


@dataclass(frozen=True, slots=True)
class Access:
    """How one of the project's places is reached, beyond Docker's configuration."""

    logins: Mapping[str, Login] = field(default_factory=dict)
    """By implementation: what the vendors' own options and variables give."""
    api_url: URL | None = None
    """Where the vendor's own API is, without a slash at the end; None: found by the registry's address."""


class NamedPlace(msgspec.Struct, frozen=True):
    """What was said of one of the project's places beside a plan or a run that has its own addresses."""

    address: Address
    implementation: str
    """`auto`, or one of `registries.implementations`."""


class NamedRegistries(msgspec.Struct, frozen=True):
    """What was said of registries to a command that takes its addresses from a plan or the journal."""

    places: Mapping[Place, NamedPlace] = {}
    hosts: Mapping[RegistryHost, str] = {}
    """What a file of policies, which this command names, says each is: `auto`, or one of
    `registries.implementations`."""

    def at(self, host: RegistryHost, place: Place) -> NamedPlace | None:
        """What vouches for a registry that somebody else has named."""
        if implementation := self.hosts.get(host):
            return NamedPlace(Address(host), implementation)
        return self.places.get(place)


class TokenServer(msgspec.Struct, frozen=True):
    """A token server that may see a registry's credential, wherever it is."""

    host: RegistryHost
    registry: RegistryHost | None = None
    """The registry whose credential it may see; None: of all that the command works on."""

    def is_for(self, registry: RegistryHost) -> bool:
        return self.registry in (None, registry)
