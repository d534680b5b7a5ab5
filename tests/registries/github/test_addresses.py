"""Which API a GitHub registry belongs to, and the one that is shut."""

from pathlib import Path

import pytest
from yarl import URL

from holystone.adapters.credentials.reference import AsGiven, TokenLogin
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.registries.connections import Connections
from holystone.adapters.registries.github.addresses import api_url, graphql_base, is_hosted
from holystone.adapters.registries.github.docker import GithubDockerSession
from holystone.adapters.registries.github.profile import READ_QUOTA, WRITE_QUOTA
from holystone.adapters.registries.github.registry import GithubSession
from holystone.adapters.registries.reach import Access
from holystone.engine.errors import UsageError
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath
from tests.emulators.github import OWNER

SHUT = RegistryHost("docker.pkg.github.com")
PATH = RepositoryPath("acme/shop/app")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("ghcr.io", "https://api.github.com"),
        ("containers.octocorp.ghe.com", "https://api.octocorp.ghe.com"),
        ("containers.github.example.com", "https://github.example.com/api/v3"),
        ("docker.github.example.com:8443", "https://github.example.com:8443/api/v3"),
        ("registry.example.com", "https://ghes.example.com/api/v3"),
    ],
)
def test_where_the_api_is(host: str, expected: str) -> None:
    environ = {"GITHUB_API_URL": "https://ghes.example.com/api/v3/"}
    assert str(api_url(RegistryHost(host), None, environ)) == expected
    given = URL("https://given.example.com/api/v3")
    assert api_url(RegistryHost(host), given, environ) == given


def test_an_api_that_nothing_tells() -> None:
    with pytest.raises(UsageError) as raised:
        api_url(RegistryHost("registry.example.com"), None, {})
    assert "--repo-api-url" in raised.value.what_to_do
    for named in ("ghes.example.com", "//[::1]x@", "https://me:secret@ghes.example.com"):
        with pytest.raises(UsageError, match="GITHUB_API_URL is not"):
            api_url(RegistryHost("registry.example.com"), None, {"GITHUB_API_URL": named})


@pytest.mark.parametrize("api", [None, "https://api.github.com"])
async def test_the_host_that_github_has_shut_is_refused_with_what_took_its_place(
    tmp_path: Path, api: str | None
) -> None:
    async with connections(tmp_path, api) as connected:
        with pytest.raises(UsageError, match="2025-02-24") as raised:
            await connected.session(Repository(SHUT, PATH), "github")
        assert "ghcr.io/OWNER/PACKAGE" in raised.value.what_to_do


@pytest.mark.parametrize(
    ("api", "beside", "hosted"),
    [
        ("https://api.github.com", "https://api.github.com", True),
        ("https://api.octocorp.ghe.com", "https://api.octocorp.ghe.com", True),
        ("https://ghes.example.com/api/v3", "https://ghes.example.com/api", False),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000", False),
        ("https://api.github.com.example.com", "https://api.github.com.example.com", False),
    ],
)
def test_where_graphql_is_and_who_limits(api: str, beside: str, hosted: bool) -> None:
    assert str(graphql_base(URL(api))) == beside
    assert is_hosted(URL(api)) is hosted


@pytest.mark.parametrize(
    ("host", "kind", "limited"),
    [
        ("ghcr.io", GithubSession, True),
        ("containers.octocorp.ghe.com", GithubSession, True),
        ("containers.ghes.example.com", GithubSession, False),
        ("docker.ghes.example.com", GithubDockerSession, False),
    ],
)
async def test_what_a_host_is_connected_with(tmp_path: Path, host: str, kind: type, limited: bool) -> None:
    async with connections(tmp_path, None) as connected:
        session = await connected.session(Repository(RegistryHost(host), PATH), "github")
        assert type(session) is kind
        lanes = {lane.key.api: lane.declared for lane in connected.scheduler.lanes}
        assert (lanes["api-write"] == WRITE_QUOTA) is limited
        assert (lanes["api"] == READ_QUOTA) is limited


def connections(folder: Path, api: str | None) -> Connections:
    access = Access({"github": TokenLogin(AsGiven(Secret(OWNER), "--repo-github-token"))}, URL(api) if api else None)
    return Connections(folder, access={"images": access}, environ={})
