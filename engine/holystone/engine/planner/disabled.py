"""Refuses plans for registries that do not delete: the plan still shows what would go."""

from holystone.engine.model.capabilities import Capabilities
from holystone.engine.model.plan import RepositoryPlan
from holystone.engine.model.refusals import CannotDelete


def refuse_if_disabled(plan: RepositoryPlan, capabilities: Capabilities) -> CannotDelete | None:
    """The refusal of a plan whose registry deletes nothing; None also if there is nothing to delete."""
    if not plan.passes or (capabilities.can_delete and (capabilities.tag_delete or capabilities.digest_delete)):
        return None
    return CannotDelete(plan.repository, capabilities.cannot_delete_because)
