"""Amazon ECR: the list of repositories, what it shows, takes and refuses."""

from pathlib import Path

import pytest

from holystone.engine.errors import Unauthorized
from tests.emulators.ecr import EcrEmulator
from tests.support.catalogs import listed, push, registry_of


async def test_ecr_names_the_right_that_lists(tmp_path: Path) -> None:
    async with EcrEmulator(denied=frozenset({"DescribeRepositories"})) as served:
        push(served, served.path)
        async with registry_of(tmp_path, served) as registry:
            with pytest.raises(Unauthorized, match="lacks ecr:DescribeRepositories"):
                await listed(registry)


async def test_ecr_is_asked_for_the_account_of_the_address_a_thousand_at_once(tmp_path: Path) -> None:
    async with EcrEmulator() as served:
        push(served, *(f"team/app{number}" for number in range(1001)))
        async with registry_of(tmp_path, served) as registry:
            assert len(await listed(registry, "team")) == 1001
            assert await listed(registry, "nobody") == []
        asked = [fields for operation, fields in served.calls if operation == "DescribeRepositories"]
        assert [fields["maxResults"] for fields in asked] == [1000] * 4
        assert {fields.get("registryId") for fields in asked} <= {served.account, None}
