"""A plan for people: one block a repository, one line a tag, why it stays or goes."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator

from holystone.engine.model.plan import Plan, RepositoryPlan, Untag
from holystone.engine.model.reasons import DeleteReason, KeepReason
from holystone.engine.report.words import count, reason_text, size_text

_REASONS_SHOWN = 2


def plan_text(plan: Plan, *, every_tag: bool) -> str:
    """Every tag with its reason, or per repository only how many tags each reason holds."""
    return "\n".join(_plan_lines(plan, every_tag)) + "\n"


def _plan_lines(plan: Plan, every_tag: bool) -> Iterator[str]:
    moment = dt.datetime.fromtimestamp(plan.as_of, tz=dt.UTC)
    yield f"Plan of {plan.command}, ages judged as of {moment:%Y-%m-%d %H:%M:%S} UTC"
    for repository in plan.repositories:
        yield ""
        yield from _repository_lines(repository, every_tag)
    yield ""
    yield _total(plan)
    for notice in plan.notices:
        yield f"note: {notice}"
    for refusal in plan.refusals:
        where = f"{refusal.repository}: " if refusal.repository else ""
        yield f"refused: {where}{refusal.why}"
        yield f"  {refusal.what_to_do}"


def _repository_lines(repository: RepositoryPlan, every_tag: bool) -> Iterator[str]:
    going = dict(sorted(_going(repository)))
    size = sum(step.size for step in repository.steps if not isinstance(step, Untag))
    manifests = sum(not isinstance(step, Untag) for step in repository.steps)
    head = f"{repository.repository}: {count(len(repository.kept), 'tag')} stay, {len(going):,} go"
    yield f"{head} ({count(manifests, 'manifest')}, at most {size_text(size)})" if going else head
    if every_tag:
        width = min(60, max((len(tag) for tag in (*going, *(kept.tag for kept in repository.kept))), default=0))
        for kept in repository.kept:
            yield f"  stay  {kept.tag:<{width}}  {_reasons(kept.reasons)}"
        for tag, reasons in going.items():
            yield f"  go    {tag:<{width}}  {_reasons(reasons)}"
        untagged = {step.digest for step in repository.steps if isinstance(step, Untag)}
        for step in sorted(repository.steps, key=lambda step: step.digest):
            if not isinstance(step, Untag) and not step.tags and step.digest not in untagged:
                yield f"  go    {'untagged ' + step.digest.short:<{width}}  {_reasons(step.reasons)}"
        return
    yield from _counted("stay", [kept.reasons for kept in repository.kept])
    yield from _counted("go", list(going.values()))


def _going(repository: RepositoryPlan) -> Iterator[tuple[str, tuple[DeleteReason, ...]]]:
    for step in repository.steps:
        for tag in (step.tag,) if isinstance(step, Untag) else step.tags:
            yield tag, step.reasons


def _counted(word: str, reasons: list[tuple[KeepReason, ...]] | list[tuple[DeleteReason, ...]]) -> Iterator[str]:
    kinds = Counter(_kind(each) for each in reasons)
    for kind, number in sorted(kinds.items(), key=lambda item: (-item[1], item[0])):
        yield f"  {number:>6,} {word:<4} {kind}"


def _kind(reasons: tuple[KeepReason, ...] | tuple[DeleteReason, ...]) -> str:
    """The reason's name without its details, e.g. `reached from branch`."""
    return str(type(reasons[0]).__struct_config__.tag).replace("-", " ") if reasons else "no reason given"


def _reasons(reasons: tuple[KeepReason, ...] | tuple[DeleteReason, ...]) -> str:
    shown = "; ".join(reason_text(reason) for reason in reasons[:_REASONS_SHOWN])
    more = len(reasons) - _REASONS_SHOWN
    return f"{shown}; and {more} more" if more > 0 else shown


def _total(plan: Plan) -> str:
    stay = sum(len(each.kept) for each in plan.repositories)
    go = sum(len(each.doomed_tags) for each in plan.repositories)
    return f"In all {count(stay, 'tag')} stay, {go:,} go."
