"""What an option such as `--images-repo` names: a registry, or a place in one where repositories live."""

import ipaddress
import re
from typing import Literal, TypeAlias

import msgspec

from holystone.engine.model.references import RegistryHost, RepositoryPath

ImagesRepoMode: TypeAlias = Literal["multirepo", "monorepo"]


class Address(msgspec.Struct, frozen=True, order=True):
    """A registry, or a repository, which may also be the prefix of other repositories.

    `path` is as people write it: on the default registry `library/app` and `app` are the same, and it is `app` here.
    """

    host: RegistryHost
    path: RepositoryPath | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(self.path.split("/")) if self.path else ()

    def __str__(self) -> str:
        return f"{self.host}/{self.path}" if self.path else self.host


class ModeRules(msgspec.Struct, frozen=True):
    """Which shapes of address a registry takes as images repo, in which mode. An adapter supplies it."""

    account: tuple[str, ...] = ()
    """What the leading parts of a path are called that no image can live in, e.g. `("OWNER", "PROJECT")`."""
    repository: str = "REPOSITORY"
    """What comes after the account."""
    nests: bool = True
    """False: exactly one part follows the account, so that the address itself decides the mode."""


def hostname(host: RegistryHost) -> str:
    """The host without the port, and an IPv6 address without its brackets."""
    return re.sub(r":[0-9]+\Z", "", host).strip("[]")


def defaults_to_plain_http(host: RegistryHost) -> bool:
    """True for the local machine, where clients try plain HTTP without being asked."""
    name = hostname(host)
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
