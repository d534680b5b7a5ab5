"""What a registry holds, read by a plain client that shares nothing with Holystone's own adapters."""

import base64
import hashlib
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from holystone.demo.published import PublishedProject
from holystone.engine.model.references import Digest, RepositoryPath, Tag
from tests.support.expected_survivors import Survivors
from tests.support.http import ALL_TYPES, Client, Got, client

_AT_ONCE = 16


class Reader:
    def __init__(self, http: Client, credentials: tuple[str, str] | None = None, token: str = "") -> None:
        self._http = http
        self._headers = {"Accept": ALL_TYPES}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        elif credentials:
            self._headers["Authorization"] = f"Basic {base64.b64encode(':'.join(credentials).encode()).decode()}"
        self._slots = anyio.Semaphore(_AT_ONCE)

    async def send(self, method: str, path: str, body: bytes | None = None, media_type: str = "") -> Got:
        content = {"Content-Type": media_type} if media_type else {}
        async with self._slots:
            return await self._http.send(method, path, body=body, headers={**self._headers, **content})

    async def resolve(self, repository: str, reference: str) -> str | None:
        """distribution 2.8 writes a tag's link in place, and for a moment answers 500 to whoever asks for it."""
        for pause in (0.01, 0.05, 0.25, 1.0, None):
            got = await self.send("HEAD", f"/v2/{repository}/manifests/{reference}")
            if got.status != 500 or pause is None:
                break
            await anyio.sleep(pause)
        assert got.status in (200, 404), got
        return got.headers["Docker-Content-Digest"] if got.status == 200 else None

    async def has(self, repository: str, digest: str) -> bool:
        """Whether the whole manifest can be read."""
        got = await self.send("GET", f"/v2/{repository}/manifests/{digest}")
        assert got.status in (200, 404), got
        assert got.status == 404 or f"sha256:{hashlib.sha256(got.body).hexdigest()}" == digest
        return got.status == 200

    async def move(self, repository: str, tag: str, digest: str) -> None:
        """Puts a tag, old or new, on a manifest that is there."""
        manifest = await self.send("GET", f"/v2/{repository}/manifests/{digest}")
        assert manifest.status == 200
        path = f"/v2/{repository}/manifests/{tag}"
        pushed = await self.send("PUT", path, manifest.body, manifest.headers["Content-Type"])
        assert pushed.status == 201

    async def tags(self, repositories: Iterable[RepositoryPath]) -> dict[RepositoryPath, dict[Tag, Digest]]:
        found: dict[RepositoryPath, dict[Tag, Digest]] = {}

        async def one(repository: RepositoryPath) -> None:
            names = await self._names(repository)
            tags = found[repository] = {}

            async def look(name: str) -> None:
                digest = await self.resolve(repository, name)
                assert digest is not None, f"{repository}:{name} is listed and not there"
                tags[Tag(name)] = Digest(digest)

            async with anyio.create_task_group() as group:
                for name in names:
                    group.start_soon(look, name)

        async with anyio.create_task_group() as group:
            for repository in repositories:
                group.start_soon(one, repository)
        return found

    async def there(
        self, manifests: Mapping[RepositoryPath, Collection[Digest]]
    ) -> dict[RepositoryPath, frozenset[Digest]]:
        """Those of the manifests that can be read by digest."""
        found: dict[RepositoryPath, set[Digest]] = {repository: set() for repository in manifests}

        async def look(repository: RepositoryPath, digest: Digest) -> None:
            if await self.has(repository, digest):
                found[repository].add(digest)

        async with anyio.create_task_group() as group:
            for repository, digests in manifests.items():
                for digest in digests:
                    group.start_soon(look, repository, digest)
        return {repository: frozenset(digests) for repository, digests in found.items()}

    async def _names(self, repository: str) -> list[str]:
        names: list[str] = []
        path = f"/v2/{repository}/tags/list?n=1000"
        while path:
            got = await self.send("GET", path)
            assert got.status == 200, got
            names += got.json["tags"] or []
            link = got.headers.get("Link", "")
            path = link[1 : link.index(">")] if link else ""
        assert len(names) == len(set(names))
        return names


@asynccontextmanager
async def reader(url: str, credentials: tuple[str, str] | None = None, token: str = "") -> AsyncIterator[Reader]:
    async with client(url) as http:
        yield Reader(http, credentials, token)


def repositories_of(project: PublishedProject) -> frozenset[RepositoryPath]:
    return frozenset(
        {
            project.stages_storage,
            *(tag.repository for tag in project.tags),
            *(each.repository for each in project.extras),
        }
    )


def revisions(storage: Path, repository: str) -> frozenset[Digest]:
    """Every manifest that a distribution on a file system has in a repository, which its API cannot list."""
    links = (storage / "docker/registry/v2/repositories" / repository / "_manifests/revisions").glob("*/*/link")
    return frozenset(Digest(link.read_text()) for link in links)


async def assert_exactly(read: Reader, expected: Survivors) -> None:
    """Tag by tag and manifest by manifest."""
    assert await read.tags(expected.tags) == expected.tags
    assert await read.there(expected.manifests) == expected.manifests
    assert await read.there(expected.doomed_manifests) == {each: frozenset() for each in expected.doomed_manifests}
