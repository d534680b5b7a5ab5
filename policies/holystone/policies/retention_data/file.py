"""A whole file of retention policies, and one that is included."""

from collections.abc import Mapping
from typing import Final

import msgspec

from holystone.engine.model.references import InvalidName, RegistryHost
from holystone.engine.names import has_user_info
from holystone.policies.retention.rules import CloneName, Clusters, Policy, RegistryAccess, WerfProject
from holystone.policies.retention_data.entries import Beside
from holystone.policies.retention_data.includes import Include, check_inside, parse_includes
from holystone.policies.retention_data.parts import Part, Word
from holystone.policies.retention_data.policies import parse_policy
from holystone.policies.retention_data.projects import parse_projects
from holystone.policies.retention_data.tags import ReadTags

INCLUDED_KEYS: Final = ("format", "policies")
FILE_KEYS: Final = ("format", "registries", "in-use", "clones", "policies", "projects", "include")
IN_USE_KEYS: Final = ("kubernetes", "lists")
REGISTRY_KEYS: Final = ("implementation", "credentials")
LOGIN: Final = {"username": "where the user's name is", "password": "where the password is"}
MOST_POLICIES: Final = 1_000
_FORMAT: Final = "1"
WORK: Final = ("policies", "include", "projects")


class WrittenFile(msgspec.Struct, frozen=True):
    """What one file says, apart from what it includes. Paths are as they are written."""

    in_use: Clusters
    in_use_lists: tuple[str, ...]
    clones: Mapping[CloneName, str]
    registries: Mapping[str, RegistryAccess]
    """By host, as it is written."""
    policies: tuple[Policy, ...]
    projects: tuple[WerfProject, ...]
    includes: tuple[Include, ...]


def parse_file(part: Part, read_tags: ReadTags) -> WrittenFile:
    """Raises PolicyError."""
    keys = _checked(part, FILE_KEYS, {"in-use": "whose images stay, whatever a rule says"})
    if not any(key in keys for key in WORK):
        raise part.wrong(f"nothing here says which repositories are meant; that does any of {', '.join(WORK)}")
    in_use = keys["in-use"].keys(
        IN_USE_KEYS, {"kubernetes": "in which clusters to look: all, none or a list"}, "{kubernetes: all}"
    )
    clones = {name: each.text("a folder") for name, each in keys["clones"].named().items()} if "clones" in keys else {}
    return WrittenFile(
        in_use=_clusters(in_use["kubernetes"]),
        in_use_lists=_lists(in_use.get("lists")),
        clones=clones,
        registries=_registries(keys.get("registries")),
        policies=_policies(keys.get("policies"), Beside(frozenset(clones), read_tags)),
        projects=parse_projects(keys.get("projects")),
        includes=parse_includes(keys.get("include")),
    )


def parse_included(part: Part, prefix: str, clones: frozenset[CloneName], read_tags: ReadTags) -> tuple[Policy, ...]:
    """The policies of a file that is included for `prefix` by one that has these `clones`. Raises PolicyError."""
    keys = _checked(part, FILE_KEYS, {"policies": "what the file is for"})
    for key, each in keys.items():
        if key not in INCLUDED_KEYS:
            raise each.wrong("stands only in a file that nothing includes")
    policies = _policies(keys["policies"], Beside(clones, read_tags))
    check_inside(policies, prefix, keys["policies"])
    return policies


def _checked(part: Part, known: tuple[str, ...], needed: Mapping[str, str]) -> dict[str, Part]:
    form = part.named().get("format") if isinstance(part.data, Mapping) else None
    if form and not (
        isinstance(form.data, Word) and form.data == _FORMAT
    ):  # before its keys, which another format may have others of
        raise form.wrong("must be 1, the one format that this version of Holystone reads")
    keys = part.keys(known, {"format": "how the file is to be read: 1", **needed})
    part.check_filled()
    return keys


def _policies(part: Part | None, beside: Beside) -> tuple[Policy, ...]:
    if part is None:
        return ()
    items = part.listed("policies")
    if len(items) > MOST_POLICIES:
        raise part.wrong(f"more than {MOST_POLICIES:,} policies")
    policies = tuple(parse_policy(each, beside) for each in items)
    seen: set[str] = set()
    for number, policy in enumerate(policies):
        if policy.name in seen:
            raise Part(None, (*part.path, number, "name")).wrong("another policy has this name, too")
        seen.add(policy.name)
    return policies


def _clusters(part: Part) -> Clusters:
    if isinstance(part.data, str):
        return Clusters("all" if part.one_of("all", "none") == "all" else "none")
    return Clusters(tuple(each.text("the name of a context") for each in part.listed("contexts, or all or none")))


def _lists(part: Part | None) -> tuple[str, ...]:
    paths = part.listed("files") if part else ()
    for each in paths:
        if each.text("the path of a file") == "-":
            raise each.wrong("standard input is no file; that is --in-use - on the command line")
    return tuple(each.text("the path of a file") for each in paths)


def _registries(part: Part | None) -> dict[str, RegistryAccess]:
    found: dict[str, RegistryAccess] = {}
    hosts: set[str] = set()
    for name, each in (part.named() if part else {}).items():
        if part and has_user_info(name):
            raise part.wrong("a name or a password before an '@' does not belong into an address")
        try:
            host = RegistryHost.parse(name).removesuffix(":443")
        except InvalidName:
            raise each.wrong("this is no registry's host, such as registry.example.com:5000") from None
        if host in hosts:
            raise each.wrong("this host stands here twice")
        hosts.add(host)
        found[name] = _access(each)
    return found


def _access(part: Part) -> RegistryAccess:
    keys = part.keys(REGISTRY_KEYS)
    login = keys["credentials"].keys(tuple(LOGIN), LOGIN) if "credentials" in keys else {}
    return RegistryAccess(
        keys["implementation"].text("the name of an implementation") if "implementation" in keys else None,
        *(login[key].text("env:NAME or file:PATH") if login else None for key in LOGIN),
    )
