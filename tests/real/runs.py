"""A whole project on a real server, cleaned by the command line, and what is to be said of the end."""

import base64
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import msgspec

from holystone.demo.composer import Composer
from holystone.demo.project import build
from holystone.demo.published import PublishedProject
from holystone.engine.model.references import Digest, RepositoryPath, Tag
from tests.contract.stands import real_stand
from tests.real.processes import Running
from tests.real.servers import Server
from tests.support.expected_survivors import Survivors, expected_survivors
from tests.support.holystone_process import Ended, Holystone
from tests.support.http import client
from tests.support.registry_state import Reader, reader, repositories_of
from tests.support.scenario_projects import tell_middling


@dataclass(frozen=True, slots=True)
class Scene:
    server: Server
    running: Running
    project: PublishedProject
    tags: Mapping[RepositoryPath, Mapping[Tag, Digest]]
    """Before anything was done."""
    read: Reader
    cli: Holystone

    @property
    def expected(self) -> Survivors:
        return expected_survivors(self.project, self.tags, self.project.now)

    async def can_be_undone(self, folder: Path) -> bool:
        """As the registry's adapter says before anything is deleted."""
        async with real_stand(self.server, self.running, folder, self.project.stages_storage) as served:
            return (await served.session.probe()).undo.possible

    async def manifests(self) -> Mapping[RepositoryPath, frozenset[Digest]]:
        """Those that are there, of all that were pushed."""
        expected = self.expected
        return await self.read.there(
            {each: expected.manifests[each] | expected.doomed_manifests.get(each, frozenset()) for each in self.tags}
        )

    async def assert_cleaned(self, document: Any, *, moved: Mapping[Tag, Digest] | None = None) -> None:
        """What was to stay is whole; what was to go is gone, or has a reason in the plan."""
        expected = self.expected
        now = await self.read.tags(self.tags)
        reasons = {
            (each["repository"]["path"], kept["tag"]): kept["reasons"]
            for each in document["plan"]["repositories"]
            for kept in each["kept"]
        }
        for path, tags in expected.tags.items():
            left = (now[path].keys() - tags.keys()) - (moved or {}).keys()
            assert not [tag for tag in left if not reasons.get((path, tag))], f"left in {path}"
        await self.assert_whole()

    async def assert_whole(self) -> None:
        """All that was to stay."""
        expected = self.expected
        now = await self.read.tags(self.tags)
        for path, tags in expected.tags.items():
            lost = {tag: digest for tag, digest in tags.items() if now[path].get(tag) != digest}
            assert not lost, f"lost of {path}"
        assert await self.read.there(expected.manifests) == expected.manifests, "lost"

    async def assert_as_before(self, manifests: Mapping[RepositoryPath, frozenset[Digest]]) -> None:
        assert await self.read.tags(self.tags) == self.tags
        assert await self.manifests() == manifests

    async def assert_pulled(self) -> None:
        """All that the kept tags need, down to the layers."""
        expected = self.expected
        for path, digests in expected.manifests.items():
            for digest in digests:
                got = await self.read.send("GET", f"/v2/{path}/manifests/{digest}")
                assert got.status == 200, (path, digest, got.status)
                body = msgspec.json.decode(got.body)
                for part in [body[each] for each in ("config",) if each in body] + body.get("layers", []):
                    blob = await self.read.send("GET", f"/v2/{path}/blobs/{part['digest']}")
                    assert blob.status in (200, 307), (path, digest, part, blob.status)


@asynccontextmanager
async def scene(server: Server, running: Running, folder: Path, now: int) -> AsyncIterator[Scene]:
    host = urlsplit(running.url).netloc
    place = f"{running.account}/p{uuid4().hex[:8]}"
    composer = Composer(
        "shop",
        folder / "clone",
        host=host,
        now=now,
        mode="monorepo",
        images_repo=f"{place}-app",
        stages_storage=f"{place}-stages",
    )
    takes = server.takes

    def tell(story: Any, to: Composer) -> None:
        tell_middling(story, to, nested=takes.nested, signed=takes.subjects == "any")

    token = await _token(running, f"{place}-app", f"{place}-stages")
    project = await build(composer, running.url, tell, credentials=running.login, token=token)
    async with reader(running.url, running.login, token) as read:
        tags = await read.tags(repositories_of(project))
        yield Scene(
            server, running, project, tags, read, Holystone(folder, host, project, running.login, running.environ)
        )


async def _token(running: Running, *repositories: str) -> str:
    """Empty where a password is enough: only some take nothing but a token."""
    if not running.login:
        return ""
    auth = {"Authorization": f"Basic {base64.b64encode(':'.join(running.login).encode()).decode()}"}
    async with client(running.url) as http:
        if (await http.send("GET", "/v2/", headers=auth)).status == 200:
            return ""
        asked = await http.send("GET", "/v2/")
        said = dict(re.findall(r'(\w+)="([^"]*)"', asked.headers.get("WWW-Authenticate", "")))
        scopes = "".join(f"&scope=repository:{each}:pull,push" for each in repositories)
        given = await http.send("GET", f"{said['realm']}?service={said['service']}{scopes}", headers=auth)
        return str(given.json["token"])


def run_of(ended: Ended) -> str:
    return str(ended.document["run"])
