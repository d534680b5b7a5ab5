"""Why a tag or a manifest stays or goes, in words: of one, and of all with one kind of reason, for reports that count.
The only place where a reason becomes text."""

from typing import NamedTuple, assert_never

from holystone.engine.model import delete_reasons, policy_reasons, reasons
from holystone.engine.model.delete_reasons import DeleteReason
from holystone.engine.model.reasons import KeepReason, ManifestReason
from holystone.engine.report.policy_words import DOUBTS, entry_text, kept_text, not_kept_text
from holystone.engine.report.words import count, duration, reference_text, short, shown, user_text


class ReasonWords(NamedTuple):
    of_one: str
    of_many: str
    """What all with such a reason have in common."""


def reason_words(reason: KeepReason | DeleteReason | ManifestReason) -> ReasonWords:
    match reason:
        case reasons.ReachedFromBranch(branch, commit, policy):
            return ReasonWords(
                f"branch {branch} reaches its commit {commit[:10]} (keep policy {policy})",
                "branches that keep policies select reach them",
            )
        case reasons.ReachedFromTag(git_tag, commit, policy):
            return ReasonWords(
                f"git tag {git_tag} is its commit {commit[:10]} (keep policy {policy})",
                "git tags that keep policies select are their commits",
            )
        case reasons.InUse(by):
            return ReasonWords(f"in use: {user_text(by)}", "in use")
        case reasons.YoungerThan(age, grace):
            return ReasonWords(
                f"only {duration(age)} old, the grace is {duration(grace)}", f"younger than {duration(grace)}"
            )
        case reasons.ParentOfImage(image):
            return ReasonWords(
                f"image {image.repository.path}:{short(image.tag)} is built on it",
                "an image that stays is built on them",
            )
        case reasons.AncestorOfStage(stage):
            return ReasonWords(f"needed stage {short(stage)} is built on it", "a stage that stays is built on them")
        case reasons.ImportedBy(by):
            return ReasonWords(f"{short(by)} imports files from it", "a stage that stays imports files from them")
        case reasons.WithoutMetadata():
            return ReasonWords(
                "no metadata record says which commit it was built from",
                "no metadata record says which commits they were built from",
            )
        case reasons.RecordContradicts(record, commit):
            return ReasonWords(
                f"it says that it was built at {commit[:10]}, and record {record} says otherwise",
                "they say that they were built at commits of which a record says another content",
            )
        case reasons.ContradictedBy(image):
            return ReasonWords(
                f"{short(image)}, which stays, says that it was built at this commit, with another content",
                "records that images which stay contradict",
            )
        case reasons.UnknownHistory(commit):
            return ReasonWords(
                f"the clone is shallow and may hide its commit {commit[:10]}",
                "the clone is shallow and may hide their commits",
            )
        case reasons.HistoryNotRead():
            return _same("there is no git history to judge it by")
        case reasons.ImagesAbsent():
            return _same("no image has a tag anywhere, so nothing says who needs it")
        case reasons.Foreign():
            return ReasonWords(
                "nothing marks it as one of this project's images", "nothing marks them as this project's images"
            )
        case reasons.NoVerdict():
            return ReasonWords("no policy has a word on it", "no policy has a word on them")
        case reasons.NotJudged():
            return _same("not judged by this command")
        case reasons.OtherProject(project):
            return ReasonWords(
                f"its label says that it is of the project {shown(project)}",
                f"their labels say that they are of the project {shown(project)}",
            )
        case reasons.BesideOtherProject():
            return ReasonWords(
                "another project uses this stages storage, too, and nothing says whose record it is",
                "records beside another project's stages: nothing says whose they are",
            )
        case reasons.NotAsked():
            return _same("not among what is to go")
        case reasons.Bookkeeping():
            return ReasonWords(
                "a record that no policy judges: of a managed image, a client, a rejected stage or an unknown image",
                "records that no policy judges: of managed images, clients, rejected stages and unknown images",
            )
        case reasons.Unreadable(what):
            return ReasonWords(f"broken, a person should look: {what}", "broken, a person should look")
        case reasons.SharesDigestWith(kept):
            return ReasonWords(
                f"the registry cannot delete it without {kept}, which has the same manifest",
                "the registry cannot delete them without tags that stay",
            )
        case reasons.LockedBy(rule):
            return ReasonWords(f"the registry does not delete it: {rule}", f"the registry does not delete them: {rule}")
        case reasons.LastTagged():
            return _same("the registry refuses to delete its last tagged manifest, and this is the newest")
        case reasons.MarkOf(marked):
            return ReasonWords(
                f"the mark that {short(marked)}, which stays, is not to be used",
                "marks that others, which stay, are not to be used",
            )
        case reasons.SubjectOf(referrer):
            return ReasonWords(
                f"the registry would delete {referrer.short}, which refers to it, along with it",
                "the registry would delete what refers to them along with them",
            )
        case reasons.IndexOf(child):
            return ReasonWords(
                f"the registry would delete {child.short}, which is part of it, along with it",
                "the registry would delete their parts along with them",
            )
        case reasons.Tagged(tag):
            return ReasonWords(f"tag {short(tag)}, which stays, points to it", "tags that stay point to them")
        case reasons.ChildOf(index):
            return ReasonWords(f"part of index {index.short}", "parts of indexes")
        case reasons.MayBeNeededBy(by):
            return ReasonWords(
                f"{shown(by)}, which cannot be read or understood, may need its manifest",
                "what cannot be read or understood may need their manifests",
            )
        case reasons.ReferrersUnknown():
            return ReasonWords(
                "what refers to its manifest cannot be read", "what refers to their manifests cannot be read"
            )
        case reasons.ReferrerOf(subject):
            return ReasonWords(
                f"attached to manifest {subject.short}", "attached to other manifests, as signatures are"
            )
        case reasons.MetadataHead(reference):
            return ReasonWords(
                f"newest commit of its content on {reference}", "newest commits of their content on a branch or tag"
            )
        case reasons.MetadataNeeded():
            return ReasonWords("an image tag with its content remains", "image tags with their content remain")
        case reasons.NamedAfter(kind, name):
            return ReasonWords(
                f"{reference_text(kind)} {name} exists", f"the {reference_text(kind)} they are named after exists"
            )
        case reasons.CommitExists(commit):
            return ReasonWords(f"commit {commit[:10]} exists", "the commits they are named after exist")
        case reasons.WithinStrategy(strategy):
            return ReasonWords(
                f"no limit of strategy {strategy} concerns it", f"no limit of strategy {strategy} concerns them"
            )
        case reasons.AmongNewest(rank, limit):
            return ReasonWords(
                f"number {rank} of the {limit} newest that its strategy keeps",
                f"among the {limit} newest that their strategy keeps",
            )
        case reasons.CreationUnknown():
            return ReasonWords(
                "it does not say when it was created, and may be the newest", "they do not say when they were created"
            )
        case reasons.OtherStrategy(strategy):
            return ReasonWords(
                f"tags of strategy {shown(strategy)} are never judged" if strategy else "it has no tag strategy",
                f"tags of strategy {shown(strategy)} are never judged" if strategy else "they have no tag strategy",
            )
        case reasons.UnknownReference(kind, named):
            return ReasonWords(
                f"the clone is shallow or narrow and may lack {reference_text(kind)} {shown(named)}",
                f"the clone is shallow or narrow and may lack the {reference_text(kind)} they are named after",
            )
        case reasons.RecordNotJudged():
            return _same("tag strategies decide, which use no metadata records")
        case delete_reasons.ReferenceGone(kind, named):
            return ReasonWords(
                f"no {reference_text(kind)} {shown(named)} exists",
                f"the {reference_text(kind)} they are named after does not exist",
            )
        case delete_reasons.CommitGone(named):
            return ReasonWords(f"no commit {shown(named)} exists", "the commits they are named after do not exist")
        case delete_reasons.Expired(age, days):
            return ReasonWords(
                f"{duration(age)} old, its strategy keeps tags for {count(days, 'day')}",
                f"older than the {count(days, 'day')} that their strategy keeps tags",
            )
        case delete_reasons.BeyondNewest(rank, limit):
            return ReasonWords(
                f"number {rank} by age, and its strategy keeps {limit}",
                f"beyond the {limit} newest that their strategy keeps",
            )
        case delete_reasons.NotReached():
            return ReasonWords(
                "no branch or tag that a keep policy selects reaches it",
                "no branch or tag that a keep policy selects reaches them",
            )
        case delete_reasons.BeyondLimit(reference):
            return ReasonWords(
                f"beyond what imagesPerReference keeps on {reference}", "beyond what imagesPerReference keeps"
            )
        case delete_reasons.CommitsGone():
            return ReasonWords("the commits it was built from are gone", "the commits they were built from are gone")
        case delete_reasons.NotNeeded():
            return ReasonWords(
                "no remaining image is built on it or imports from it",
                "no remaining image is built on them or imports from them",
            )
        case delete_reasons.Rejected():
            return ReasonWords("the stage was marked as broken", "the stages were marked as broken")
        case delete_reasons.MetadataSuperseded(commit):
            return ReasonWords(
                f"commit {commit[:10]} is not the newest one with this content any more",
                "their commits are not the newest with their content any more",
            )
        case delete_reasons.MetadataUnused(image):
            return ReasonWords(
                f"no tag of image {image.shown} has its content any more",
                "no tag of their image has their content any more",
            )
        case delete_reasons.Purged():
            return _same("everything of the project goes")
        case delete_reasons.Asked():
            return _same("you asked for it")
        case policy_reasons.KeptByEntry(policy, entry):
            return ReasonWords(kept_text(reason), f"{entry_text(policy, entry)} keeps them")
        case policy_reasons.CannotJudge(policy, entry, why):
            return ReasonWords(
                f"{entry_text(policy, entry)} cannot judge it: {DOUBTS[why]}",
                f"{entry_text(policy, entry)} cannot judge them",
            )
        case policy_reasons.NothingKeeps(policy):
            return _same(f"no entry of policy {shown(policy)} keeps such a tag")
        case policy_reasons.NotKeptBy(policy, entry):
            return ReasonWords(not_kept_text(reason), f"{entry_text(policy, entry)} does not keep them")
        case policy_reasons.Orphaned(subject, age, after):
            return ReasonWords(
                f"attached to {subject.short}, which is gone, for {duration(age)}; they go after {duration(after)}",
                f"attached to what is gone for {duration(after)}",
            )
        case policy_reasons.Untagged(age, after):
            return ReasonWords(
                f"without a tag, and nothing needs it, for {duration(age)}; such manifests go after {duration(after)}",
                f"manifests without a tag that nothing needs for {duration(after)}",
            )
        case _:
            assert_never(reason)


def _same(words: str) -> ReasonWords:
    return ReasonWords(words, words)
