"""The registry port over ECR's control API, and over /v2 for what that cannot read or push."""

import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.catalog import Catalog
from holystone.adapters.registries.deletion import failed_deletion
from holystone.adapters.registries.ecr.api import ABSENT, EcrApi
from holystone.adapters.registries.ecr.catalog import read_catalog
from holystone.adapters.registries.ecr.errors import DENIED, ApiError
from holystone.adapters.registries.ecr.lanes import Lanes
from holystone.adapters.registries.ecr.listing import EVERYTHING, Image, Images, list_images
from holystone.adapters.registries.ecr.manifests import read_manifests
from holystone.adapters.registries.ecr.profile import PROFILE
from holystone.adapters.registries.ecr.replies import NOT_FOUND, DeletedImages, Item, image_ids, outcomes, whole
from holystone.adapters.registries.oci import OciSession
from holystone.adapters.registries.oci_api import OciApi
from holystone.adapters.registries.oci_replies import STRANGE
from holystone.engine.errors import HolystoneError, IncompleteSource
from holystone.engine.model.capabilities import Capabilities
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.outcomes import Outcome
from holystone.engine.model.references import Digest, InvalidName, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.ports import TAGS, CatalogPage, Listing, Wanted

_DELETE: Final = "ecr:BatchDeleteImage"
_BY_PULL_TIME: Final = '"sinceImagePulled"'
_COUNTED: Final = (
    "its lifecycle policy goes by when images were pulled, and reading them for the first time counts as a pull. "
    "Exclude "
    "this credential's role: aws ecr register-pull-time-update-exclusion --principal-arn ARN; and keep the cache "
    "(HOLYSTONE_CACHE_DIR) between runs"
)


class _Repository(msgspec.Struct):
    imageTagMutability: str | None = None


class _Lifecycle(msgspec.Struct):
    lifecyclePolicyText: str = ""
    """JSON; `countType` of a rule is sinceImagePulled where it goes by pull time (ECR user guide, lifecycle policy
    parameters)."""


class _Repositories(msgspec.Struct):
    repositories: list[_Repository]


class EcrRegistry(OciApi):
    def __init__(self, host: RegistryHost, api: EcrApi, http: RegistryHttp, lanes: Lanes) -> None:
        super().__init__(host, http, lanes.blobs, lanes.pushes)
        self.api = api
        self.lanes = lanes

    def open(self, repository: Repository) -> "EcrSession":
        return EcrSession(self, repository)

    def repositories(self, prefix: RepositoryPath | None = None) -> AsyncIterator[CatalogPage]:
        """The repositories of the account and region; takes ecr:DescribeRepositories."""
        return read_catalog(self.api, self.lanes.lists, Catalog(self.host, prefix))


