"""Plain registries: the list of repositories, what it shows, takes and refuses."""

from pathlib import Path

import pytest

from holystone.adapters.registries.granted import may_list_all
from holystone.embedded.faults import Answer, Fault
from holystone.engine.errors import Unauthorized, Unseen
from tests.emulators.default import DefaultEmulator, OtherEmulator
from tests.support.catalogs import listed, push, registry_of


async def test_a_user_who_may_not_list_the_registry_is_told_what_it_takes(tmp_path: Path) -> None:
    async with DefaultEmulator() as served:
        push(served, served.path)
        async with registry_of(tmp_path, served, served.weak_login()) as registry:
            with pytest.raises(Unauthorized) as raised:
                await listed(registry)
            assert "registry:catalog:*" in raised.value.what_to_do


async def test_an_empty_registry_is_believed_only_of_a_token_that_opens_all_of_it(tmp_path: Path) -> None:
    async with OtherEmulator() as served, registry_of(tmp_path, served) as registry:
        with pytest.raises(Unseen, match="shows this credential none"):
            await listed(registry)


@pytest.mark.parametrize(
    ("access", "opens"),
    [
        ([{"type": "registry", "name": "catalog", "actions": ["*"]}], True),
        ([{"Type": "registry", "Name": "catalog", "Actions": ["*"]}], True),
        ([{"type": "registry", "name": "catalog", "actions": []}], False),
        ([{"type": "repository", "name": "catalog", "actions": ["*"]}], False),
        ([], False),
        ("*", False),
        (None, False),
    ],
)
def test_which_token_opens_the_whole_catalog(access: object, opens: bool) -> None:
    assert may_list_all({"access": access}) is opens


async def test_a_registry_that_refuses_numbers_is_asked_without_one(tmp_path: Path) -> None:
    async with OtherEmulator() as served:
        push(served, served.path)
        served.faults.add(Fault("GET", r"/_catalog\?n=", Answer(400, b"{}"), times=None))
        async with registry_of(tmp_path, served) as registry:
            assert await listed(registry) == [served.path]


async def test_a_repository_whose_tags_are_all_gone_is_listed(tmp_path: Path) -> None:
    async with OtherEmulator() as served:
        push(served, served.path)
        served.storage.delete_tag(served.path, "v1")
        async with registry_of(tmp_path, served) as registry:
            assert await listed(registry) == [served.path]
