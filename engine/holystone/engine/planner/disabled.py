"""Refuses plans for registries that do not delete: the plan still shows what would go."""

from holystone.engine.model.capabilities import Capabilities
from holystone.engine.model.plan import Refusal, RepositoryPlan


def refuse_if_disabled(plan: RepositoryPlan, capabilities: Capabilities) -> Refusal | None:
    """None too if there is nothing to delete."""
    why = capabilities.forbidden
    if not (why or capabilities.tags or capabilities.digests):
        why = "the registry deletes neither by tag nor by digest"
    if not (why and plan.passes):
        return None
    return Refusal(
        promise="deletion-disabled",
        repository=plan.repository,
        why=why,
        what_to_do="switch deletion on at the registry, or use credentials that may delete, and run again",
    )
