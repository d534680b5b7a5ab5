"""BatchGetImage and BatchDeleteImage answer 200 whatever happens, and say per image what came of it."""

from collections.abc import Sequence
from typing import Final, TypeAlias

import msgspec

from holystone.adapters.http.reply import printable
from holystone.adapters.registries.ecr.errors import DENIED, ApiError
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Forbidden, Outcome, Referenced
from holystone.engine.model.references import Digest, Tag

NOT_FOUND: Final = "ImageNotFound"
INACCESSIBLE: Final = "ImageInaccessible"
"""UNCONFIRMED: came into the model together with the archive; taken for an archived image."""
Item: TypeAlias = Tag | Digest


class ImageId(msgspec.Struct):
    imageDigest: str | None = None
    imageTag: str | None = None


class Failure(msgspec.Struct):
    failureCode: str
    imageId: ImageId | None = None
    failureReason: str | None = None

    def __str__(self) -> str:
        return printable(f"{self.failureCode}: {self.failureReason or 'no reason given'}")


class DeletedImages(msgspec.Struct):
    imageIds: list[ImageId] | None = None
    failures: list[Failure] | None = None


class Image(msgspec.Struct):
    imageId: ImageId
    imageManifest: str
    imageManifestMediaType: str | None = None


class Images(msgspec.Struct):
    images: list[Image] | None = None
    failures: list[Failure] | None = None


def image_ids(items: Sequence[Item]) -> list[dict[str, str]]:
    """Never both names of one image: what a deletion does then is not documented. Each once."""
    return [{"imageDigest" if isinstance(item, Digest) else "imageTag": item} for item in dict.fromkeys(items)]


def outcomes(items: Sequence[Item], answer: DeletedImages) -> list[Outcome]:
    """What came of each item, in the order of `items`, which are either all tags or all digests."""
    failures = {name: failure for failure in answer.failures or () for name in _names(failure.imageId)}
    gone = {name for each in answer.imageIds or () for name in _names(each)}
    found: list[Outcome] = []
    seen: set[Item] = set()
    for item in items:
        if failure := failures.get(item):
            found.append(_outcome(failure))
        elif item not in gone:
            found.append(Failed("ECR did not say what came of it"))
        else:
            found.append(AlreadyGone() if item in seen else Deleted())
        seen.add(item)
    return found


def _names(image: ImageId | None) -> tuple[str, ...]:
    return tuple(name for name in (image.imageDigest, image.imageTag) if name) if image else ()


def _outcome(failure: Failure) -> Outcome:
    """Codes: ImageFailureCode in the model of the ECR API 2015-09-21."""
    match failure.failureCode:
        case code if code == NOT_FOUND:
            return AlreadyGone()
        case "ImageReferencedByManifestList":
            # Also for the last tag of an image that an index lists: the tag stays (aws/containers-roadmap#1567).
            return Referenced(str(failure))
        case "UpstreamAccessDenied":
            return Forbidden(str(failure))
        case _:
            # InvalidImageDigest, InvalidImageTag, MissingDigestAndTag, ImageTagDoesNotMatchDigest: our mistake.
            # KmsError, ImageInaccessible, UpstreamTooManyRequests, UpstreamUnavailable: trouble of theirs.
            return Failed(str(failure))


def whole(count: int, error: ApiError, lacking: str) -> list[Outcome]:
    """What a request that was refused as a whole means for each of its items."""
    if error.code == "RepositoryNotFoundException":
        return [AlreadyGone()] * count
    if error.code in DENIED:
        return [Forbidden(lacking)] * count
    return [Failed(str(error))] * count
