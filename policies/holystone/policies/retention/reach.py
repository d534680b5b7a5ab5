"""What has to be asked for, to find the repositories of policies: which registries, and which parts of them."""

from collections.abc import Iterable, Mapping

import msgspec

from holystone.engine.model.references import InvalidName, RegistryHost, Repository, RepositoryPath
from holystone.engine.names import parse_address

_WILD = frozenset("*?")


class Reach(msgspec.Struct, frozen=True, order=True):
    """A part of a registry that holds all that a pattern can match."""

    host: RegistryHost
    prefix: RepositoryPath | None = None
    """By whole parts of the name; None: all of the registry."""
    alone: bool = False
    """The repository called `prefix`, and no list is needed to find it."""

    def covers(self, other: "Reach") -> bool:
        if self.host != other.host or self.alone:
            return False
        if self.prefix is None:
            return True
        return other.prefix is not None and (
            other.prefix == self.prefix or other.prefix.startswith(f"{self.prefix}/")
        )

    @property
    def repository(self) -> Repository:
        """Of one that is `alone`."""
        assert self.prefix  # noqa: S101 -- `reach` gives no other
        return Repository(self.host, self.prefix)


def reach(pattern: str) -> Reach:
    """Raises ValueError for a pattern that does not begin with a registry, written out."""
    host, slash, rest = pattern.partition("/")
    named = "." in host or ":" in host or host == "localhost"
    if not slash or not rest or not named or _WILD & set(host):
        raise ValueError(
            f"{pattern!r} does not begin with the address of a registry, as in registry.example.com/{pattern}"
        )
    literal: list[str] = []
    parts = rest.split("/")
    for part in parts:
        if _WILD & set(part):
            break
        literal.append(part)
    alone = len(literal) == len(parts)
    try:
        address = parse_address("/".join((host, *literal)))
    except InvalidName as error:
        raise ValueError(str(error)) from error
    return Reach(address.host, address.path, alone)


def reaches(patterns: Iterable[str]) -> tuple[Reach, ...]:
    """What has to be asked for, each once and nothing twice. Raises ValueError as `reach`."""
    wanted = sorted({reach(each) for each in patterns})
    return tuple(each for each in wanted if not any(other.covers(each) for other in wanted if other is not each))


def fairly(reaches: Iterable[Reach]) -> Mapping[RegistryHost, tuple[Reach, ...]]:
    """By registry: each is read beside the others, so that a slow one holds nobody up."""
    found: dict[RegistryHost, list[Reach]] = {}
    for each in reaches:
        found.setdefault(each.host, []).append(each)
    return {host: tuple(each) for host, each in found.items()}
