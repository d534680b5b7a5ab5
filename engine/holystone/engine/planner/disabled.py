"""Refuses plans for registries that do not delete: the plan still shows what would go."""

from holystone.engine.model.capabilities import Capabilities
from holystone.engine.model.plan import RepositoryPlan
from holystone.engine.model.refusals import CannotDelete


def refuse_if_disabled(plan: RepositoryPlan, capabilities: Capabilities) -> CannotDelete | None:
    """The refusal of a plan whose registry deletes nothing; None also if there is nothing to delete."""
    deletes = capabilities.tags or capabilities.digests
    if not plan.passes or (deletes and not capabilities.forbidden):
        return None
    return CannotDelete(plan.repository, capabilities.forbidden)
