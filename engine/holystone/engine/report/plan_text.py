"""A plan for people: one block a repository, why its tags stay or go."""

import datetime as dt
from collections.abc import Iterable, Iterator

from holystone.engine.model.delete_reasons import DeleteReason
from holystone.engine.model.plan import Plan, Remove, RepositoryPlan, Untag
from holystone.engine.report.counted import Reasons, counted
from holystone.engine.report.notice_words import notice_words, notices_in_order
from holystone.engine.report.outlook_text import outlook_lines
from holystone.engine.report.reason_words import reason_words
from holystone.engine.report.refusal_words import refusal_words, refusals_in_order
from holystone.engine.report.selection_words import set_aside_lines
from holystone.engine.report.words import count, size_text

_REASONS_SHOWN = 2


def plan_lines(plan: Plan, *, every_tag: bool) -> Iterator[str]:
    """How many tags each reason holds in each repository; with `every_tag`, then each of them with its reasons."""
    moment = dt.datetime.fromtimestamp(plan.as_of, tz=dt.UTC)
    yield f"Plan of {plan.command}, ages judged as of {moment:%Y-%m-%d %H:%M:%S} UTC"
    for repository in plan.repositories:
        yield ""
        yield from _repository_lines(repository, every_tag)
    yield ""
    yield _total(plan)
    yield from outlook_lines(plan)
    for notice in notices_in_order(plan.notices):
        yield f"note: {notice_words(notice).of_one}"
    yield from set_aside_lines(plan.set_aside)
    for refusal in refusals_in_order(plan.refusals):
        words = refusal_words(refusal)
        where = f"{refusal.repository}: " if refusal.repository else ""
        yield f"refused: {where}{words.why}"
        yield f"  {words.what_to_do}"


def _repository_lines(repository: RepositoryPlan, every_tag: bool) -> Iterator[str]:
    staying: dict[str, Reasons] = {kept.tag: kept.reasons for kept in repository.kept}
    going: dict[str, Reasons] = dict(sorted(_going(repository)))
    head = f"{repository.repository}: {_balance(len(staying), len(going))}"
    yield f"{head} ({_manifests([repository])})" if repository.passes else head
    yield from counted("stay", staying)
    yield from counted("go", going)
    if every_tag:
        width = min(60, max((len(tag) for tag in (*going, *staying)), default=0))
        for tag, reasons in staying.items():
            yield f"  stay  {tag:<{width}}  {_reasons(reasons)}"
        for name, reasons in (*going.items(), *_untagged(repository)):
            yield f"  go    {name:<{width}}  {_reasons(reasons)}"


def _manifests(repositories: Iterable[RepositoryPlan]) -> str:
    """How many go, and how large they are."""
    number = size = 0
    for each in repositories:  # one at a time: there may be thousands
        removed = [step.size for step in each.steps if isinstance(step, Remove)]
        number, size = number + len(removed), size + sum(removed)
    return f"{count(number, 'manifest')}, at most {size_text(size)}"


def _going(repository: RepositoryPlan) -> Iterator[tuple[str, tuple[DeleteReason, ...]]]:
    for step in repository.steps:
        for tag in step.tags:
            yield tag, step.reasons


def _untagged(repository: RepositoryPlan) -> Iterator[tuple[str, Reasons]]:
    """Manifests that never had a tag."""
    had = {step.digest for step in repository.steps if isinstance(step, Untag)}
    for step in sorted(repository.steps, key=lambda step: step.digest):
        if isinstance(step, Remove) and not step.tags and step.digest not in had:
            yield f"untagged {step.digest.short}", step.reasons


def _reasons(reasons: Reasons) -> str:
    shown = "; ".join(reason_words(reason).of_one for reason in reasons[:_REASONS_SHOWN])
    more = len(reasons) - _REASONS_SHOWN
    return f"{shown}; and {more} more" if more > 0 else shown


def _total(plan: Plan) -> str:
    stay = sum(len(each.kept) for each in plan.repositories)
    go = sum(len(each.doomed_tags) for each in plan.repositories)
    total = f"In all {_balance(stay, go)}."
    return total if plan.is_empty else f"{total} With them go {_manifests(plan.repositories)}."


def _balance(stay: int, go: int) -> str:
    return f"{count(stay, 'tag')} {'stays' if stay == 1 else 'stay'}, {go:,} {'goes' if go == 1 else 'go'}"
