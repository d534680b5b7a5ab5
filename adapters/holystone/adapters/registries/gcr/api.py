"""The Artifact Registry API, version 1, as far as /v2 cannot tell: long listings, and whether tags are immutable.

Source: the protos of google-cloud-artifact-registry (google/devtools/artifactregistry/v1). The API has to be enabled in
the project, which /v2 does not need: nothing but listings of 10,000 entries depends on it.
"""

import datetime as dt
from collections.abc import AsyncIterator
from typing import Final, TypeVar
from urllib.parse import quote

import anyio
import msgspec

from holystone.adapters.credentials.single_flight import SingleFlight
from holystone.adapters.http.paging import PageGuard
from holystone.adapters.http.reply import Reply
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.gcr.listing import Row, Rows
from holystone.adapters.registries.gcr.places import Image
from holystone.adapters.registries.gcr.replies import READER, api_error
from holystone.adapters.registries.listed import ListedNames
from holystone.adapters.registries.oci_replies import STRANGE
from holystone.engine.errors import HolystoneError, IncompleteSource, Unauthorized
from holystone.engine.model.references import Digest, InvalidName, Tag
from holystone.engine.scheduler import Lane

PAGE: Final = 1000
"""What the service allows at most."""
_LARGEST: Final = 16 * 1024 * 1024
"""Bytes of a page. A version with its metadata has about 1 KB."""
_PATIENCE: Final = 20.0
"""Seconds to wait for what is good to know and not needed."""
_FINAL: Final = (401, 403)


class _Metadata(msgspec.Struct):
    mediaType: str = ""


class _Version(msgspec.Struct):
    name: str
    createTime: str = ""
    metadata: _Metadata | None = None


class _Tag(msgspec.Struct):
    name: str
    version: str


class _Page(msgspec.Struct):
    nextPageToken: str = ""


class _Versions(_Page):
    versions: list[_Version] | None = None


class _Tags(_Page):
    tags: list[_Tag] | None = None


class _DockerConfig(msgspec.Struct):
    immutableTags: bool = False


class _Repository(msgspec.Struct):
    name: str
    dockerConfig: _DockerConfig | None = None


P = TypeVar("P", bound=_Page)


class ArtifactRegistry:
    def __init__(self, http: RegistryHttp, lane: Lane) -> None:
        self._http = http
        self._lane = lane
        self._immutable: dict[str, bool] = {}
        self._flights: SingleFlight[str, bool] = SingleFlight()

    def __repr__(self) -> str:
        return f"<ArtifactRegistry {self._http!r}>"

    async def has_immutable_tags(self, image: Image) -> bool:
        """Asked once a run. False also where it cannot be found out: then each deletion is refused by itself."""

        async def ask() -> bool:
            self._immutable[image.folder] = found = await self._ask_immutable(image)
            return found

        return await self._flights.run(image.folder, lambda: self._immutable.get(image.folder), ask)

    async def list(self, image: Image) -> Rows:
        """Every tag and manifest. Raises IncompleteSource where the API cannot be used, saying what to do."""
        listed = ListedNames()
        rows = Rows(listed.tags, odd=listed.odd)
        try:
            async for versions in self._pages(image, "versions?view=FULL&", _Versions):
                for version in versions.versions or ():
                    media_type = version.metadata.mediaType if version.metadata else ""
                    rows.manifests[Digest.parse(_last(version.name))] = Row(media_type, _unix(version.createTime))
            async for tags in self._pages(image, "tags?", _Tags):
                for tag in tags.tags or ():
                    name, digest = _last(tag.name), Digest.parse(_last(tag.version))
                    if rows.tags.get(Tag(name), digest) != digest:
                        raise IncompleteSource(f"{image.resource} names the tag {name} twice.", what_to_do="Run again.")
                    listed.add(name, digest)
        except (msgspec.MsgspecError, InvalidName, ValueError, RecursionError) as error:
            raise IncompleteSource(
                f"{image.resource} cannot be listed: the answer is not a page of it ({error}).", what_to_do=STRANGE
            ) from error
        return rows

    async def _pages(self, image: Image, what: str, page_type: type[P]) -> AsyncIterator[P]:
        guard = PageGuard(image.resource)
        first = f"/v1/{image.resource}/{what}pageSize={PAGE}"
        token = ""
        while not guard.pages or token:
            guard.admit(token)
            reply = await self.get(f"{first}&pageToken={quote(token, safe='')}" if token else first)
            if reply.status != 200:
                raise unusable(image.resource, image, reply)
            guard.take(reply.body.count(b"{"))
            page = msgspec.json.decode(reply.body, type=page_type)
            yield page
            token = page.nextPageToken

    async def _ask_immutable(self, image: Image) -> bool:
        # A firewall that lets only the registry through must not hold up the run.
        with anyio.move_on_after(_PATIENCE):
            try:
                reply = await self.get(f"/v1/{image.folder}")
                config = msgspec.json.decode(reply.body, type=_Repository).dockerConfig
            except (HolystoneError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                return False
            return reply.status == 200 and config is not None and config.immutableTags
        return False

    async def get(self, path: str) -> Reply:
        return await self._http.request("GET", path, lane=self._lane, limit=_LARGEST, final=_FINAL)


def _last(name: str) -> str:
    """The id at the end of a resource name."""
    return name.rpartition("/")[2]


def _unix(timestamp: str) -> int:
    """The Unix seconds of a time by RFC 3339, with up to nine digits of a second; 0 if it is empty. Raises
    ValueError."""
    return int(dt.datetime.fromisoformat(timestamp).timestamp()) if timestamp else 0


def unusable(resource: str, at: Image, reply: Reply) -> IncompleteSource:
    """What to say where the API does not list `resource`, which is somewhere in the project of `at`."""
    error = api_error(reply)
    what = f"{resource} cannot be listed by the Artifact Registry API: {error.shown(reply)}."
    if error.reason == "SERVICE_DISABLED":
        return IncompleteSource(
            what,
            what_to_do="Enable it (gcloud services enable artifactregistry.googleapis.com "
            f"--project={at.project}) and run again.",
        )
    if reply.status in _FINAL:
        return Unauthorized(what, what_to_do=f"Give the credential the role {READER} on {at.folder}.")
    return IncompleteSource(what, what_to_do=STRANGE)
