"""What a person should know of a plan, in words: of one notice, and of all of one kind, for reports that count. The
only place where a notice becomes text."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple, assert_never

from holystone.engine.errors import shell_word
from holystone.engine.model import notices, source_notices
from holystone.engine.model.lock_tags import false_locks_text
from holystone.engine.model.notices import HoldsUp, Notice
from holystone.engine.report.refusal_words import another_history, fewer_text, no_records
from holystone.engine.report.selection_words import selection_words
from holystone.engine.report.words import count, duration, shown, some

_SHOWN: Final = 5
"""Tags that one notice names."""
_MEANT: Final = "--accept-new-baseline says that it is meant"
_SKEW_MEANT: Final = "--allow-clock-skew says that it is meant"
_HOLDS_UP: Final[Mapping[HoldsUp, str]] = {
    "manifests": "nothing is deleted there, since it may need any manifest",
    "stages": "each stage that nothing else needs stays, since it may be built on any",
    "records": "the records of its content stay",
    "images": "while a selected branch or tag reaches its commit, nothing of its image goes for lack of one",
}


class NoticeWords(NamedTuple):
    of_one: str
    of_many: str
    """What all of the kind have in common."""


def notices_in_order(of: Iterable[Notice]) -> Sequence[Notice]:
    """The notices as they are told: alphabetically."""
    return sorted(of, key=notice_words)


def notice_words(notice: Notice) -> NoticeWords:
    match notice:
        case notices.RegistryWarns(repository, warning):
            return NoticeWords(f"{repository}: {warning}", "what should be known before a registry deletes")
        case notices.ReferrersUnread(repository, number, example, why):
            them = f"what refers to {count(number, 'manifest')} cannot be read"
            return NoticeWords(
                f"{repository}: {them}, e.g. to {example}: {why}. So they stay, with their tags. "
                "Run again; if it happens each time, that is for whoever runs the registry to mend",
                "what refers to some manifests cannot be read, so that they stay",
            )
        case notices.FalseLocks(repository, tags):
            return NoticeWords(
                f"{repository}: {false_locks_text(tags)}", "tags that are named like a lock of Holystone and are none"
            )
        case notices.RepositoryAbsent(repository):
            return NoticeWords(
                f"{repository} does not exist in the registry: there is nothing to clean",
                "repositories that do not exist",
            )
        case notices.RepositoryUnseen(repository):
            return NoticeWords(
                f"{repository} is not there or may not be read, which its registry does not tell apart; since "
                "no record says that anything was published there, it counts as not there",
                "repositories that are not there or may not be read, and count as not there",
            )
        case notices.OddNames(repository, number, example):
            return NoticeWords(
                f"{repository}: {count(number, 'listed name')} left alone, e.g. {shown(example)}: no tag can be called "
                "so. What it stands for stays, as far as the registry tells. Have it taken out of the registry's "
                "storage: while it is there, distribution 2.8 goes on listing the tags of what is deleted, which then "
                "have to be taken out as well",
                "listed names that no tag can have",
            )
        case notices.Tombstones(repository, run, number, example):
            undo, resume = (f"`holystone {command} {shell_word(run)}`" for command in ("undo", "resume"))
            return NoticeWords(
                f"{repository}: {count(number, 'tag')} on the tombstone of run {run}, which did not come to its end, "
                f"e.g. {example}: {undo} puts back what was there, and the next run judges it anew; {resume} finishes "
                "the run if it is still open",
                "tags on tombstones of runs that did not come to their end",
            )
        case notices.RecordContradicted(repository, number, example, commit, record):
            return NoticeWords(
                f"{repository}: {count(number, 'image')} kept though a metadata record would doom them, e.g. {example} "
                f"says that it was built at {commit[:10]}, and record {record} says another content of that commit: "
                "unless one commit is built for several environments, find out who wrote the record",
                "images kept though a metadata record would doom them",
            )
        case notices.Broken(repository, number, example, why, holds_up):
            them = count(number, "broken manifest" if ":" in example else "broken tag")
            because = "it does not say which content it is of" if why is None else why
            so = f" So {', and '.join(_HOLDS_UP[each] for each in holds_up)}." if holds_up else ""
            return NoticeWords(
                f"{repository}: {them} left alone, e.g. {example}: {because}.{so} Publish it again, or delete it by "
                "hand",
                "broken tags and manifests left alone",
            )
        case notices.TagsOfOtherProject(number, example, project, ours):
            return NoticeWords(
                f"{count(number, 'tag')} left alone, e.g. {example}: the label says that they are of the project "
                f"{project}, and this one is {ours}",
                "tags of other projects left alone",
            )
        case notices.RecordsOfAnyProject(repository):
            return NoticeWords(
                f"all records in {repository} were left alone: nothing says which of the projects they are of",
                "records left alone of which nothing says whose they are",
            )
        case notices.ImageWithoutRecords(repository, image, number, storage):
            return NoticeWords(
                f"{no_records(repository, image, number, storage)}, where other images have theirs: they stay. "
                "If they may go, say so with --git-history-based-cleanup-v1.2",
                "images that stay since none of their tags has a metadata record",
            )
        case notices.ImageUnseen(repository, image, number, storage, config):
            return NoticeWords(
                f"image {image.shown}: {repository} has no tag, though {count(number, 'record')} in {storage} name "
                "images that were published there: they stay, and so does each stage that nothing else needs. If it "
                f"was deleted on purpose, leave the image out of {config} and run "
                f"`holystone managed-images rm {shell_word(image.shown)}`",
                "images without a tag, though records name published ones",
            )
        case notices.StagesElsewhere(repository, number, example):
            return NoticeWords(
                f"{count(number, 'image tag')} that stay were built from stages that are not in {repository}, e.g. "
                f"{example}",
                "image tags that stay, of stages that are not in the storage",
            )
        case notices.NoImageRepository():
            return _same(
                "none of the images' repositories exists, so stages and records were left alone; "
                "if there are images, check --images-repo"
            )
        case notices.NoGitRepository():
            return _same("there is no git repository in the project directory, so all images were left alone")
        case notices.ImageHomeless(image, why):
            return NoticeWords(
                f"managed image {image.shown} was left out, since it can have no repository: {why}. If nobody needs "
                f"its record, run `holystone managed-images rm {shell_word(image)}`",
                "managed images left out, since they can have no repository",
            )
        case notices.RecordAmbiguous(record):
            return NoticeWords(
                f"metadata record {record} was left alone: its shortened name fits more than one image",
                "metadata records left alone whose shortened names fit more than one image",
            )
        case notices.RecordsUnclaimed(number):
            return NoticeWords(
                f"{count(number, 'metadata record')} left alone: their images are neither in the project's "
                "configuration nor managed images",
                "metadata records left alone of images that nobody names",
            )
        case notices.RecordAbsent(image):
            return NoticeWords(f"there is no record of image {image.shown}", "images that have no record")
        case notices.ImagesNotFound(lacks):
            what = "has a tag" if lacks == "tag" else "exists"
            return _same(
                f"none of the images' repositories {what}: if there are images, --images-repo is wrong, "
                "and they would lose their stages and records"
            )
        case notices.ImagesNotLookedUp(repository):
            return NoticeWords(
                f"which images were built on the stages in {repository} was not looked up: --images-repo does that",
                "which images were built on stages was not looked up",
            )
        case notices.BuiltOnDoomed(number, example):
            return NoticeWords(
                f"{count(number, 'image tag')} built on stages that go will stay, e.g. {example}: "
                "they still run, and their next build starts from the beginning",
                "image tags that stay, built on stages that go",
            )
        case source_notices.ReferenceIgnored(reference, name, dangling):
            what = "is a symbolic reference to nothing" if dangling else "does not end in a commit"
            return NoticeWords(f"git {reference} {name} {what}; ignored", "branches and tags of git that are ignored")
        case source_notices.OriginUnasked(why):
            return NoticeWords(
                f"origin was not asked whether the clone has all its branches and tags: {why}", "origin was not asked"
            )
        case source_notices.LocalTags(number, example):
            return NoticeWords(
                f"{count(number, 'git tag')} of the clone did not count, e.g. {example}: synchronized, images are "
                "judged by what origin has, and origin does not have that there",
                "git tags of the clone that did not count",
            )
        case source_notices.HistoryAccepted(origin, records):
            return NoticeWords(
                f"{_MEANT}: {another_history(origin, records)}", "another history than the images' is meant"
            )
        case source_notices.BaselineAbsent(state_dir):
            nothing = "no baseline: nothing is remembered of an earlier run"
            return NoticeWords(
                f"{nothing}, so what has shrunk since cannot be told ({state_dir})",
                nothing,
            )
        case source_notices.FewerInUse(fewer):
            return NoticeWords(f"fewer than before: {fewer_text(fewer)}", "fewer images are in use than before")
        case source_notices.FewerAccepted(fewer):
            return NoticeWords(f"{_MEANT}: {fewer_text(fewer)}", "that there is far less than before is meant")
        case source_notices.ClockApart():
            return NoticeWords(f"{clock_doubt(notice)}; {_SKEW_MEANT}", "clocks are apart, which is meant")
        case source_notices.CommitAhead():
            agrees = ": the registry's clock agrees with this machine's, so that the commit's was wrong"
            return NoticeWords(
                f"{clock_doubt(notice)}{agrees if notice.registry_agrees else f'; {_SKEW_MEANT}'}",
                "branches and tags that are dated after the clock of this machine",
            )
        case source_notices.ClockUnwitnessed():
            return _same(
                "no registry said what time it is, so that the clock of this machine was compared with commits only"
            )
        case source_notices.UsedInClusters(number, contexts):
            return NoticeWords(
                f"{count(number, 'image')} in use in {count(contexts, 'Kubernetes context')}", "images in use"
            )
        case source_notices.UsedByLists(number):
            return NoticeWords(f"{count(number, 'image')} in use by --in-use", "images in use by --in-use")
        case source_notices.LoginsNotGiven(hosts):
            return NoticeWords(
                f"the plan was made with the login that a file of policies has for {some(hosts)}, which is not given "
                "here (--config FILE): what Docker's configuration has counts",
                "registries whose login stands in a file of policies that is not given",
            )
        case source_notices.WordsSkipped(number, example):
            skipped = "words in Kubernetes that name no image and were skipped"
            return NoticeWords(f"{skipped}: {number:,}, e.g. {example!r}", skipped)
        case source_notices.ProjectRenamed(name, configured, source, said_by):
            return NoticeWords(
                f"The project is called {name}, as {said_by} says, and not {configured}, as {source} does.",
                "the project is called otherwise than its file says",
            )
        case source_notices.ConfigNotRead(config):
            return NoticeWords(
                f"--config {config} was not read: --image and --keep-policies stand in for it.",
                "a file was not read, since options stand in for it",
            )
        case source_notices.PolicyMisnamed(reference, pattern):
            return NoticeWords(
                f"The keep policy for the {reference} {pattern} looks for one of that whole name: names are compared "
                "without origin/ and refs/.",
                "keep policies that begin as no name does",
            )
        case source_notices.TagsBelieved(number, since):
            were = "tag was" if number == 1 else "tags were"
            return NoticeWords(
                f"{number:,} {were} not looked at again, since the name carries the content (last looked at on "
                f"{_moment(since)} or later): before anything is deleted, each is",
                "tags that carry their content in their names were not looked at again",
            )
        case notices.FamiliarTagsGo(repository, tags):
            more = f" and {len(tags) - _SHOWN:,} more" if len(tags) > _SHOWN else ""
            name, it, is_to = ("a name", "it", "it is") if len(tags) == 1 else ("names", "them", "they are")
            return NoticeWords(
                f"{repository}: {', '.join(tags[:_SHOWN])}{more} would go, {name} that people deploy by; if {is_to} to "
                f"stay, name {it} under `keep`",
                "tags that people deploy by would go",
            )
        case notices.InProject(project, told):
            return NoticeWords(f"the project in {project}: {notice_words(told).of_one}", "notes about single projects")
        case _:
            return NoticeWords(*selection_words(notice))


def clock_doubt(notice: source_notices.ClockApart | source_notices.CommitAhead) -> str:
    """What is odd about the clock, without what came of it."""
    match notice:
        case source_notices.ClockApart(host, theirs, ours):
            return (
                f"{host} says that it is {_moment(theirs)} where the clock of this machine says {_moment(ours)}: "
                f"{duration(abs(theirs - ours))} apart"
            )
        case source_notices.CommitAhead(reference, name, date, now, _):
            return (
                f"{reference} {name} is dated {_moment(date)}, {duration(date - now)} after the clock of this "
                f"machine, which says {_moment(now)}"
            )
        case _:
            assert_never(notice)


def _moment(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"{seconds} s after 1970"


def _same(words: str) -> NoticeWords:
    return NoticeWords(words, words)
