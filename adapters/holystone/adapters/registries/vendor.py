"""What a package says of its registry: one record, from which detection, options, logins, help and docs are made.

The command line loads all of these records before it knows what to do, so a package's `__init__.py` holds its record
and nothing that is slow to load.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from holystone.engine.model.addresses import Address, ModeRules

if TYPE_CHECKING:
    from holystone.adapters.registries.endpoint import Endpoint
    from holystone.adapters.registries.fingerprint import Fingerprint
    from holystone.adapters.registries.profile import Profile
    from holystone.engine.ports import Registry

VariablePrefix: TypeAlias = Literal["WERF", "HOLYSTONE"]
"""Of the option's variables: werf's for the options that werf 1.1 has."""


class TokenOption(msgspec.Struct, frozen=True, kw_only=True):
    """A token in an option of the vendor's own: `--repo-NAME`, and the same for one of the two repositories."""

    name: str
    help: str
    variables: VariablePrefix = "HOLYSTONE"


class PasswordOptions(msgspec.Struct, frozen=True, kw_only=True):
    """A user and a password in two: `--repo-NAME-username` and `--repo-NAME-password`."""

    name: str
    username: str
    """The help of the one."""
    password: str
    """The help of the other."""
    variables: VariablePrefix = "HOLYSTONE"


LoginOptions: TypeAlias = TokenOption | PasswordOptions


def _nested(_: Address) -> ModeRules:
    return ModeRules()


class Vendor(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a vendor without a request: `VENDOR` in the package's `__init__.py`. Beside it are `profile.py`
    with `PROFILE`, and `connect.py` with `connect`, which are loaded when they are needed."""

    package: str
    """The `__name__` of the package. Its last part is what users, plans and `IMPLEMENTATIONS` call the registry."""
    title: str
    """The vendor's own name for it."""
    hosts: str = ""
    """A regular expression of whole host names, in small letters and without a port, that nobody but the vendor can
    have. Empty for none."""
    anybodys_hosts: str = ""
    """The same for names that anybody can give to a host of his own. They tell what it is, and are not sent what is
    meant for the vendor's."""
    closed_hosts: Mapping[str, str] = {}
    """Hosts whose names look like the vendor's but which nobody can clean through its API, each with the reason, a
    sentence for people."""
    recognizes: "Callable[[Fingerprint], bool] | None" = None
    """Whether an answer to whoever has no credential can only be such a registry's. None if they show nothing."""
    spoken: str = ""
    """What a registry that is recognized is called in the middle of a sentence."""
    modes: Callable[[Address], ModeRules] = _nested
    """How an images repo at an address of the vendor's may look."""
    logins: tuple[LoginOptions, ...] = ()
    """In the order of the help. A token wins over a user and a password."""
    asks_docker: bool = True
    """Whether a credential in Docker's configuration could be used at all."""

    @property
    def name(self) -> str:
        return self.package.rpartition(".")[2]

    @property
    def profile(self) -> "Profile":
        """What docs/registries.md says of it, and what the planner may rely on before anything is asked."""
        profile: Profile = import_module(f"{self.package}.profile").PROFILE
        return profile

    async def connect(self, endpoint: "Endpoint") -> "Registry":
        """Raises UsageError where the credential or a package is missing, HolystoneError where something else is."""
        registry: Registry = await import_module(f"{self.package}.connect").connect(endpoint)
        return registry
