"""The settings of commands that carry out, or take back, what `prune` has planned by a file of policies."""

from collections.abc import Mapping

import msgspec

from holystone.adapters.registries.reach import NamedRegistries
from holystone.engine.errors import UsageError
from holystone.engine.model.references import RegistryHost
from holystone.policies.retention.reach import reaches
from holystone.policies.retention.rules import RetentionFile
from holystone.settings import options as o
from holystone.settings.given import Given, Options
from holystone.settings.places import ProjectPlaces
from holystone.settings.prune import all_lists, registries_of
from holystone.settings.resolve import resolve_apply
from holystone.settings.retention_file import load_retention_file
from holystone.settings.values import ApplySettings


def resolve_with_policies(options: Options, environ: Mapping[str, str], command: str) -> ApplySettings:
    """What `resolve_apply` makes, with what a file of policies says of registries and of who uses images.

    The file counts because this command names it, never because a plan or the journal does: both may come out of a CI's
    cache or artefact, and a file of logins says which secret goes to which host. That of the variable is left alone
    where the addresses of a project are given. Raises UsageError."""
    given = Given(options, environ)
    made, file, typed = resolve_apply(options, environ, command), given.path(o.POLICIES), given.is_typed(o.POLICIES)
    if file is None or (made.places.are_given and not typed):
        return made
    if addresses := [each.flag for each in (o.IMAGES_REPO, o.STAGES_STORAGE) if given.is_typed(each)]:
        raise UsageError(
            f"{o.POLICIES.flag} is about runs of `prune`, and {addresses[0]} about those of a project",
            what_to_do="Leave one of them out.",
        )
    retention = load_retention_file(file, given.home).file
    named = NamedRegistries(hosts=_implementations(retention))
    return msgspec.structs.replace(
        made,
        registry=msgspec.structs.replace(registries_of(given, retention), named=named),
        kubernetes=msgspec.structs.replace(made.kubernetes, said=retention.in_use.contexts),
        in_use=all_lists(given, retention),
        places=ProjectPlaces(),
    )


def _implementations(retention: RetentionFile) -> dict[RegistryHost, str]:
    """Which each registry is that the file is about."""
    patterns = (pattern.text for policy in retention.policies for pattern in policy.repositories)
    reached = dict.fromkeys(reaches(patterns, retention.registries), "auto")
    return reached | {host: said.implementation or "auto" for host, said in retention.registries.items()}
