"""DescribeImages: every image of a repository, tagged, untagged and archived."""

from typing import Any, Final

import msgspec

from holystone.adapters.http.paging import PageGuard
from holystone.adapters.http.reply import printable
from holystone.adapters.registries.ecr.api import ABSENT, EcrApi
from holystone.adapters.registries.ecr.errors import ApiError
from holystone.adapters.registries.listed import ListedNames
from holystone.engine.errors import IncompleteSource
from holystone.engine.model.inventory import Pulls
from holystone.engine.model.manifests import INDEX_TYPES, Manifest
from holystone.engine.model.references import Digest, InvalidName, Repository, Tag
from holystone.engine.ports import TAGS, Listing, Wanted
from holystone.engine.scheduler import Lane

PAGE_SIZE: Final = 1000
EVERYTHING: Final = {"tagStatus": "ANY", "imageStatus": "ANY"}
"""Without imageStatus, archived images are left out."""
_LOCKED: Final = {"ARCHIVED": "archived", "ACTIVATING": "being restored from the archive"}
"""ECR would delete an archived image. Somebody put it aside to be kept, and for at least ninety days it is paid for
in any case (user guide, archive-image)."""
_GRANULARITY: Final = 24 * 3600
"""Seconds by which the last pull may be later than ECR says: it "refreshes the last image pull timestamp at least once
every 24 hours" (API reference, ImageDetail)."""


class Image(msgspec.Struct):
    imageDigest: str
    imageTags: list[str] | None = None
    """Not there, instead of empty, if it has none."""
    imagePushedAt: float | None = None
    """When the image was pushed (API reference, ImageDetail): of its tags nothing is said."""
    imageManifestMediaType: str | None = None
    lastRecordedPullTime: float | None = None
    """When ECR recorded the last pull, by whatever tag or by the digest: up to 24 hours before the last one (API
    reference, ImageDetail)."""
    subjectManifestDigest: str | None = None
    imageStatus: str | None = None
    lastActivatedAt: float | None = None
    """When it was restored from the archive last (the same)."""


class Images(msgspec.Struct):
    imageDetails: list[Image]
    nextToken: str | None = None


async def list_images(api: EcrApi, lane: Lane, repository: Repository, wanted: Wanted = TAGS) -> Listing:
    """Lists the repository's images by ECR's API. Raises IncompleteSource."""
    found = _Found(wanted)
    guard = PageGuard(str(repository))
    token: str | None = None
    while True:
        guard.admit(token or "")
        asked: dict[str, Any] = api.about(repository, maxResults=PAGE_SIZE, filter=EVERYTHING)
        try:
            page = await api.call("DescribeImages", Images, lane, {**asked, "nextToken": token} if token else asked)
        except ApiError as error:
            if error.code == ABSENT and guard.pages == 1:
                return Listing({}, exists=False)
            what = f"Page {guard.pages} of the images of {repository}"
            raise api.unreadable(what, error, "ecr:DescribeImages") from error
        guard.take(sum(1 + len(image.imageTags or ()) for image in page.imageDetails))
        for image in page.imageDetails:
            found.add(repository, image)
        token = page.nextToken
        if not token:
            return found.listing()


class _Found:
    def __init__(self, wanted: Wanted = TAGS) -> None:
        self._wanted = wanted
        self._listed = ListedNames()
        self.pulled: dict[Digest, int] = {}
        self.restored: dict[Digest, int] = {}
        self.archived: set[Digest] = set()
        self.loose: dict[Digest, None] = {}
        self.has_unread_index = False
        """An archived index does not tell what it lists."""
        self.locked: dict[Tag, str] = {}
        self.manifests: dict[Digest, Manifest] = {}
        self.untagged: dict[Digest, None] = {}
        self.indexes: dict[Digest, None] = {}
        self.pushed: dict[Digest, int] = {}

    def add(self, repository: Repository, image: Image) -> None:
        try:
            digest = Digest.parse(image.imageDigest)
            subject = Digest.parse(image.subjectManifestDigest) if image.subjectManifestDigest else None
        except InvalidName as error:
            raise IncompleteSource(f"The images of {repository} cannot be understood: {error}.") from error
        status = image.imageStatus
        rule = "" if status in (None, "ACTIVE") else _LOCKED.get(status) or printable(status, 80) or "in no known state"
        kind = image.imageManifestMediaType
        tags = image.imageTags or ()
        known = self._listed.tags
        for name in tags:
            # A tag that moves while the pages are read is seen on both images: then it has to be looked up.
            moved = known.get(Tag(name), digest) != digest
            tag = self._listed.add(name, None if moved else digest)
            if rule and tag:
                self.locked[tag] = rule
        if image.imagePushedAt is not None:
            self.pushed[digest] = int(image.imagePushedAt)
        if status in _LOCKED:
            self.archived.add(digest)
        if self._wanted.pulls and image.lastRecordedPullTime is not None:
            self.pulled[digest] = int(image.lastRecordedPullTime) + _GRANULARITY
        if self._wanted.pulls and image.lastActivatedAt is not None:
            self.restored[digest] = int(image.lastActivatedAt)
        self.has_unread_index |= bool(rule) and (kind is None or kind in INDEX_TYPES)
        if self._wanted.loose and not (tags or rule):
            self.loose[digest] = None
        if not tags and subject:
            self.untagged[digest] = None
        if not (tags or rule) and kind in INDEX_TYPES:
            self.indexes[digest] = None
        if rule and kind and kind not in INDEX_TYPES:
            # Archived images cannot be pulled. They stay, so that nothing more need be known of them; of an index it
            # has to be tried, for what it lists.
            self.manifests[digest] = Manifest(digest=digest, media_type=kind, size=0, subject=subject)

    def listing(self) -> Listing:
        return msgspec.structs.replace(
            self._listed.listing(),
            locked=self.locked,
            manifests=self.manifests,
            untagged=tuple(self.untagged),
            indexes=tuple(self.indexes),
            pushed=self.pushed,
            pulls=Pulls(manifests=self.pulled, restored=self.restored) if self._wanted.pulls else None,
            archived=frozenset(self.archived),
            loose=self._loose() if self._wanted.loose and not self.has_unread_index else None,
        )

    def _loose(self) -> tuple[Digest, ...]:
        """One that had a tag on another page has one."""
        tagged = set(self._listed.tags.values())
        return tuple(digest for digest in self.loose if digest not in tagged)