class EcrSession(OciSession):
    registry: EcrRegistry

    manifests_at_once = 100

    def __init__(self, registry: EcrRegistry, repository: Repository) -> None:
        super().__init__(registry, repository)
        self._api = registry.api
        self._lanes = registry.lanes
        self._can: Capabilities | None = None
        self._was_read = False
        """Manifests were, which are pulled now, in AWS's eyes."""

    async def probe(self) -> Capabilities:
        """Asked once: what may be deleted in the plan may be a moment later, and if not, the deletion says so."""
        if self._can is None:
            can = await self._ask()
            if can.forbidden:
                return can
            if self._was_read:
                can = msgspec.structs.replace(can, warnings=await self._pull_rules())
            self._can = can
        return self._can

    async def _ask(self) -> Capabilities:
        """IAM is asked before the image is looked for: the deletion of one that cannot exist tells the right."""
        can = PROFILE.can
        if not await self._is_mutable():
            can = can.without_tombstones()
        nobody = Digest.parse(f"sha256:{secrets.token_hex(32)}")
        try:
            answer = await self._delete([nobody])
        except ApiError as error:
            if error.code == ABSENT:
                return can
            if error.code in DENIED:
                return _cannot(can, self._api.lacking(_DELETE, error))
            raise self._api.unreadable(f"What may be deleted in {self.repository}", error, _DELETE) from error
        failures = answer.failures or []
        if [failure.failureCode for failure in failures] == [NOT_FOUND]:
            return can
        said = "; ".join(map(str, failures)) or "it claims to have deleted an image that does not exist"
        return _cannot(can, f"ECR answers strangely to {_DELETE}: {said}")

    async def list_tags(self, wanted: Wanted = TAGS) -> Listing:
        return await list_images(self._api, self._lanes.lists, self.repository, wanted)

    async def resolve(self, reference: Tag | Digest, *, alone: bool = False) -> Digest | None:
        """Resolves by DescribeImages: a look by /v2 could count as a pull. The answer names the image's tags, and is
        not taken for the one to this question if ours is not among them."""
        found = await self._describe(reference, alone=alone)
        if found is None or _is(found, reference):
            return self._digest(found) if found else None
        again = None if alone else await self._describe(reference, alone=True)
        what = f"{self.repository}: asked for {reference}, ECR answered with {found.imageDigest}, another image."
        if again and _is(again, reference):
            raise self.http.doubt(what)
        raise IncompleteSource(what, what_to_do=STRANGE)

    def _digest(self, image: Image) -> Digest:
        try:
            return Digest.parse(image.imageDigest)
        except InvalidName as error:
            raise IncompleteSource(f"{self.repository}: ECR's answer cannot be understood: {error}.") from error

    async def _describe(self, reference: Tag | Digest, *, alone: bool) -> Image | None:
        # UNCONFIRMED: whether an archived image is found by its name without the filter, and whether AWS takes both.
        for more in ({}, {"filter": EVERYTHING}):
            asked: dict[str, Any] = self._api.about(self.repository, imageIds=image_ids([reference]), **more)
            try:
                found = await self._api.call("DescribeImages", Images, self._lanes.lists, asked, alone=alone)
            except ApiError as error:
                if error.code == ABSENT or (more and error.code == "InvalidParameterException"):
                    return None
                if error.code == "ImageNotFoundException":
                    continue
                raise self._api.unreadable(f"{self.repository}, {reference}", error, "ecr:DescribeImages") from error
            if found.imageDetails:
                return found.imageDetails[0]
        return None

    async def read_manifests(self, digests: Sequence[Digest]) -> Mapping[Digest, RawManifest]:
        self._was_read = True
        return await read_manifests(self._api, self._lanes.manifests, self.repository, digests)

    async def referrers(self, subject: Digest) -> Sequence[Digest]:
        """Gives none: the listing shows the subject of every untagged image."""
        return ()

    async def delete_tags(self, tags: Sequence[Tag]) -> Sequence[Outcome]:
        return await self._deletion(tags)

    async def delete_manifests(self, digests: Sequence[Digest]) -> Sequence[Outcome]:
        return await self._deletion(digests)

    async def restore(self, digest: Digest, tags: Sequence[Tag]) -> bool:
        return False

    async def _deletion(self, items: Sequence[Item]) -> Sequence[Outcome]:
        try:
            return outcomes(items, await self._delete(items))
        except ApiError as error:
            return whole(len(items), error, self._api.lacking(_DELETE, error))
        except HolystoneError as error:
            return [failed_deletion(error)] * len(items)

    async def _delete(self, items: Sequence[Item]) -> DeletedImages:
        asked = self._api.about(self.repository, imageIds=image_ids(items))
        return await self._api.call("BatchDeleteImage", DeletedImages, self._lanes.deletions, asked)

    async def _pull_rules(self) -> tuple[str, ...]:
        """Reading a manifest by the API or by /v2 counts as a pull: BatchGetImage sets lastRecordedPullTime
        (aws/containers-roadmap#2390), and no read is known that does not. A credential that may not read the policy is
        told nothing."""
        try:
            found = await self._api.call(
                "GetLifecyclePolicy", _Lifecycle, self._lanes.lists, self._api.about(self.repository)
            )
        except (ApiError, IncompleteSource):
            return ()
        return (_COUNTED,) if _BY_PULL_TIME in found.lifecyclePolicyText else ()

    async def _is_mutable(self) -> bool:
        """False also if that is not to be had: nothing depends on it, since tags are deleted by name."""
        asked = self._api.about(self.repository)
        asked["repositoryNames"] = [asked.pop("repositoryName")]
        try:
            found = await self._api.call("DescribeRepositories", _Repositories, self._lanes.lists, asked)
        except ApiError:
            return False
        return [each.imageTagMutability for each in found.repositories] == ["MUTABLE"]


def _is(image: Image, reference: Tag | Digest) -> bool:
    if isinstance(reference, Digest):
        return image.imageDigest == reference
    return image.imageTags is None or reference in image.imageTags


def _cannot(can: Capabilities, why: str) -> Capabilities:
    return msgspec.structs.replace(can, forbidden=why)
