"""What docs/registries.md says of ECR, and what the planner may rely on."""

from typing import Final

from holystone.adapters.registries.profile import Profile
from holystone.engine.model.capabilities import (
    Capabilities,
    Cascade,
    DigestDeletion,
    LastTag,
    ListingFacts,
    TagDeletion,
)
from holystone.engine.model.outlook import UndoOutlook

PROFILE: Final = Profile(
    hosts="ACCOUNT.dkr.ecr.REGION.amazonaws.com, with -fips, the dual-stack names and those of all AWS partitions",
    can=Capabilities(
        implementation="ecr",
        # BatchDeleteImage by tag: "When you remove the last tag from an image, the image is deleted" (API reference).
        tags=TagDeletion(LastTag("may-go")),
        # BatchDeleteImage by digest: the image "and all of its tags".
        digests=DigestDeletion(tags_first=False, tombstones=LastTag("may-go")),
        # UNCONFIRMED: AWS does not say what becomes of the referrers of a deleted subject. The careful answer.
        cascade=Cascade(referrers=True),
        protects_children=True,  # ImageReferencedByManifestList (API reference, ImageFailure)
        listing=ListingFacts(digests=True, page=1000, pulls=True, loose=True),
        undo=UndoOutlook(
            "push",
            doubt="whether the credential has what a push needs (ecr:PutImage, ecr:BatchCheckLayerAvailability, "
            "ecr:InitiateLayerUpload, ecr:UploadLayerPart, ecr:CompleteLayerUpload) is not asked",
        ),
        bulk=100,
    ),
    catalog="DescribeRepositories, all of the account and region; takes ecr:DescribeRepositories on all repositories",
    listing="DescribeImages",
    shows="digest, times of push, last pull (up to a day late) and restore, media type, subject, whether archived; "
    "untagged images too",
    deletion="BatchDeleteImage, 100 images or tags at once",
    credentials="AWS's own: environment, profile, aws login, SSO, process, web identity, container or instance role, "
    "with ecr:DescribeImages, ecr:BatchGetImage, ecr:GetDownloadUrlForLayer, ecr:BatchDeleteImage, "
    "ecr:GetAuthorizationToken, and ecr:DescribeRepositories and ecr:GetLifecyclePolicy if possible; ecr:PutImage and "
    "the actions of layer uploads to undo",
    restore="the journaled manifest is pushed again while its layers are there. Where replication copies deletions, "
    "undo puts back on one side only",
    limits="BatchGetImage 2,000/s and PutImage 10/s are published, the others are not; ThrottlingException in a 400. "
    "Reading a manifest counts as a pull (lastRecordedPullTime): keep the cache, and exclude the cleaner's role with "
    "aws "
    "ecr register-pull-time-update-exclusion where a lifecycle rule goes by pull time",
    rules="none forbids a deletion, not even immutable tags; archived images are kept, known from the listing; "
    "what an index lists cannot go before it",
)
