"""What has to be asked for, to find the repositories of policies: which registries, and which parts of them."""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from holystone.engine.model.references import InvalidName, RegistryHost, Repository, RepositoryPath
from holystone.engine.names import parse_address, repository_of

_WILD: Final = frozenset("*?")


class Reach(msgspec.Struct, frozen=True, order=True):
    """A part of a registry that holds all that a pattern can match there."""

    host: RegistryHost
    """Canonical."""
    prefix: RepositoryPath | None = None
    """By whole parts of the name; None: all of the registry."""
    alone: bool = False
    """The repository called `prefix`: no list is needed to find it."""

    def covers(self, other: "Reach") -> bool:
        if self.host != other.host or self.alone:
            return False
        if self.prefix is None or self.prefix == other.prefix:
            return True
        return other.prefix is not None and other.prefix.startswith(f"{self.prefix}/")

    @property
    def repository(self) -> Repository:
        """The one of a reach that is `alone`."""
        if not (self.alone and self.prefix):
            raise ValueError(f"{self} is more than one repository")
        return Repository(self.host, self.prefix)


def reach(pattern: str) -> Reach | None:
    """Where the repositories of a pattern may be; None: in any registry. Raises ValueError where the registry is
    neither written out nor left open."""
    host, slash, rest = pattern.partition("/")
    if host == "**":
        return None
    if _WILD & set(host) or not (slash and rest) or not ("." in host or ":" in host or host == "localhost"):
        raise ValueError(
            f"{pattern!r} does not begin with a registry: write it out, as in registry.example.com/{pattern}, or begin "
            "with **/ for any registry that the file names"
        )
    parts = rest.split("/")
    wild = next((number for number, part in enumerate(parts) if _WILD & set(part)), len(parts))
    alone = wild == len(parts)
    try:
        address = parse_address("/".join((host, *parts[:wild])))
        if alone:
            at = repository_of(address).canonical
            return Reach(at.host, at.path, alone=True)
    except InvalidName as error:
        raise ValueError(str(error)) from error
    return Reach(RegistryHost(address.host.removesuffix(":443")), address.path)


def spelled_out(pattern: str) -> str:
    """The pattern as it fits canonical names: `docker.io/app` is `docker.io/library/app`. Raises ValueError as
    `reach`."""
    found = reach(pattern)
    if found is None:
        return pattern
    return str(found.repository) if found.alone else f"{found.host}/{pattern.partition('/')[2]}"


def reaches(patterns: Iterable[str], hosts: Iterable[RegistryHost] = ()) -> Mapping[RegistryHost, tuple[Reach, ...]]:
    """What has to be asked for at each registry, nothing twice. `hosts`: other registries that are named. A pattern of
    any registry is looked for in all of each. Raises ValueError as `reach`."""
    found = [reach(each) for each in patterns]
    wanted = {each for each in found if each}
    if None in found:
        wanted |= {Reach(host) for host in (*hosts, *(each.host for each in wanted))}
    needed = sorted(each for each in wanted if not any(other.covers(each) for other in wanted if other != each))
    return {host: tuple(each for each in needed if each.host == host) for host in {each.host: None for each in needed}}
