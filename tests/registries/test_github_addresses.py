"""Which API a GitHub registry belongs to, and the packages of docker.pkg.github.com."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

from holystone.adapters.credentials.credential import RegistryToken
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.http import transport
from holystone.adapters.registries.github import GithubDockerRegistry, GithubRegistry
from holystone.adapters.registries.github.addresses import api_url, graphql_base, is_hosted
from holystone.adapters.registries.github.sheet import READ_QUOTA, SHEET, WRITE_QUOTA
from holystone.cleanup.connections import Connections
from holystone.embedded.exchange import Incoming, Reply, json_reply
from holystone.engine.errors import IncompleteSource, UsageError
from holystone.engine.model.outcomes import Deleted
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.settings.values import Access
from tests.emulators.github import OWNER, GithubEmulator, Token
from tests.support import images

OLD_HOST = RegistryHost("docker.pkg.github.com")
OLD = Repository(OLD_HOST, RepositoryPath("acme/shop/app"))


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("ghcr.io", "https://api.github.com"),
        ("docker.pkg.github.com", "https://api.github.com"),
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
    with pytest.raises(UsageError, match="GITHUB_API_URL"):
        api_url(RegistryHost("registry.example.com"), None, {"GITHUB_API_URL": "ghes.example.com"})


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


def test_the_quotas_stay_below_nine_hundred_points_a_minute() -> None:
    for quota, points in ((READ_QUOTA, 1), (WRITE_QUOTA, 5)):
        assert (quota.burst + 60 * quota.rate) * points <= 900
    assert SHEET.can.quota == WRITE_QUOTA


@pytest.mark.parametrize(
    ("host", "kind", "limited"),
    [
        ("ghcr.io", GithubRegistry, True),
        ("docker.pkg.github.com", GithubRegistry, True),
        ("containers.octocorp.ghe.com", GithubRegistry, True),
        ("containers.ghes.example.com", GithubRegistry, False),
        ("docker.ghes.example.com", GithubDockerRegistry, False),
    ],
)
async def test_what_a_host_is_connected_with(tmp_path: Path, host: str, kind: type, limited: bool) -> None:
    async with connections(tmp_path, None) as connected:
        registry = await connected.registry(Repository(RegistryHost(host), OLD.path), "github")
        assert type(registry) is kind
        lanes = {lane.key.api: lane._allowance for lane in connected.scheduler.lanes}
        assert (lanes["api-write"]._quota == WRITE_QUOTA) is limited
        assert (lanes["api"]._quota == READ_QUOTA) is limited


def connections(folder: Path, api: str | None) -> Connections:
    access = Access({"github": RegistryToken(Secret(OWNER), "--repo-github-token")}, URL(api) if api else None)
    return Connections(folder, access={"images": access}, environ={})


class Migrated(GithubEmulator):
    """Shows images of docker.pkg.github.com under `package`, of `full_name`; `by_tag`: each tag is a version."""

    def __init__(self, package: str, full_name: str | None, *, by_tag: bool = False) -> None:
        super().__init__()
        self.package = package
        self.full_name = full_name
        self.by_tag = by_tag
        self.removed: list[int] = []

    def respond(self, request: Incoming, path: str, token: Token) -> Reply:
        base = f"/orgs/acme/packages/docker/{self.package}"
        if not path.startswith(base):
            return super().respond(request, path, token)
        rest = path.removeprefix(base)
        if request.method == "DELETE":
            self.removed.append(int(rest.rpartition("/")[2]))
            return Reply(204)
        return json_reply(self.about() if not rest else self.rows())

    def about(self) -> dict[str, Any]:
        return {"name": "app", "repository": {"full_name": self.full_name} if self.full_name else None}

    def rows(self) -> list[dict[str, Any]]:
        tags = self.storage.repositories[OLD.path].tags
        if self.by_tag:
            names = ["docker-base-layer", *sorted(tags)]
            metadata: list[Mapping[str, object]] = [{"docker": {"tag": [name]}} for name in names]
        else:
            names = sorted(set(tags.values()))
            metadata = [{"docker": {"tags": [t for t in sorted(tags) if tags[t] == name]}} for name in names]
        return [
            {"id": number, "name": name, "metadata": each}
            for number, (name, each) in enumerate(zip(names, metadata, strict=True), 1)
        ]


def put(github: GithubEmulator, *tags: str, text: str = "one") -> Digest:
    raw = images.image(images.config(text))
    github.storage.put_blob(OLD.path, images.config(text))
    for tag in tags:
        github.storage.put_manifest(OLD.path, raw.body, raw.media_type, tag)
    return raw.digest


@pytest.mark.parametrize("package", ["shop%2Fapp", "app"])
@pytest.mark.parametrize("by_tag", [False, True])
async def test_images_of_the_old_registry_are_found_by_either_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, by_tag: bool
) -> None:
    async with Migrated(package, "Acme/shop", by_tag=by_tag) as github, connections(tmp_path, github.url) as connected:
        monkeypatch.setitem(transport._API_HOSTS, OLD_HOST, github.host)
        one, two = put(github, "v1", "latest"), put(github, "v2", text="two")
        registry = await connected.registry(OLD)
        assert dict((await registry.list_tags(OLD)).tags) == {Tag("v1"): one, Tag("latest"): one, Tag("v2"): two}
        assert await registry.delete_manifests(OLD, [one]) == [Deleted()]
        expected = [2, 3] if by_tag else [sorted({one, two}).index(one) + 1]
        assert sorted(github.removed) == expected


@pytest.mark.parametrize("full_name", ["acme/other", None])
async def test_a_package_of_another_git_repository_is_not_touched(tmp_path: Path, full_name: str | None) -> None:
    async with Migrated("app", full_name) as github, connections(tmp_path, github.url) as connected:
        put(github, "v1")
        registry = await connected.registry(OLD)
        with pytest.raises(IncompleteSource, match="not known to be the one of"):
            await registry.list_tags(OLD)
        assert github.removed == []
