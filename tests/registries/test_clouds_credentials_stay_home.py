"""A cloud's own credentials are not shown to a registry that only an option says is the cloud's."""

import json
from contextlib import suppress
from pathlib import Path

import pytest

from holystone.adapters.registries.connections import Connections
from holystone.embedded.access import Basic
from holystone.embedded.server import EmbeddedRegistry
from holystone.engine.errors import HolystoneError
from holystone.engine.model.plan import DetectedBy
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath, Tag

AWS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "never-shown", "AWS_REGION": "eu-central-1"}
AZURE = {"AZURE_CLIENT_ID": "someone", "AZURE_TENANT_ID": "somewhere", "AZURE_CLIENT_SECRET": "never-shown"}


@pytest.mark.parametrize(("implementation", "environ"), [("ecr", AWS), ("acr", AZURE)])
async def test_nothing_is_sent_to_a_strange_host(
    implementation: str, environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    async with EmbeddedRegistry() as stranger:
        repository = Repository(RegistryHost.parse(stranger.host), RepositoryPath("team/app"))
        async with Connections(tmp_path, environ=environ) as connections:
            with pytest.raises(HolystoneError, match="credentials are not used for it") as raised:
                await connections.session(repository, implementation)
        assert stranger.requests == []
        assert "--repo-api-url" in raised.value.what_to_do
        assert "never-shown" not in str(raised.value)


@pytest.mark.parametrize("detected_by", ["file", "registry"])
async def test_a_name_that_begins_as_amazons_is_not_enough(
    detected_by: DetectedBy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in AWS.items():
        monkeypatch.setenv(name, value)
    stranger = RegistryHost.parse("111122223333.dkr.ecr.eu-central-1.evil.example")
    async with Connections(tmp_path, environ=AWS) as connections:
        with pytest.raises(HolystoneError, match=r"says that 1111.*evil\.example is Amazon ECR"):
            await connections.session(Repository(stranger, RepositoryPath("a")), "ecr", detected_by=detected_by)


async def test_a_workflows_token_is_not_sent_where_only_a_file_says_that_it_is_githubs(tmp_path: Path) -> None:
    async with EmbeddedRegistry(auth=Basic({})) as stranger:
        repository = Repository(RegistryHost.parse(stranger.host), RepositoryPath("team/app"))
        environ = {"GITHUB_TOKEN": "never-shown", "GITHUB_API_URL": "https://api.github.com"}
        async with Connections(tmp_path, environ=environ) as connections:
            with suppress(HolystoneError):
                session = await connections.session(repository, "github", detected_by="registry")
                await session.resolve(Tag("v1"))
        assert not any(each.authorization for each in stranger.requests)


@pytest.mark.parametrize("detected_by", ["file", "registry"])
@pytest.mark.parametrize("kind", ["docker", "containers"])
async def test_what_docker_has_for_a_host_is_not_shown_to_the_one_above_it(
    kind: str, detected_by: DetectedBy, tmp_path: Path
) -> None:
    """GitHub's API is there, and only a file says that it is GitHub's."""
    host = f"{kind}.example.com"
    (tmp_path / "config.json").write_text(json.dumps({"auths": {host: {"username": "a", "password": "never-shown"}}}))
    repository = Repository(RegistryHost(host), RepositoryPath("team/app/web"))
    async with Connections(tmp_path) as connections:
        with pytest.raises(HolystoneError, match=rf"journal says that {host} is GitHub's.* example\.com ") as raised:
            await connections.session(repository, "github", detected_by=detected_by)
        assert "--repo-implementation github" in raised.value.what_to_do
        assert await connections.session(repository, "github")
