"""ECR's adapter with moto, somebody else's ECR: one story told to it and to our emulator has to end the same.

moto is no model where it is known to differ (getmoto/moto 5.2, moto/ecr/{models,responses}.py), and the story keeps
away from it: a digest is made of the layers' digests alone, so that an index has none to rely on and no manifest fits
its own; pages are not made (`maxResults`, `nextToken`), the filter of DescribeImages and the limit of 100 ids are not
looked at, the reply to BatchDeleteImage does not name an untagged image that it took, ImageReferencedByManifestList
never comes, every push is of now, and there is neither IAM nor /v2.
"""

import json
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias

import aiohttp
import pytest

from holystone.adapters.registries.connections import Connections
from holystone.adapters.registries.ecr.registry import EcrSession
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.ports import RepositorySession
from holystone.settings.access import resolve_access
from holystone.settings.given import Given
from tests.emulators.ecr import CLEANER, REGION, TARGET, EcrEmulator
from tests.support import images

PATH: Final = "team/app"
LOGIN: Final = {"AWS_ACCESS_KEY_ID": CLEANER.id, "AWS_SECRET_ACCESS_KEY": CLEANER.secret, "AWS_REGION": REGION}
MOTOS_HOST: Final = f"123456789012.dkr.ecr.{REGION}.amazonaws.com"
UNSIGNED: Final = f"AWS4-HMAC-SHA256 Credential=somebody/20260101/{REGION}/ecr/aws4_request"
"""moto looks only at what is asked of whom."""
PUSHED: Final[Mapping[str, tuple[str | None, ...]]] = {
    "single": ("v1",),
    "double": ("v2", "v3"),
    "doomed": ("v4", "v5"),
    "kept": ("v6",),
    "loose": (None,),
}
ABSENT: Final = Digest("sha256:" + "0" * 64)


def layered(text: str) -> tuple[RawManifest, tuple[bytes, bytes]]:
    """With its blobs."""
    config, layer = images.config(text), f"layer of {text}".encode()
    document = json.loads(images.image(config).body)
    media_type = "application/vnd.docker.image.rootfs.diff.tar.gzip"
    document["layers"] = [{"mediaType": media_type, "size": len(layer), "digest": Digest.of(layer)}]
    body = json.dumps(document).encode()
    return RawManifest(Digest.of(body), document["mediaType"], body), (config, layer)


class Telling:
    """One server, where images are known by what they are called in the story: digests differ."""

    def __init__(self, session: RepositorySession, repository: Repository, digests: Mapping[str, Digest]) -> None:
        self.session = session
        self.repository = repository
        self.digests = digests
        self._names = {digest: name for name, digest in digests.items()}

    async def there(self) -> dict[str, str]:
        """Tags with the image that they are on, and images without a tag."""
        listing = await self.session.list_tags()
        assert listing.exists
        tagged = {str(tag): self._names[digest] for tag, digest in listing.tags.items() if digest}
        return tagged | {self._names[each]: "no tag" for each in listing.untagged}

    async def resolved(self, tag: str) -> str | None:
        found = await self.session.resolve(Tag(tag))
        return found and self._names[found]


async def list_all(told: Telling) -> object:
    return await told.there()


async def look_up(told: Telling) -> object:
    return [await told.resolved(tag) for tag in ("v1", "v3", "absent")]


async def repository_that_is_not_there(told: Telling) -> object:
    elsewhere = Repository(told.repository.host, RepositoryPath("team/none"))
    assert isinstance(told.session, EcrSession)
    listing = await told.session.registry.open(elsewhere).list_tags()
    return listing.exists, dict(listing.tags)


async def what_may_be_done(told: Telling) -> object:
    can = await told.session.probe()
    return not can.forbidden, can.tags, can.digests


async def one_tag_of_two(told: Telling) -> object:
    return await told.session.delete_tags([Tag("v2")]), await told.there()


async def the_last_tag(told: Telling) -> object:
    return await told.session.delete_tags([Tag("v1")]), await told.there()


async def tags_of_which_one_is_absent(told: Telling) -> object:
    tags = [Tag("v1"), Tag("absent"), Tag("v6")]
    return await told.session.delete_tags(tags), await told.there()


