"""Deletions that the registry keeps refusing, because something refers to what they would take."""

from collections.abc import Mapping

from holystone.engine.executor.work import RepositoryWork
from holystone.engine.model.outcomes import Outcome, Referenced, StillReferenced


def refused_for_good(work: RepositoryWork) -> Mapping[int, Outcome]:
    """The outcomes of those that no later attempt will change: nothing else is left to do in the repository. But where
    an index that lists it went just now, the registry may not know of that yet."""
    if work.tally.unsettled != work.tally.refused():
        return {}
    listed = {child for manifest in work.manifests.values() if manifest for child in manifest.children}
    return {
        number: StillReferenced(outcome.by)
        for number in work.tally.unsettled
        if isinstance(outcome := work.tally.outcomes[number], Referenced)
        and work.tally.steps[number].digest not in listed
    }
