"""A cloud's own credentials are not shown to a registry that only an option says is the cloud's."""

from pathlib import Path

import pytest

from holystone.cleanup.connections import Connections
from holystone.embedded.server import EmbeddedRegistry
from holystone.engine.errors import HolystoneError
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath

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
                await connections.registry(repository, implementation)
        assert stranger.requests == []
        assert "--repo-api-url" in raised.value.what_to_do
        assert "never-shown" not in str(raised.value)