async def a_digest_with_all_its_tags(told: Telling) -> object:
    return await told.session.delete_manifests([told.digests["doomed"]]), await told.there()


async def an_untagged_digest(told: Telling) -> object:
    """Only what is left of it: the outcome is as the reply tells it, see above."""
    await told.session.delete_manifests([told.digests["loose"]])
    return await told.there()


async def an_absent_digest(told: Telling) -> object:
    return await told.session.delete_manifests([ABSENT]), await told.there()


async def the_same_twice(told: Telling) -> object:
    once = await told.session.delete_tags([Tag("v4")])
    return once, await told.session.delete_tags([Tag("v4")]), await told.there()


Chapter: TypeAlias = Callable[[Telling], Coroutine[Any, Any, object]]
CHAPTERS: Final[tuple[Chapter, ...]] = (
    list_all,
    look_up,
    repository_that_is_not_there,
    what_may_be_done,
    one_tag_of_two,
    the_last_tag,
    tags_of_which_one_is_absent,
    a_digest_with_all_its_tags,
    an_untagged_digest,
    an_absent_digest,
    the_same_twice,
)


@pytest.fixture(scope="module")
def moto_url() -> Iterator[str]:
    from moto.server import ThreadedMotoServer  # loading it takes a second: not for all who collect tests

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(autouse=True)
def _own_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name, value in LOGIN.items():
        monkeypatch.setenv(name, value)


@asynccontextmanager
async def connected(folder: Path, host: str, api: str, path: str) -> AsyncIterator[RepositorySession]:
    environ = {**LOGIN, "HOLYSTONE_REPO_API_URL": api, "HOME": str(folder)}
    repository = Repository(RegistryHost.parse(host), RepositoryPath(path))
    async with Connections(folder, access=resolve_access(Given({}, environ)), environ=environ) as connections:
        yield await connections.session(repository, "ecr")


@asynccontextmanager
async def at_motos(folder: Path, url: str, path: str) -> AsyncIterator[Telling]:
    digests: dict[str, Digest] = {}
    async with aiohttp.ClientSession() as session:

        async def call(operation: str, **fields: str | None) -> Any:
            asked = {name: value for name, value in fields.items() if value is not None}
            headers = {
                "X-Amz-Target": f"{TARGET}{operation}",
                "Authorization": UNSIGNED,
                "Content-Type": "application/x-amz-json-1.1",
            }
            async with session.post(url, data=json.dumps(asked), headers=headers) as reply:
                assert reply.status == 200, await reply.text()
                return await reply.json(content_type=None)

        await call("CreateRepository", repositoryName=path)
        for name, tags in PUSHED.items():
            raw, _ = layered(name)
            manifest, media_type = raw.body.decode(), raw.media_type
            for tag in tags:
                pushed = await call(
                    "PutImage",
                    repositoryName=path,
                    imageManifest=manifest,
                    imageManifestMediaType=media_type,
                    imageTag=tag,
                )
                digests[name] = Digest(pushed["image"]["imageId"]["imageDigest"])
    async with connected(folder, MOTOS_HOST, url, path) as opened:
        yield Telling(opened, opened.repository, digests)


@asynccontextmanager
async def at_ours(folder: Path) -> AsyncIterator[Telling]:
    digests: dict[str, Digest] = {}
    async with EcrEmulator() as ours:
        for name, tags in PUSHED.items():
            raw, blobs = layered(name)
            for blob in blobs:
                ours.storage.put_blob(PATH, blob)
            for tag in tags:
                ours.storage.put_manifest(PATH, raw.body, raw.media_type, tag)
            digests[name] = raw.digest
        async with connected(folder, ours.host, ours.url, PATH) as session:
            yield Telling(session, session.repository, digests)


@pytest.mark.slow
@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.__name__)
async def test_moto_and_our_emulator_agree(chapter: Chapter, moto_url: str, tmp_path: Path) -> None:
    async with at_motos(tmp_path, moto_url, f"{PATH}-{chapter.__name__.replace('_', '-')}") as moto:
        theirs = await chapter(moto)
    async with at_ours(tmp_path) as emulator:
        ours = await chapter(emulator)
    assert ours == theirs
