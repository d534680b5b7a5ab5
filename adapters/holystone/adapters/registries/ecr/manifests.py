"""BatchGetImage: a hundred manifests at once, byte for byte."""

from collections.abc import Mapping, Sequence
from typing import Final

from holystone.adapters.http.verify import verify
from holystone.adapters.registries.ecr.api import EcrApi
from holystone.adapters.registries.ecr.errors import ApiError
from holystone.adapters.registries.ecr.replies import INACCESSIBLE, NOT_FOUND, Failure, Images, image_ids
from holystone.engine.errors import IncompleteSource
from holystone.engine.model.manifests import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    RawManifest,
)
from holystone.engine.model.references import Digest, Repository
from holystone.engine.scheduler import Lane

_ACCEPTED: Final = (
    OCI_INDEX,
    OCI_MANIFEST,
    DOCKER_LIST,
    DOCKER_MANIFEST,
    "application/vnd.docker.distribution.manifest.v1+json",
)
"""All of them, or ECR may answer with one platform of a list (awslabs/amazon-ecr-containerd-resolver, ecr/base.go)."""


async def read_manifests(
    api: EcrApi, lane: Lane, repository: Repository, digests: Sequence[Digest]
) -> Mapping[Digest, RawManifest]:
    """Archived ones are left out, as they cannot be pulled. Raises IncompleteSource."""
    asked = api.about(repository, imageIds=image_ids(digests), acceptedMediaTypes=_ACCEPTED)
    try:
        answer = await api.call("BatchGetImage", Images, lane, asked)
    except ApiError as error:
        raise api.unreadable(f"Manifests of {repository}", error, "ecr:BatchGetImage") from error
    found: dict[Digest, RawManifest] = {}
    wanted = dict.fromkeys(map(str, digests))
    for image in answer.images or ():
        if image.imageId.imageDigest in wanted:
            digest = Digest(image.imageId.imageDigest)
            body = verify(image.imageManifest.encode(), digest, what=f"manifest {digest} of {repository}")
            found[digest] = RawManifest(digest, image.imageManifestMediaType or "", body)
    missing = {
        failure.imageId.imageDigest for failure in answer.failures or () if failure.imageId and _is_missing(failure)
    }
    unanswered = [digest for digest in digests if digest not in found and digest not in missing]
    if unanswered:
        said = [str(failure) for failure in answer.failures or () if not _is_missing(failure)]
        raise IncompleteSource(
            f"{len(unanswered)} of {len(digests)} manifests of {repository} cannot be read, first {unanswered[0]}: "
            f"{said[0] if said else 'ECR did not answer for it'}."
        )
    return found


def _is_missing(failure: Failure) -> bool:
    return failure.failureCode in (NOT_FOUND, INACCESSIBLE)
