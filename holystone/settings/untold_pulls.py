"""Policies that ask when images were pulled, of registries that never tell it."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import takewhile
from typing import NamedTuple

from holystone.adapters.registries.detection import named
from holystone.adapters.registries.implementations import VENDORS
from holystone.engine.model.addresses import Address
from holystone.engine.model.references import RegistryHost
from holystone.policies.retention.reach import reach, reaches, spelled_out
from holystone.policies.retention.rules import Policy, RegistryAccess


class UntoldPulls(NamedTuple):
    policy: str
    entry: int
    """Position in the policy, counted from 0."""
    why: str


def untold_pulls(policies: Iterable[Policy], registries: Mapping[RegistryHost, RegistryAccess]) -> UntoldPulls | None:
    """The first entry that asks for pulls of a registry of which it is known, by the file or by its name, that it tells
    none. What has to ask a registry itself is found out when it is read. Raises UsageError for a registry that nobody
    can clean."""
    policies = tuple(policies)
    asking = [(each, entry) for each in policies if (entry := _asks(each)) is not None]
    if not asking:
        return None
    everywhere = tuple(reaches((pattern.text for each in policies for pattern in each.repositories), registries))
    for policy, entry in asking:
        for host in _hosts(policy, everywhere, policies):
            access = registries.get(host)
            found = named(Address(host), access.implementation if access else None)
            if found and not _tells(found.implementation):
                telling = ", ".join(name for name in sorted(VENDORS) if _tells(name))
                why = (
                    f"{host} ({found.implementation}) does not tell when images are pulled; those that do are {telling}"
                )
                return UntoldPulls(policy.name, entry, why)
    return None


def _tells(implementation: str) -> bool:
    return VENDORS[implementation].profile.can.listing.pulls


def _asks(policy: Policy) -> int | None:
    return next((number for number, entry in enumerate(policy.keep) if entry.pulled_within is not None), None)


def _hosts(policy: Policy, everywhere: Iterable[RegistryHost], policies: Iterable[Policy]) -> Iterator[RegistryHost]:
    """The registries that the policy names; where it is about any, also all others but those that it excepts, and those
    for which a policy before it decides as a whole."""
    found = [reach(each.text) for each in policy.repositories]
    hosts = {each.host for each in found if each}
    if None in found:
        before = takewhile(lambda each: each is not policy, policies)
        taken = {
            spelled_out(pattern.text)
            for pattern in (
                *policy.except_,
                *(each for other in before if not other.except_ for each in other.repositories),
            )
        }
        hosts |= {host for host in everywhere if not taken & {f"{host}/**", "**"}}
    yield from sorted(hosts)
