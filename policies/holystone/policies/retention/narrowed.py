"""A file of policies, as far as some repositories are concerned."""

from collections.abc import Collection

import msgspec

from holystone.engine.model.references import Repository
from holystone.policies.retention.project_places import lies_in
from holystone.policies.retention.reach import spelled_out
from holystone.policies.retention.repository_patterns import RepositoryPattern, any_matches
from holystone.policies.retention.rules import Policy, RetentionFile


def is_about(policy: Policy, repository: Repository) -> bool:
    """Whether the policy decides for it, if none before does, and no project."""
    return any_matches(_spelled(policy.repositories), repository) and not any_matches(
        _spelled(policy.except_), repository
    )


def narrowed(file: RetentionFile, to: Collection[Repository]) -> RetentionFile:
    """The file about these repositories alone. What its entries match there says nothing of other repositories, so that
    all of them are `optional`."""
    return msgspec.structs.replace(
        file,
        policies=tuple(
            msgspec.structs.replace(
                policy,
                repositories=tuple(RepositoryPattern(str(each.canonical)) for each in about),
                except_=(),
                keep=tuple(msgspec.structs.replace(entry, optional=True) for entry in policy.keep),
            )
            for policy in file.policies
            if (about := [each for each in to if is_about(policy, each)])
        ),
        projects=tuple(each for each in file.projects if any(lies_in(each, at) for at in to)),
    )


def _spelled(patterns: Collection[RepositoryPattern]) -> tuple[RepositoryPattern, ...]:
    return tuple(RepositoryPattern(spelled_out(each.text)) for each in patterns)
