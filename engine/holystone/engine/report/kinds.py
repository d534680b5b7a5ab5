"""What all tags with one kind of reason have in common, in words: for reports that count."""

from typing import assert_never

from holystone.engine.model import reasons
from holystone.engine.model.reasons import DeleteReason, KeepReason
from holystone.engine.report.words import count, duration, reason_text, reference_text, shown


def kind_text(reason: KeepReason | DeleteReason) -> str:
    """What all tags with such a reason have in common."""
    match reason:
        case reasons.ReachedFromBranch():
            return "branches that keep policies select reach them"
        case reasons.ReachedFromTag():
            return "git tags that keep policies select are their commits"
        case reasons.InUse():
            return "in use"
        case reasons.YoungerThan(_, grace):
            return f"younger than {duration(grace)}"
        case reasons.ParentOfImage():
            return "an image that stays is built on them"
        case reasons.AncestorOfStage():
            return "a stage that stays is built on them"
        case reasons.ImportedBy():
            return "a stage that stays imports files from them"
        case reasons.WithoutMetadata():
            return "no metadata record says which commits they were built from"
        case reasons.RecordContradicts():
            return "they say that they were built at commits of which a record says another content"
        case reasons.ContradictedBy():
            return "records that images which stay contradict"
        case reasons.UnknownHistory():
            return "the clone is shallow and may hide their commits"
        case reasons.HistoryNotRead() | reasons.ImagesAbsent() | reasons.LastTagged():
            return reason_text(reason)
        case reasons.Foreign():
            return "not images that werf made for this project"
        case reasons.OtherProject(project):
            return f"their labels say that they are of the project {shown(project)}"
        case reasons.BesideOtherProject():
            return "records beside another project's stages: nothing says whose they are"
        case reasons.NotAsked() | reasons.NotJudged():
            return reason_text(reason)
        case reasons.Bookkeeping():
            return "records that no policy judges: of managed images, clients, rejected stages and unknown images"
        case reasons.Unreadable():
            return "broken, a person should look"
        case reasons.SharesDigestWith():
            return "the registry cannot delete them without tags that stay"
        case reasons.LockedBy(rule):
            return f"the registry does not delete them: {rule}"
        case reasons.MarkOf():
            return "marks that others, which stay, are not to be used"
        case reasons.SubjectOf():
            return "the registry would delete what refers to them along with them"
        case reasons.IndexOf():
            return "the registry would delete their parts along with them"
        case reasons.MayBeNeededBy():
            return "what cannot be read or understood may need their manifests"
        case reasons.ChildOf():
            return "parts of indexes"
        case reasons.ReferrerOf():
            return "attached to other manifests, as signatures are"
        case reasons.MetadataHead():
            return "newest commits of their content on a branch or tag"
        case reasons.MetadataNeeded():
            return "image tags with their content remain"
        case reasons.NamedAfter(kind):
            return f"the {reference_text(kind)} they are named after exists"
        case reasons.CommitExists():
            return "the commits they are named after exist"
        case reasons.WithinStrategy(strategy):
            return f"no limit of strategy {strategy} concerns them"
        case reasons.AmongNewest(_, limit):
            return f"among the {limit} newest that their strategy keeps"
        case reasons.CreationUnknown():
            return "they do not say when they were created"
        case reasons.OtherStrategy(strategy):
            return f"tags of strategy {shown(strategy)} are never judged" if strategy else "they have no tag strategy"
        case reasons.UnknownReference(kind):
            return f"the clone is shallow or narrow and may lack the {reference_text(kind)} they are named after"
        case reasons.RecordNotJudged():
            return reason_text(reason)
        case reasons.ReferenceGone(kind):
            return f"the {reference_text(kind)} they are named after does not exist"
        case reasons.CommitGone():
            return "the commits they are named after do not exist"
        case reasons.Expired(_, days):
            return f"older than the {count(days, 'day')} that their strategy keeps tags"
        case reasons.BeyondNewest(_, limit):
            return f"beyond the {limit} newest that their strategy keeps"
        case reasons.NotReached():
            return "no branch or tag that a keep policy selects reaches them"
        case reasons.BeyondLimit():
            return "beyond what imagesPerReference keeps"
        case reasons.CommitsGone():
            return "the commits they were built from are gone"
        case reasons.NotNeeded():
            return "no remaining image is built on them or imports from them"
        case reasons.Rejected():
            return "werf marked the stages as broken"
        case reasons.MetadataSuperseded():
            return "their commits are not the newest with their content any more"
        case reasons.MetadataUnused():
            return "no tag of their image has their content any more"
        case reasons.Purged() | reasons.Asked():
            return reason_text(reason)
        case _:
            assert_never(reason)
