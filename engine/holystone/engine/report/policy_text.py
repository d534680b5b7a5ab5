"""Policies, and a trial of one, for people."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Final

from holystone.engine.report.policy_report import CountedEntry, PolicySummary, PolicyTrial, ProjectSummary, TriedEntry
from holystone.engine.report.words import count

_REASONS_SHOWN: Final = 2
_MANY_GROUPS: Final = 4
"""From which on it is told that most of them have one tag."""


def policy_lines(
    file: str, policies: Sequence[PolicySummary], projects: Sequence[ProjectSummary] = ()
) -> Iterator[str]:
    """The policies of a valid file, in the order in which they are asked, and its projects."""
    beside = f" and {count(len(projects), 'project')}" if projects else ""
    yield f"{file} is valid: {_policies(len(policies))}{beside}."
    for each in policies:
        entries = count(len(each.entries), "keep entry").replace("entrys", "entries")
        yield f"{each.name}: {', '.join(each.repositories)} ({entries})"
        for entry in each.entries:
            yield f"  {entry.place}  {entry.entry}"
    yield from map(project_text, projects)


def project_text(project: ProjectSummary) -> str:
    return f"project in {project.project}: {project.images_repo}, {project.stages_storage}"


def trial_lines(trial: PolicyTrial, *, every_tag: bool) -> Iterator[str]:
    """What each entry keeps; then the tags that go or are open, or all of them, with the reasons."""
    moment = dt.datetime.fromtimestamp(trial.as_of, tz=dt.UTC)
    yield f"Trial of policy {trial.policy}, ages judged as of {moment:%Y-%m-%d %H:%M:%S} UTC"
    hang = (
        f", {trial.open:,} {'hangs' if trial.open == 1 else 'hang'} on what a list does not say" if trial.open else ""
    )
    stays, goes = "stays" if trial.stay == 1 else "stay", "goes" if trial.go == 1 else "go"
    yield f"{trial.repository}: {count(trial.stay, 'tag')} {stays}, {trial.go:,} {goes}{hang}"
    for number, entry in enumerate(trial.entries, start=1):
        yield f"  {number}  {entry.place}  {entry.entry}"
        yield f"    {_entry(entry)}"
        if text := groups_text(entry):
            yield f"    {text}"
    shown = [each for each in trial.tags if every_tag or each.outcome != "stay"]
    width = min(60, max((len(each.tag) for each in shown), default=0))
    for tag in shown:
        more = len(tag.why) - _REASONS_SHOWN
        why = "; ".join(tag.why[:_REASONS_SHOWN]) + (f"; and {more} more" if more > 0 else "")
        yield f"  {tag.outcome:<4}  {tag.tag:<{width}}  {why}"
    for notice in trial.notices:
        yield f"note: {notice}"
    for refusal in trial.refusals:
        yield f"refused: {refusal}"


def _entry(entry: TriedEntry) -> str:
    if not entry.matched:
        return "matches no tag"
    if entry.needs:
        return f"matches {count(entry.matched, 'tag')}, and asks for {entry.needs}"
    return counted_text(entry)


def counted_text(entry: CountedEntry, most: int | None = None) -> str:
    """What it keeps and cannot judge. `most`: reasons that are named."""
    doubts = "".join(f", cannot judge {each.tags:,} ({each.text})" for each in entry.not_judged[:most])
    return f"keeps {entry.alone:,} alone, {entry.together:,} with others{doubts}"


def groups_text(entry: CountedEntry) -> str:
    """A warning where most groups are of one tag; else empty."""
    if entry.groups < _MANY_GROUPS or entry.groups_of_one * 2 <= entry.groups:
        return ""
    return (
        f"{entry.groups_of_one:,} of its {entry.groups:,} groups have one tag: the expression may take something else "
        "for a group"
    )


def _policies(number: int) -> str:
    return "1 policy" if number == 1 else f"{number:,} policies"
