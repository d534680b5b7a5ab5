"""Why a plan may not be applied, in words: of one refusal, and of all of one kind, for reports that count. The only
place where a refusal becomes text."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple, assert_never

from holystone.engine.errors import shell_word
from holystone.engine.model import refusals
from holystone.engine.model.lock_tags import parse_lock_tag
from holystone.engine.model.references import ImageName, Repository
from holystone.engine.model.refusals import Refusal
from holystone.engine.model.sources import Fewer, Source
from holystone.engine.report.policy_words import entry_text
from holystone.engine.report.reason_words import reason_words
from holystone.engine.report.words import count, shown

_SHOWN: Final = 3
"""Repositories that one refusal names."""
_WHAT: Final[Mapping[Source, str]] = {
    "references": "branches and tags of origin",
    "commits": "commits that metadata records name and a branch or tag of origin reaches",
    "managed-images": "managed images",
    "in-use": "tags in use",
    "tags": "tags",
}
_LOOK: Final[Mapping[Source, str]] = {
    "references": "see that origin is the project's, and that nobody has emptied it or made it anew",
    "commits": "see that origin is the project's, and that nobody has emptied it or made it anew",
    "managed-images": "see that this is the project's stages storage, and who deletes there",
    "in-use": "see that the clusters and lists are those that were asked before, and whole",
    "tags": "see who else deletes there, and whether the registry lists all it has",
}
_ORIGIN: Final = (
    "see with `git ls-remote origin` whether that is the project's repository, and whether somebody has emptied it or "
    "made it anew"
)
_READ: Final = (
    "read the plan (all of it: --dry-run --yes-delete-that-many); if it is what you want, run again with "
    "--yes-delete-that-many"
)


class RefusalWords(NamedTuple):
    why: str
    what_to_do: str
    of_many: str
    """What all of the kind have in common."""


def refusal_words(refusal: Refusal) -> RefusalWords:
    match refusal:
        case refusals.ShareExceeded(_, doomed, total, share, from_tags):
            return RefusalWords(
                f"{doomed} of {total} tags would be deleted, more than {share:.0%} of a repository of {from_tags} tags "
                "or more",
                _READ,
                "too large a part of the tags would be deleted",
            )
        case refusals.NumberExceeded(_, doomed, total, most):
            return RefusalWords(
                f"{doomed} of {total} tags would be deleted, more than the {most} that are allowed",
                _READ,
                "more tags would be deleted than are allowed",
            )
        case refusals.ShareOfAllExceeded(doomed, total, share):
            return RefusalWords(
                f"{doomed:,} of {total:,} tags of all repositories would be deleted, more than {share:.0%}",
                _READ,
                "too large a part of all tags would be deleted",
            )
        case refusals.CannotDelete(_, because):
            return RefusalWords(
                because or "the registry deletes neither by tag nor by digest",
                "switch deletion on at the registry, or use credentials that may delete, and run again",
                "the registry deletes nothing",
            )
        case refusals.Locked(_, lock):
            return RefusalWords(
                f"another run of Holystone is at work there ({parse_lock_tag(lock) or lock})",
                "wait for it to end; if it has died, `holystone resume` on its machine goes on with it, and its lock "
                f"counts no more after that time; if there is no such run, remove the tag {lock} by hand",
                "other runs of Holystone are at work there",
            )
        case refusals.Unconfirmed():
            return RefusalWords(
                "no policy stands behind this plan, and nobody has confirmed it yet",
                "read it; if it is what you want, answer the question on a terminal, or add --yes",
                "no policy stands behind it, and nobody has confirmed it yet",
            )
        case refusals.RecordStays(_, image, reason):
            return RefusalWords(
                f"the record of image {image.shown} cannot be removed: {reason_words(reason).of_one}",
                "leave it out to remove the others",
                "records of images cannot be removed",
            )
        case refusals.SourceShrank(fewer):
            return RefusalWords(
                f"{fewer_text(fewer)}: what looks unwanted may only be out of sight",
                f"{_LOOK[fewer.key.source]}; if it is meant, run once with --accept-new-baseline",
                "there is far less than the last run left: what looks unwanted may only be out of sight",
            )
        case refusals.OriginWithoutBranches(origin):
            return RefusalWords(
                f"{origin} has no branch at all, as if it were new", _ORIGIN, "origin has no branch at all"
            )
        case refusals.CloneWithoutBranches(directory):
            return RefusalWords(
                f"the clone in {directory} has no branch of origin (refs/remotes/origin/*)",
                "fetch them: git fetch --tags --prune origin '+refs/heads/*:refs/remotes/origin/*', or add "
                "--git-history-synchronization, which does that",
                "the clone has no branch of origin",
            )
        case refusals.AnotherHistory(origin, records):
            return RefusalWords(
                another_history(origin, records),
                f"{_ORIGIN}; check --stages-storage, too. If its history was rewritten on purpose, run once with "
                "--accept-new-baseline",
                "the history of origin is another one than that of the images",
            )
        case refusals.ImagesMissing(storage, images, records):
            return _misplaced(
                f"{count(records, 'record')} in {storage} name images that were published, and no image has a tag in "
                f"{_places(images)}",
                storage,
            )
        case refusals.RepositoriesSwapped(storage, images, stored):
            return _misplaced(f"no image has a tag in {_places(images)}, and {stored} holds stages or records", storage)
        case refusals.StorageForeign(storage, images):
            return _misplaced(
                f"no image has a tag in {_places(images)}, and none of the tags in {storage} is a stage or a record",
                storage,
            )
        case refusals.RecordsMissing(repository, image, tags, storage):
            return RefusalWords(
                f"{no_records(repository, image, tags, storage)}: that is probably not the stages storage they were "
                "built with",
                "check --stages-storage; if it is right and the tags may go, confirm with "
                "--git-history-based-cleanup-v1.2",
                "no tag of any image has a metadata record",
            )
        case refusals.AllOfAnotherProject(project, other, tags):
            return RefusalWords(
                f"nothing here is labelled as of the project {project}, and {count(tags, 'tag')} as of the project "
                f"{shown(other)}",
                f"if that is what is to go, say so: {shell_word(f'--project-name={other}')}",
                "all that is there is labelled as of other projects",
            )
        case refusals.EmptiesRepository(_, policy, tags):
            return RefusalWords(
                f"policy {shown(policy)} keeps none of its {count(tags, 'tag')}",
                "see with `holystone policy check` what its entries keep; if the repository is to be empty, say "
                "`may-empty: true` in the policy",
                "policies keep none of their tags",
            )
        case refusals.OneTime(_, policy, alike, total):
            return RefusalWords(
                f"{alike} of {total} digests have one time, as after a migration, so that policy {shown(policy)} "
                "cannot tell which are newer",
                _READ,
                "most of their digests have one time, and nothing tells which are newer",
            )
        case refusals.PullsUntold(_, policy, entry):
            return RefusalWords(
                f"{entry_text(policy, entry)} asks when tags were pulled, and the registry does not tell",
                "give such repositories a policy without pulled-within",
                "the registry does not tell when tags were pulled",
            )
        case refusals.EntryMatchesNothing(policy, entry, tags):
            return RefusalWords(
                f"no tag in any of the repositories matches {entry_text(policy, entry)} ({shown(tags)})",
                "see whether it is misspelled; if it may match nothing, say `optional: true` in the entry",
                "no tag matches an entry, which may be misspelled",
            )
        case _:
            assert_never(refusal)


def refusals_in_order(of: Iterable[Refusal]) -> Sequence[Refusal]:
    """The refusals as they are told: by repository, and alphabetically."""
    return sorted(of, key=lambda each: (str(each.repository or ""), each.promise, *refusal_words(each)))


def fewer_text(fewer: Fewer) -> str:
    key, moment = fewer.key, datetime.fromtimestamp(fewer.as_of, UTC)
    whose = "" if key.source == "tags" else f" of {key.project or key.repository}"
    less = f"{_WHAT[key.source]}{whose}: {fewer.number:,}"
    return f"{less}, where the run of {moment:%Y-%m-%d %H:%M} UTC left {fewer.before:,}"


def another_history(origin: str, records: int) -> str:
    return (
        f"no branch or tag of {origin} reaches any commit that images were built from (by "
        f"{count(records, 'metadata record')}): its history is another one than theirs"
    )


def no_records(repository: Repository, image: ImageName, tags: int, storage: Repository) -> str:
    has = f"image {image.shown} has {tags} tags in {repository}"
    return f"{has}, and not one of them has a metadata record in {storage}"


def _misplaced(why: str, storage: Repository) -> RefusalWords:
    return RefusalWords(
        f"{why}: that is probably not where they are, or the two are swapped",
        "check --images-repo (with --images-repo-mode) and --stages-storage; if the project really has no image any "
        f"more, `holystone stages purge --stages-storage {storage}` deletes its stages and records",
        "no image has a tag where images are said to be",
    )


def _places(repositories: Sequence[Repository]) -> str:
    more = len(repositories) - _SHOWN
    names = ", ".join(map(str, repositories[:_SHOWN])) or "the images repo"
    return f"{names} and {more} more" if more > 0 else names
