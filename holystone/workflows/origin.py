"""Whether origin is where the project's history is: it may have been emptied, made anew, or be another project's."""

from collections.abc import Iterable
from typing import Final

from holystone.adapters.git.references import References
from holystone.adapters.git.repository import GitRepository
from holystone.engine.model.history import History
from holystone.engine.model.plan import Refusal
from holystone.engine.planner.baseline import Shrunk
from holystone.engine.report.words import count
from holystone.policies.werf.v1.git_history import commits_to_ask
from holystone.policies.werf.v1.project import MetadataRecord

_LOOK: Final = (
    "see with `git ls-remote origin` whether that is the project's repository, and whether somebody has emptied it or "
    "made it anew"
)


def check_origin(
    git: GitRepository, references: References, history: History, records: Iterable[MetadataRecord], *, accepted: bool
) -> Shrunk:
    """What of the clone's history looks wrong without any memory of earlier runs. `records`: of images that are judged
    by branches and tags; `accepted`: a person says that their history was rewritten. Blocks."""
    if refusal := _without_branches(git, references):
        return Shrunk((refusal,))
    why = _another_history(git, history, records)
    if not why:
        return Shrunk()
    if accepted:
        return Shrunk(notices=(f"--accept-new-baseline says that it is meant: {why}",))
    what_to_do = (
        f"{_LOOK}; check --stages-storage, too. If its history was rewritten on purpose, run once with "
        "--accept-new-baseline"
    )
    return Shrunk((Refusal("fail-closed", None, why, what_to_do),))


def _without_branches(git: GitRepository, references: References) -> Refusal | None:
    """A clone without a single branch of origin is far more often a CI job's narrow checkout than a project without
    branches, and an origin without one was emptied or is new: reading either as "no branch needs anything" would delete
    nearly everything."""
    if references.has_branches:
        return None
    if git.is_synchronized:
        return Refusal("fail-closed", None, f"{git.origin} has no branch at all, as if it were new", _LOOK)
    return Refusal(
        promise="fail-closed",
        repository=None,
        why=f"the clone in {git.directory} has no branch of origin (refs/remotes/origin/*)",
        what_to_do="fetch them: git fetch --tags --prune origin '+refs/heads/*:refs/remotes/origin/*', "
        "or add --git-history-synchronization, which does that",
    )


def _another_history(git: GitRepository, history: History, records: Iterable[MetadataRecord]) -> str:
    """A clone still has the commits that a fetch has taken every reference from, so that only what a reference reaches
    tells whether this is the history that images were built from."""
    records = tuple(records)
    if not records or not history.complete or commits_to_ask(records) & history.reached:
        return ""
    return (
        f"no branch or tag of {git.origin} reaches any commit that images were built from (by "
        f"{count(len(records), 'metadata record')}): its history is another one than theirs"
    )
