"""What a registry can be asked with. `origin` says in words where it came from, for messages."""

from dataclasses import dataclass
from math import inf
from typing import TypeAlias

from holystone.adapters.credentials.secret import Secret


@dataclass(frozen=True, slots=True)
class Anonymous:
    origin: str = "no credential was found"
    """Where was looked in vain."""


@dataclass(frozen=True, slots=True)
class UserPassword:
    username: str
    password: Secret
    origin: str
    """E.g. `credHelpers in ~/.docker/config.json`."""
    renew_at: float = inf
    """When a newer one has to be asked for, on the monotonic clock, if that is known."""


@dataclass(frozen=True, slots=True)
class IdentityToken:
    """An OAuth2 refresh token: shown to the token server only."""

    token: Secret
    origin: str
    username: str = "<token>"
    """Sent with it to token servers that know only GET."""


@dataclass(frozen=True, slots=True)
class RegistryToken:
    """A ready Bearer token, sent as it is with every request."""

    token: Secret
    origin: str
    renew_at: float = inf


Credential: TypeAlias = Anonymous | UserPassword | IdentityToken | RegistryToken
