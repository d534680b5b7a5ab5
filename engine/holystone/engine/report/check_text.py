"""What a run would do by a file of policies, for people who write one: on a screen, most first."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from holystone.engine.report.policy_report import (
    CheckedEntry,
    CheckedPolicy,
    CheckedProject,
    CheckedRepository,
    CheckedTag,
    EntryAnswer,
    PolicyCheck,
)
from holystone.engine.report.policy_text import counted_text, groups_text, project_text
from holystone.engine.report.words import count, shown

_REPOSITORIES_SHOWN: Final = 10
_EXAMPLES: Final = 3
_DOUBTS_SHOWN: Final = 3
_NOTICES_SHOWN: Final = 10
_ALL: Final = "--log-verbose names all"
_IN_ORDER: Final[tuple[EntryAnswer, ...]] = ("keeps", "cannot-judge", "does-not-keep")


def check_lines(check: PolicyCheck, *, every_repository: bool) -> Iterator[str]:
    """What is left alone is not told here: it is the error."""
    moment = dt.datetime.fromtimestamp(check.as_of, tz=dt.UTC)
    yield f"{check.file} is valid. What a run would do, ages judged as of {moment:%Y-%m-%d %H:%M:%S} UTC:"
    for policy in check.policies:
        yield from _policy_lines(policy, [each for each in check.repositories if each.policy == policy.name])
    for project in check.projects:
        yield _project_line(project, [each for each in check.repositories if each.project == project.project])
    yield from _repository_lines(check.repositories, every_repository=every_repository)
    yield from _named("new, no run has been through", [each for each in check.repositories if each.new])
    for tag in check.tags:
        yield from _tag_lines(tag)
    notices = check.notices if every_repository else check.notices[:_NOTICES_SHOWN]
    for notice in notices:
        yield f"note: {notice}"
    if more := len(check.notices) - len(notices):
        yield f"and {count(more, 'more note')} ({_ALL})"


def _policy_lines(policy: CheckedPolicy, through: Sequence[CheckedRepository]) -> Iterator[str]:
    head = f"{shown(policy.name)}: {', '.join(policy.repositories)}"
    if not policy.decides_for:
        yield f"{head}: decides for no repository that could be read"
        return
    alone = policy.decides_for - len(through)
    left = f", {_repositories(alone)} left alone" if alone else ""
    yield f"{head}: {_repositories(policy.decides_for)}, {_balance(through)}{left}"
    for number, entry in enumerate(policy.entries, start=1):
        yield f"  {number}  {entry.place}  {entry.entry}"
        yield f"    {_entry_text(entry)}"
        yield from (f"    {each}" for each in _warnings(entry))


def _project_line(project: CheckedProject, through: Sequence[CheckedRepository]) -> str:
    head = project_text(project)
    if project.decides_for is None:
        return f"{head}: left alone"
    return f"{head}: {_repositories(len(through))}, {_balance(through)}"


def _entry_text(entry: CheckedEntry) -> str:
    if not entry.matched:
        return "matches no tag"
    more = len(entry.not_judged) - _DOUBTS_SHOWN
    return counted_text(entry, _DOUBTS_SHOWN) + (f" and for {more:,} more reasons" if more > 0 else "")


def _warnings(entry: CheckedEntry) -> Iterator[str]:
    if text := groups_text(entry):
        yield text
    if entry.without_branch:
        examples = ", ".join(map(shown, entry.examples))
        what = "group of tags is" if entry.without_branch == 1 else "groups of tags are"
        yield f"{entry.without_branch:,} {what} no branch of its clone, e.g. {examples}"


def _repository_lines(found: Sequence[CheckedRepository], *, every_repository: bool) -> Iterator[str]:
    """Repositories of which most goes come first."""
    losing = sorted((each for each in found if each.go), key=lambda each: (-each.go, each.repository))
    listed = [*losing, *(each for each in found if not each.go)] if every_repository else losing[:_REPOSITORIES_SHOWN]
    width = min(60, max((len(str(each.repository)) for each in listed), default=0))
    for each in listed:
        yield f"  {each.repository!s:<{width}}  {_balance([each])}, by {_judge(each)}"
    more = len(losing) - len(listed)
    if more > 0:
        yield f"  and {_repositories(more)} more of which tags go ({_ALL})"
    yield from _named("everything would stay in", [each for each in found if not each.go and each.stay])


def _named(what: str, found: Sequence[CheckedRepository]) -> Iterator[str]:
    if found:
        examples = ", ".join(str(each.repository) for each in found[:_EXAMPLES])
        yield f"{what} {_repositories(len(found))}, e.g. {examples}"


def _tag_lines(tag: CheckedTag) -> Iterator[str]:
    name = f"{tag.repository}:{tag.tag}"
    match tag.outcome:
        case "absent":
            yield f"{name} is not there"
            return
        case "left-alone":
            yield f"{name} is left alone with its repository"
        case "stay" | "go":
            yield f"{name} would {tag.outcome}"
    if tag.project:
        yield f"  the project in {tag.project} decides about it, and no policy"
    for why in tag.why:
        yield f"  {why}"
    for answer in _IN_ORDER:
        for entry in tag.entries:
            if entry.answer == answer:
                yield f"  {entry.place}  {'; '.join(entry.why)}"
    if others := sum(entry.answer == "not-about" for entry in tag.entries):
        yield f"  {'1 entry is' if others == 1 else f'{others:,} entries are'} about other tags"


def _judge(repository: CheckedRepository) -> str:
    return f"the project in {repository.project}" if repository.project else shown(repository.policy)


def _balance(repositories: Iterable[CheckedRepository]) -> str:
    stay = go = 0
    for each in repositories:
        stay, go = stay + each.stay, go + each.go
    return f"{count(stay, 'tag')} {'stays' if stay == 1 else 'stay'}, {go:,} {'goes' if go == 1 else 'go'}"


def _repositories(number: int) -> str:
    return f"{number:,} {'repository' if number == 1 else 'repositories'}"
