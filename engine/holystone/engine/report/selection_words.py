"""Which repositories a run over many is about, and which it leaves alone, in words."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, assert_never

from holystone.engine.model import selection_notices as selection
from holystone.engine.model.refusals import Refusal
from holystone.engine.model.selection_notices import SelectionNotice
from holystone.engine.model.set_aside import Failure, SetAside
from holystone.engine.report.refusal_words import refusal_words
from holystone.engine.report.words import count

_SHOWN: Final = 5
"""Repositories with the same cause that are named."""


class SelectionWords(NamedTuple):
    of_one: str
    of_many: str


def selection_words(notice: SelectionNotice) -> SelectionWords:
    match notice:
        case selection.RepositoriesUnclaimed(host, number, example):
            return SelectionWords(
                f"{host}: no policy is about {_repositories(number)}, e.g. {example}: left alone",
                "repositories that no policy is about",
            )
        case selection.ClaimedTwice(number, example, first, other):
            return SelectionWords(
                f"the policies {first} and {other} are both about {_repositories(number)}, e.g. {example}: {first} "
                "decides, since it stands first",
                "repositories that two policies are about",
            )
        case selection.OfProject(number, example, project):
            return SelectionWords(
                f"the project in {project} decides about {_repositories(number)}, e.g. {example}: no policy does",
                "repositories of projects, which no policy judges",
            )
        case selection.BesideProject(number, example, project):
            return SelectionWords(
                f"{_repositories(number)}, e.g. {example}, lie where the project in {project} keeps its images and "
                "stages, and no image of it is there: left alone. `holystone managed-images add` makes it clean those "
                "of an image that its configuration has no more",
                "repositories beside those of projects, left alone",
            )
        case selection.LooksLikeProject(repository, record, config):
            return SelectionWords(
                f"{repository} holds records of builds, e.g. {record}, and what they say no policy can see: it is left "
                f"alone. {config} says which project's it is",
                "repositories with records of builds, left alone",
            )
        case selection.PolicyMatchesNothing(policy):
            return SelectionWords(
                f"the policy {policy} decides for no repository that was found", "policies that match no repository"
            )
        case selection.EntryUnmatched(policy, entry, tags):
            return SelectionWords(
                f"no tag that could be read matches {tags}, entry {entry} of the policy {policy}; some repositories "
                "could not be read",
                "entries that match no tag that could be read",
            )
        case selection.NamesOdd(host, number, example):
            return SelectionWords(
                f"{host}: {count(number, 'name')} in the catalog that no repository can have, e.g. {example}: left "
                "alone",
                "names that no repository can have",
            )
        case selection.UntaggedUnlisted(host, policy):
            return SelectionWords(
                f"{host} does not list manifests without a tag: none of them goes by the policy {policy}, and its "
                "garbage collection is what takes them",
                "policies about manifests without a tag that no list shows",
            )
        case selection.ReadsCountAsPulls(host, number):
            return SelectionWords(
                f"{host} takes {count(number, 'manifest')} for pulled now, since this run has read them: from the next "
                "plan on `pulled-within` keeps their images for its whole time. This plan was made before: "
                "--plan-out FILE and `holystone apply FILE` carry out what it shows",
                "registries that take what was read for pulled",
            )
        case _:
            assert_never(notice)


def set_aside_lines(set_aside: Iterable[SetAside]) -> Iterator[str]:
    """What is left alone, each cause told once with what to do about it."""
    alike: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for each in set_aside:
        advised: defaultdict[str, list[str]] = defaultdict(list)
        for reason in each.why:
            why, what_to_do = _words(reason, of_project=bool(each.project))
            advised[what_to_do].append(why.rstrip("."))
        for what_to_do, causes in advised.items():
            alike["; ".join(causes), what_to_do].append(each.shown)
    for (why, what_to_do), places in alike.items():
        more = len(places) - _SHOWN
        named = f"{', '.join(places[:_SHOWN])}{f' and {more:,} more' if more > 0 else ''}"
        yield f"left alone: {named}: {why}."
        if what_to_do:
            yield f"  {what_to_do}"


def _words(reason: Refusal | Failure, *, of_project: bool) -> tuple[str, str]:
    """`of_project`: it is not said yet in which repository."""
    if isinstance(reason, Failure):
        return reason.message, reason.what_to_do
    words = refusal_words(reason)
    where = f"{reason.repository}: " if of_project and reason.repository else ""
    return f"{where}{words.why}", words.what_to_do


def _repositories(number: int) -> str:
    return f"{number:,} {'repository' if number == 1 else 'repositories'}"
