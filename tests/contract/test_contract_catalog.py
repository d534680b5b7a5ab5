"""What every adapter promises about the list of repositories."""

import importlib
from collections.abc import AsyncIterator, Collection
from contextlib import suppress
from pathlib import Path

import pytest

from holystone.engine.errors import HolystoneError, IncompleteSource, Unauthorized, Unseen
from holystone.engine.model.references import RepositoryPath
from tests.contract.stands import Stand, stand
from tests.emulators.quay import QuayEmulator
from tests.support.catalogs import listed

pytestmark = pytest.mark.everywhere


@pytest.fixture
async def served(registry_name: str, tmp_path: Path) -> AsyncIterator[Stand]:
    async with stand(registry_name, tmp_path, login="catalog_login") as made:
        yield made


async def filled(served: Stand, names: Collection[str]) -> str:
    """Repositories beside the stand's own. What stands before their names."""
    account = served.path.rpartition("/")[0]
    for name in names:
        await served.elsewhere(f"{account}/{name}")
    return account


def small_pages(monkeypatch: pytest.MonkeyPatch, served: Stand, size: int) -> None:
    if isinstance(served.emulator, QuayEmulator):
        served.emulator.repositories_a_page = size  # its own affair
        return
    # GitLab without a token for its API is asked as a distribution is.
    for name in {served.identity.implementation, "default"}:
        catalog = importlib.import_module(f"holystone.adapters.registries.{name}.catalog")
        monkeypatch.setattr(catalog, "PAGE_SIZE", size)


@pytest.mark.parametrize("size", [2, 3, 7])
async def test_the_catalog_has_each_repository_once(served: Stand, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    small_pages(monkeypatch, served, size)
    await served.image("one", "v1")
    account = await filled(served, names := ["api", "app-two", "apping", "front", "tools", "zoo"])
    expected = sorted([served.path, *(f"{account}/{name}" for name in names)])
    if served.name == "ggcr":  # gives out `n` names and none after them
        with pytest.raises(IncompleteSource):
            await listed(served.all, account)
        return
    assert sorted(await listed(served.all, account)) == expected


async def test_a_prefix_is_whole_parts_of_the_name(served: Stand) -> None:
    await served.image("one", "v1")
    account = await filled(served, ["app-two", "apping"])
    await served.elsewhere(f"{account}s/app")
    assert await listed(served.all, served.path) == [served.path]
    assert sorted(await listed(served.all, account)) == [served.path, f"{account}/app-two", f"{account}/apping"]


async def test_what_nobody_pushed_is_not_listed_as_something(served: Stand) -> None:
    await served.image("one", "v1")
    account = served.path.rpartition("/")[0]
    with suppress(Unseen):
        assert await listed(served.all, f"{account}/nobody-pushed-this") == []


async def test_throttling_is_waited_out(served: Stand) -> None:
    if served.emulator is None:
        pytest.skip("it throttles nobody")
    await served.image("one", "v1")
    account = served.path.rpartition("/")[0]
    await listed(served.all, account)
    served.emulator.throttle(2)
    assert await listed(served.all, account) == [served.path]
    assert served.emulator.throttled == 0


async def test_a_wrong_password_sees_no_empty_catalog(registry_name: str, tmp_path: Path) -> None:
    try:
        async with stand(registry_name, tmp_path, login="bad_login") as served:
            if served.emulator is None:
                pytest.skip("anybody may do everything")
            await served.image("one", "v1")
            with pytest.raises(Unauthorized):
                await listed(served.all, served.path.rpartition("/")[0])
    except NotImplementedError:
        pytest.skip("anybody may do everything")


async def test_a_registry_that_is_gone_has_no_empty_catalog(served: Stand) -> None:
    if served.emulator is None:
        pytest.skip("shown by the default adapter's own tests")
    await served.image("one", "v1")
    await served.emulator.__aexit__(None, None, None)
    with pytest.raises(HolystoneError):
        await listed(served.all, RepositoryPath(served.path.rpartition("/")[0]))
