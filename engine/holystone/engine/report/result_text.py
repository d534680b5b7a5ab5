"""What came of a run, for people: first what is left to do or to worry about, then the numbers."""

from collections.abc import Iterator
from typing import Final

import msgspec

from holystone.engine.errors import BudgetSpent
from holystone.engine.executor.results import Coverage, Looked, RepositoryResult, RunResult
from holystone.engine.model.outcomes import AlreadyGone, Deleted
from holystone.engine.model.plan import Plan, Remove, RepositoryPlan, StepId
from holystone.engine.report.words import count, outcome_text, size_text

_SHOWN: Final = 20
"""Problems told one by one in each repository; the journal has all."""


class _Gone(msgspec.Struct, frozen=True):
    """What was deleted, of one repository or of several."""

    tags: int = 0
    manifests: int = 0
    size: int = 0
    """Bytes at most."""

    def __add__(self, other: "_Gone") -> "_Gone":
        return _Gone(self.tags + other.tags, self.manifests + other.manifests, self.size + other.size)

    def __str__(self) -> str:
        manifests = count(self.manifests, "manifest")
        return f"{count(self.tags, 'tag')} and {manifests} deleted (at most {size_text(self.size)})"


def result_lines(run_id: str, plan: Plan, result: RunResult) -> Iterator[str]:
    alike, kept, total, only = 0, 0, _Gone(), ""
    left, not_begun = 0, 0
    advised: set[str] = set()
    for planned, done in zip(plan.repositories, result.repositories, strict=True):
        kept += len(planned.kept)
        if planned.passes and _is_as_planned(planned, done):
            alike += 1
            gone = _deleted(planned, done)
            total += gone
            only = f"{planned.repository}: {gone}"
        elif planned.passes and done.is_stopped_by(BudgetSpent) and not done.outcomes:
            left += 1
            not_begun += done.not_tried
        elif planned.passes:
            yield from _repository(planned, done, advised)
    if alike == 1:
        yield only
    elif alike:
        yield f"As planned, in {alike} repositories: {total}"
    if left:
        where = f"{left:,} {'repository' if left == 1 else 'repositories'}"
        yield f"Not begun, in {where}: {count(not_begun, 'deletion')}"
    lost, coverage = False, Coverage()
    for each in result.repositories:
        coverage += (each.check and each.check.coverage) or Coverage()
        for loss in each.check.losses if each.check else ():
            lost = True
            what = f"{each.repository}:{loss.tag}" if loss.tag else f"{each.repository}@{loss.digest}"
            whose = ": it went with the last of its tags, which this run took away" if loss.digest in each.ours else ""
            yield f"LOST: {what} was to stay and is not there any more ({loss.digest}){whose}"
    if result.incomplete:
        how = "was stopped by its budget" if result.halt else "is not finished"
        yield f"Run {run_id} {how}. `holystone resume {run_id}` tries what is left."
    elif not lost and coverage.left_out:
        yield f"Run {run_id} is done. {_checked(kept, coverage)}"
    elif not lost:
        yield f"Run {run_id} is done. All {count(kept, 'tag')} that were to stay are still there."


def _checked(kept: int, coverage: Coverage) -> str:
    more = f" Of manifests without a tag: {_looked(coverage.manifests)}." if coverage.manifests.others else ""
    return f"All {count(kept, 'tag')} that were to stay are listed; looked at: {_looked(coverage.tags)}.{more}"


def _looked(looked: Looked) -> str:
    if not looked.reached:
        return f"{looked.sampled:,} of {looked.others:,}"
    return (
        f"{looked.reached:,} that a deletion could have reached, and {looked.sampled:,} of the other {looked.others:,}"
    )


def _is_as_planned(planned: RepositoryPlan, done: RepositoryResult) -> bool:
    moved = done.check and (done.check.moved or done.check.renewed)
    return not (done.stopped or done.not_tried or moved or done.mended) and len(_gone(done)) == len(planned.steps)


def _gone(done: RepositoryResult) -> set[StepId]:
    return {step_id for step_id, outcome in done.outcomes.items() if isinstance(outcome, Deleted | AlreadyGone)}


def _deleted(planned: RepositoryPlan, done: RepositoryResult) -> _Gone:
    gone = _gone(done)
    steps = [step for step in planned.steps if step.id in gone]
    removed = [step for step in steps if isinstance(step, Remove)]
    return _Gone(sum(len(step.tags) for step in steps), len(removed), sum(step.size for step in removed))


def _repository(planned: RepositoryPlan, done: RepositoryResult, advised: set[str]) -> Iterator[str]:
    """`advised`: what was advised already, which is not repeated."""
    gone = _gone(done)
    yield f"{planned.repository}: {_deleted(planned, done)}"
    problems = [step for step in planned.steps if step.id in done.outcomes and step.id not in gone]
    for step in problems[:_SHOWN]:
        yield f"  {', '.join(step.tags) or step.digest}: {outcome_text(done.outcomes[step.id])}"
    if len(problems) > _SHOWN:
        yield f"  … and {len(problems) - _SHOWN:,} more like these"
    if done.stopped:
        yield f"  stopped: {done.stopped.message}"
        for line in (done.stopped.not_deleted, done.stopped.what_to_do):
            if line and line not in advised:
                yield f"    {line}"
        advised.update((done.stopped.not_deleted, done.stopped.what_to_do))
    if done.not_tried:
        yield f"  {count(done.not_tried, 'deletion')} not tried"
    for digest, tag in sorted(done.mended.items()):
        yield f"  note: the registry dropped {digest.short}, which stays, with its last tag, {tag}; it was pushed back"
    for tag in done.check.moved if done.check else ():
        yield f"  note: {tag} stays, and somebody moved it meanwhile"
    for tag in done.check.renewed if done.check else ():
        yield f"  note: {tag} was to go, and somebody moved it meanwhile or pushed it anew: it is left alone"
