"""Refuses plans for registries that do not delete: the plan still shows what would go."""

from holystone.engine.model.capabilities import Capabilities
from holystone.engine.model.plan import Refusal, RepositoryPlan


def refuse_if_disabled(plan: RepositoryPlan, capabilities: Capabilities) -> Refusal | None:
    """The refusal of a plan whose registry deletes nothing; None also if there is nothing to delete."""
    if not plan.passes or (capabilities.can_delete and (capabilities.tag_delete or capabilities.digest_delete)):
        return None
    return Refusal(
        promise="deletion-disabled",
        repository=plan.repository,
        why=capabilities.cannot_delete_because or "the registry deletes neither by tag nor by digest",
        what_to_do="switch deletion on at the registry, or use credentials that may delete, and run again",
    )
