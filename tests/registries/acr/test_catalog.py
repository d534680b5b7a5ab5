"""Azure: the list of repositories, what it shows, takes and refuses."""

from pathlib import Path

import pytest

from holystone.embedded.faults import Answer, Fault
from holystone.engine.errors import Unauthorized
from tests.emulators.acr import AcrEmulator
from tests.support.catalogs import listed, push, registry_of


async def test_acr_says_which_role_lists(tmp_path: Path) -> None:
    async with AcrEmulator() as served:
        push(served, served.path)
        path = r"/oauth2/token\?.*registry"
        served.faults.add(Fault("GET|POST", path, Answer(401, b'{"errors":[{"code":"UNAUTHORIZED"}]}'), times=None))
        served.faults.add(Fault("GET", r"/_catalog", Answer(401, b'{"errors":[{"code":"UNAUTHORIZED"}]}'), times=None))
        async with registry_of(tmp_path, served) as registry:
            with pytest.raises(Unauthorized) as raised:
                await listed(registry)
            assert "Container Registry Repository Catalog Lister" in str(raised.value)


async def test_acr_s_empty_registry_is_empty(tmp_path: Path) -> None:
    async with AcrEmulator() as served, registry_of(tmp_path, served) as registry:
        assert await listed(registry) == []
