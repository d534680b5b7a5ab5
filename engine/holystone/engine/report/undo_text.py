"""What came of an undo, for people: what is back, what is not and why, and what others have moved meanwhile."""

from collections.abc import Iterable, Iterator

from holystone.engine.model.outcomes import AlreadyGone, Deleted
from holystone.engine.report.words import count, outcome_text, undo_text
from holystone.engine.undo.results import AlreadyThere, Moved, PutBack, RepositoryUndo, Restored, UndoResult


def undo_lines(run_id: str, result: UndoResult, *, dry_run: bool, every_tag: bool) -> Iterator[str]:
    """`every_tag`: also those that come back."""
    for each in result.repositories:
        yield from _repository(each, dry_run, every_tag)
    yield _total(run_id, result, dry_run)


def _repository(done: RepositoryUndo, dry_run: bool, every_tag: bool) -> Iterator[str]:
    if not (done.put_back or done.moved or done.not_tried or done.stopped):
        return
    restored = _numbers(each for each in done.put_back if isinstance(each.outcome, Restored))
    there = _numbers(each for each in done.put_back if isinstance(each.outcome, AlreadyThere))
    yield f"{done.repository}: {restored} {'would be put back' if dry_run else 'put back'}, {there} were there"
    if every_tag and done.back:
        yield "  back:" if not dry_run else "  comes back:"
        yield from (_line(each, dry_run) for each in done.back)
    if done.not_back:
        yield "  not back:"
        yield from (_line(each, dry_run) for each in done.not_back)
    if done.moved_by_others:
        yield "  moved by others meanwhile:"
        yield from map(_moved, done.moved_by_others)
    if done.stopped:
        yield f"  stopped: {done.stopped.message}"
        if done.stopped.what_to_do:
            yield f"    {done.stopped.what_to_do}"
    if done.not_tried:
        yield f"  not tried: {done.not_tried:,} tags and manifests"
    if done.tombstone and not isinstance(done.tombstone, Deleted | AlreadyGone):
        yield f"  the tombstone of the run is still there: {outcome_text(done.tombstone)}"


def _line(each: PutBack, dry_run: bool) -> str:
    words = "would be put back" if dry_run and isinstance(each.outcome, Restored) else undo_text(each.outcome)
    return f"    {each.tag or 'manifest'} ({each.digest}): {words}"


def _moved(each: Moved) -> str:
    now = f"is on {each.now} now" if each.now else "is not there any more"
    return f"    {each.tag or 'manifest'} ({each.was}): {now}"


def _total(run_id: str, result: UndoResult, dry_run: bool) -> str:
    if dry_run:
        return (
            "Nothing was changed. Whether the registry still has the blobs is known when it is asked to take them back."
        )
    if result.is_part:
        return _of_part(run_id, result)
    if result.incomplete:
        return f"Run {run_id} is not undone yet. `holystone undo {run_id}` tries what is left."
    if result.lost:
        return f"Run {run_id} is undone as far as that is possible: {_numbers(result.lost)} could not be put back."
    if not result.put_back:
        return f"Run {run_id} took nothing away: there is nothing to put back."
    return f"Run {run_id} is undone: all that it took away is there."


def _of_part(run_id: str, result: UndoResult) -> str:
    if result.incomplete:
        return f"What was named of run {run_id} is not back yet: the same command tries what is left."
    if result.lost:
        return f"What was named of run {run_id} is back as far as possible: {_numbers(result.lost)} could not be."
    rest = "Whatever else it took away stays deleted"
    return f"What was named of run {run_id} is back. {rest}; the next run judges anew what is there."


def _numbers(each: Iterable[PutBack]) -> str:
    items = tuple(each)
    tags = sum(item.tag is not None for item in items)
    return f"{count(tags, 'tag')} and {count(len(items) - tags, 'manifest')}"
