"""Deletions that the registry keeps refusing, because something refers to what they would take."""

from collections.abc import Mapping

from holystone.engine.executor.work import RepositoryWork
from holystone.engine.model.outcomes import Outcome, Referenced, StillReferenced


def refused_for_good(work: RepositoryWork) -> Mapping[int, Outcome]:
    """The outcomes of those that no later attempt will change: nothing else is left to do in the repository. But where
    an index that lists it went in this attempt, the registry may not know of that yet."""
    states = work.states
    if states.unsettled != states.refused():
        return {}
    before = work.journal.known.outcomes
    gone = {step.digest for number, step in enumerate(states.steps) if number not in before}
    listed = {child for digest in gone if (index := work.manifests.get(digest)) for child in index.children}
    return {
        number: StillReferenced(outcome.by)
        for number in states.unsettled
        if isinstance(outcome := states.outcomes[number], Referenced) and states.steps[number].digest not in listed
    }
