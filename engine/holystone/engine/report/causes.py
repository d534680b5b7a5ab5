"""Why a plan may not be applied, and what is wrong with a run that has ended: each cause told once."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from holystone.engine.errors import NOTHING_DELETED, DeletionDisabled, DoneInPart, HolystoneError, Refused, Unreachable
from holystone.engine.executor.results import Halt, RunResult, Stopped
from holystone.engine.model.plan import Plan
from holystone.engine.model.references import Digest
from holystone.engine.model.refusals import Refusal
from holystone.engine.report.refusal_words import refusal_words, refusals_in_order
from holystone.engine.report.selection_words import set_aside_lines
from holystone.engine.report.words import count

_SHOWN: Final = 5
"""Causes, and repositories with the same cause. The JSON document has all."""


def refusal(plan: Plan) -> HolystoneError | None:
    """Why the plan may not be applied, each cause told once."""
    if not plan.refusals:
        return None
    causes: dict[tuple[str, str], list[Refusal]] = {}
    for each in refusals_in_order(plan.refusals):
        words = refusal_words(each)
        causes.setdefault((words.why, words.what_to_do), []).append(each)
    return _kind(plan)(
        _few([_sentence(f"{_places(each)}{why}") for (why, _), each in causes.items()]),
        not_deleted=NOTHING_DELETED,
        what_to_do=" ".join(_sentence(what) for what in _once(what for _, what in causes)),
    )


def _kind(plan: Plan) -> type[HolystoneError]:
    """The kind of error a plan with refusals is: where no promise forbids it and it cannot be done at all, it has
    failed."""
    promises = {each.promise for each in plan.refusals}
    if not promises <= {"deletion-disabled", "cannot-go"}:
        return Refused
    return DeletionDisabled if "deletion-disabled" in promises else HolystoneError


def left_alone(plan: Plan, *, others: bool) -> HolystoneError | None:
    """What the plan leaves alone, each cause told once. `others`: something else is done, or would be."""
    if not plan.set_aside:
        return None
    kind = DoneInPart if others else Refused
    projects = sum(bool(each.project) for each in plan.set_aside)
    registries = sum(each.repository is None for each in plan.set_aside)
    repositories = len(plan.set_aside) - registries - projects
    parts = [count(projects, "project")] if projects else []
    parts += [f"{repositories:,} {'repository' if repositories == 1 else 'repositories'}"] if repositories else []
    parts += [f"all of {registries:,} {'registry' if registries == 1 else 'registries'}"] if registries else []
    is_one = len(plan.set_aside) == 1
    return kind(
        "\n".join(
            (
                f"{' and '.join(parts).capitalize()} {'was' if is_one else 'were'} left alone.",
                *set_aside_lines(plan.set_aside),
            )
        ),
        not_deleted="" if others else NOTHING_DELETED,
        what_to_do="The next run judges them again." if others else "",
    )


_LOST: Final = "Find out who else deletes there; the journal has the manifests of all that Holystone deleted."
_LOST_BY_US: Final = (
    "The registry dropped manifests that were to stay with the last of their tags, which Holystone took away. "
    "`holystone undo` puts them back where the registry still has their blobs. Please report which registry that is."
)


def _things(number: int) -> str:
    return f"{count(number, 'thing')} that {'was to stay is' if number == 1 else 'were to stay are'}"


def failure(run_id: str, result: RunResult) -> HolystoneError | None:
    """What is wrong with a run that has ended, each cause told once; None if nothing is."""
    if losses := result.losses:
        return HolystoneError(
            f"Run {run_id}: {_things(len(losses))} not there any more.\n"
            + "\n".join(f"{repository}: {loss.tag or loss.digest}" for repository, loss in losses[:10]),
            what_to_do=_LOST_BY_US if any(each.ours for each in result.repositories) else _LOST,
        )
    if not result.incomplete:
        return None
    causes = _causes(result)
    if result.plan_is_doubtful:
        deleted = result.counts.get("deleted", 0)
        return HolystoneError(
            "\n".join((f"Run {run_id} was ended: what its plan was made of is not to be relied on.", *causes)),
            not_deleted=f"{count(result.not_tried, 'deletion')} not tried.",
            what_to_do=f"`holystone undo {run_id}` brings back what it deleted. " if deleted else "",
        )
    still = _still_served(result)
    left = f"{count(result.not_tried, 'deletion')} not tried" if result.not_tried else "some deletions failed"
    if still and not causes:
        left = "the registry says of what it deleted that it is gone, and still serves it"
    kind, how = (DoneInPart, "was stopped by its budget") if result.halt else (HolystoneError, "is not finished")
    return kind(
        "\n".join((f"Run {run_id} {how}: {left}.", *causes, *_few(still).splitlines())),
        what_to_do=f"`holystone resume {run_id}` tries what is left.{_forecast(result.halt)}",
    )


def _forecast(halt: Halt | None) -> str:
    if halt is None or halt.nights is None:
        return ""
    return f" At this pace that takes {count(halt.nights, 'more night')}."


def _causes(result: RunResult) -> tuple[str, ...]:
    """What stopped repositories, line by line: a host that does not answer once, and each advice once."""
    first: dict[str, Stopped] = {}
    alike: Counter[str] = Counter()
    for each in result.repositories:
        if each.stopped:
            key = each.repository.host if each.is_stopped_by(Unreachable) else str(each.stopped)
            first.setdefault(key, each.stopped)
            alike[key] += 1
    lines = []
    for key, stopped in [*first.items()][:_SHOWN]:
        lines += str(stopped).splitlines()
        if alike[key] > 1 and stopped.is_a(Unreachable):
            lines.append(f"So it was with {alike[key] - 1:,} more of its repositories.")
    more = len(first) - _SHOWN
    return _once((*lines, *([f"… and {more} more like these."] if more > 0 else [])))


def _still_served(result: RunResult) -> list[str]:
    """Named each time: neither the run nor the next one can do anything about them."""
    return [
        f"{each.repository}{'@' if isinstance(what, Digest) else ':'}{what} is still there"
        for each in result.repositories
        for what in (each.check.served if each.check else ())
    ]


def _places(refusals: Iterable[Refusal]) -> str:
    repositories = [str(each.repository) for each in refusals if each.repository]
    more = len(repositories) - _SHOWN
    shown = ", ".join(repositories[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
    return f"{shown}: " if repositories else ""


def _few(lines: Sequence[str]) -> str:
    more = len(lines) - _SHOWN
    return "\n".join((*lines[:_SHOWN], *([f"… and {more} more like these."] if more > 0 else [])))


def _sentence(text: str) -> str:
    """A capital letter only where no host begins it."""
    begin = text if "/" in text.partition(" ")[0] else text[:1].upper() + text[1:]
    return f"{begin.rstrip('.')}."


def _once(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))
