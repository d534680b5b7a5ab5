"""What came of a run, for people: first what is left to do or to worry about, then the numbers."""

from collections.abc import Iterable, Iterator
from typing import Final

from holystone.engine.executor.results import RepositoryResult, RunResult
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Loss
from holystone.engine.model.plan import Plan, Remove, RepositoryPlan, Step
from holystone.engine.model.references import Repository
from holystone.engine.report.words import count, outcome_text, size_text

_SHOWN: Final = 20
"""Problems told one by one in each repository; the journal has all."""


def result_lines(run_id: str, plan: Plan, result: RunResult) -> Iterator[str]:
    as_planned = []
    advised: set[str] = set()
    for planned, done in zip(plan.repositories, result.repositories, strict=True):
        if planned.passes and _is_as_planned(planned, done):
            as_planned.append((planned, done))
        elif planned.passes:
            yield from _repository(planned, done, advised)
    if len(as_planned) == 1:
        yield from _repository(*as_planned[0], advised)
    elif as_planned:
        yield f"As planned, in {len(as_planned)} repositories: {_deleted(as_planned)}"
    losses = result.losses
    for repository, loss in losses:
        what = f"{repository}:{loss.tag}" if loss.tag else f"{repository}@{loss.digest}"
        yield f"LOST: {what} was to stay and is not there any more ({loss.digest}){_whose(result, repository, loss)}"
    kept = sum(len(each.kept) for each in plan.repositories)
    if result.incomplete:
        yield f"Run {run_id} is not finished. `holystone resume {run_id}` tries what is left."
    elif not losses:
        yield f"Run {run_id} is done. All {count(kept, 'tag')} that were to stay are still there."


def _whose(result: RunResult, repository: Repository, loss: Loss) -> str:
    ours = any(loss.digest in each.ours for each in result.repositories if each.repository == repository)
    return ": it went with the last of its tags, which this run took away" if ours else ""


def _is_as_planned(planned: RepositoryPlan, done: RepositoryResult) -> bool:
    moved = done.check and (done.check.moved or done.check.renewed)
    return not (done.stopped or done.not_tried or moved or done.mended) and len(_gone(done)) == len(planned.steps)


def _gone(done: RepositoryResult) -> set[int]:
    return {number for number, outcome in done.outcomes.items() if isinstance(outcome, Deleted | AlreadyGone)}


def _deleted(pairs: Iterable[tuple[RepositoryPlan, RepositoryResult]]) -> str:
    steps: list[Step] = []
    for planned, done in pairs:
        gone = _gone(done)
        steps += (step for number, step in enumerate(planned.steps) if number in gone)
    tags = sum(len(step.tags) for step in steps)
    removed = [step for step in steps if isinstance(step, Remove)]
    size = size_text(sum(step.size for step in removed))
    return f"{count(tags, 'tag')} and {count(len(removed), 'manifest')} deleted (at most {size})"


def _repository(planned: RepositoryPlan, done: RepositoryResult, advised: set[str]) -> Iterator[str]:
    """`advised`: what was advised already, which is not repeated."""
    steps, gone = planned.steps, _gone(done)
    yield f"{planned.repository}: {_deleted([(planned, done)])}"
    problems = [number for number in sorted(done.outcomes) if number not in gone]
    for number in problems[:_SHOWN]:
        step = steps[number]
        yield f"  {', '.join(step.tags) or step.digest}: {outcome_text(done.outcomes[number])}"
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
