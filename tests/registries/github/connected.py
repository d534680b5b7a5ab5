"""GitHub as a run is connected with it, on its emulator, and short ways to fill and to ask that."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from holystone.adapters.credentials.reference import AsGiven, TokenLogin
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.http.reply import Reply as HttpReply
from holystone.adapters.registries.connections import Connections
from holystone.adapters.registries.github.registry import GithubSession
from holystone.adapters.registries.reach import Access
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath
from holystone.engine.scheduler import Limits
from tests.emulators.github import OWNER, GithubEmulator
from tests.support import images

PATH = "acme/app"
ABSENT = Digest("sha256:" + "0" * 64)
VERSIONS = "/orgs/acme/packages/container/app/versions"


class Wall:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def connected(
    folder: Path,
    github: GithubEmulator,
    token: str | None = OWNER,
    *,
    docker: str | None = None,
    config: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    path: str = PATH,
    limits: Limits | None = None,
) -> AsyncIterator[GithubSession]:
    """`token`: of the option; `docker`: the password in Docker's configuration."""
    auths = {github.host: {"username": "anyone", "password": docker}} if docker else {}
    (folder / "config.json").write_text(json.dumps(config or {"auths": auths}))
    logins = {"github": TokenLogin(AsGiven(Secret(token), "--repo-github-token"))} if token else {}
    access = Access(logins, URL(github.url))
    repository = Repository(RegistryHost.parse(github.host), RepositoryPath(path))
    limits = limits or Limits(attempts=3, host_patience=0.2)
    connections = Connections(folder, access={"images": access}, environ=environ or {}, limits=limits)
    async with connections:
        session = await connections.session(repository, "github")
        assert isinstance(session, GithubSession)
        yield session


def put(github: GithubEmulator, *tags: str, text: str = "one", subject: RawManifest | None = None) -> RawManifest:
    config = images.config(text)
    manifest = images.image(config, subject=subject)
    github.storage.put_blob(PATH, config)
    for tag in tags or (None,):
        github.storage.put_manifest(PATH, manifest.body, manifest.media_type, tag)
    return manifest


def tags_of(github: GithubEmulator) -> set[str]:
    return set(github.storage.repositories[PATH].tags)


def deletions(github: GithubEmulator) -> int:
    return sum(method == "DELETE" for method, *_ in github.api_requests)


def reply(status: int, body: bytes = b"", **headers: str) -> HttpReply:
    named = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    url = URL("https://api.github.com/users/acme")
    return HttpReply(status, CIMultiDictProxy(named), body, url, url)
