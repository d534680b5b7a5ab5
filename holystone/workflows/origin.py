"""Whether origin is where the project's history is: it may have been emptied, made anew, or be another project's."""

from collections.abc import Iterable

from holystone.adapters.git.references import References
from holystone.adapters.git.repository import GitRepository
from holystone.engine.model.history import History
from holystone.engine.model.refusals import AnotherHistory, CloneWithoutBranches, OriginWithoutBranches
from holystone.engine.model.source_notices import HistoryAccepted
from holystone.engine.planner.baseline import Shrunk
from holystone.policies.werf.v1.git_history import commits_to_ask
from holystone.policies.werf.v1.project import MetadataRecord


def check_origin(
    git: GitRepository, references: References, history: History, records: Iterable[MetadataRecord], *, accepted: bool
) -> Shrunk:
    """What of the clone's history looks wrong without any memory of earlier runs. `records`: of images that are judged
    by branches and tags; `accepted`: a person says that their history was rewritten. Blocks."""
    if refusal := without_branches(git, references):
        return Shrunk((refusal,))
    found = _another_history(git, history, records)
    if not found:
        return Shrunk()
    if accepted:
        return Shrunk(notices=(HistoryAccepted(found.origin, found.records),))
    return Shrunk((found,))


def without_branches(git: GitRepository, references: References) -> OriginWithoutBranches | CloneWithoutBranches | None:
    """A clone without a single branch of origin is far more often a CI job's narrow checkout than a project without
    branches, and an origin without one was emptied or is new: reading either as "no branch needs anything" would delete
    nearly everything."""
    if references.has_branches:
        return None
    return OriginWithoutBranches(git.origin) if git.is_synchronized else CloneWithoutBranches(str(git.directory))


def _another_history(git: GitRepository, history: History, records: Iterable[MetadataRecord]) -> AnotherHistory | None:
    """A clone still has the commits that a fetch has taken every reference from, so that only what a reference reaches
    tells whether this is the history that images were built from."""
    records = tuple(records)
    if not records or not history.complete or commits_to_ask(records) & history.reached:
        return None
    return AnotherHistory(git.origin, len(records))
