"""What every adapter promises about the list of repositories."""

import importlib
from contextlib import suppress
from pathlib import Path

import pytest

from holystone.engine.errors import HolystoneError, IncompleteSource, Unauthorized, Unseen
from holystone.engine.model.references import RepositoryPath
from tests.contract.stands import EMULATORS, Stand, stand
from tests.emulators.quay import QuayEmulator
from tests.support.catalogs import listed

pytestmark = [pytest.mark.everywhere, pytest.mark.login("catalog_login")]


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
    expected = {served.path, *(f"{served.path}{end}" for end in ("-1", "-2", "-three", "ing", "ly", "0"))}
    for path in sorted(expected - {served.path}):
        await served.elsewhere(path)
    account = served.path.rpartition("/")[0]
    if served.name == "ggcr":  # gives out `n` names and none after them
        with pytest.raises(IncompleteSource):
            await listed(served.all, account)
        return
    found = await listed(served.all, account)
    assert len(found) == len(set(found))
    assert set(found) == expected if served.emulator else set(found) >= expected


async def test_a_prefix_is_whole_parts_of_the_name(served: Stand) -> None:
    await served.image("one", "v1")
    for end in ("-two", "ing"):
        await served.elsewhere(f"{served.path}{end}")
    assert await listed(served.all, served.path) == [served.path]
    if served.emulator:
        account = served.path.rpartition("/")[0]
        await served.elsewhere(f"{account}s/app")
        assert set(await listed(served.all, account)) == {served.path, f"{served.path}-two", f"{served.path}ing"}


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
    if registry_name not in EMULATORS:
        pytest.skip("anybody may do everything")
    async with stand(registry_name, tmp_path, login="bad_login") as served:
        await served.image("one", "v1")
        with pytest.raises(Unauthorized):
            await listed(served.all, served.path.rpartition("/")[0])


async def test_a_registry_that_is_gone_has_no_empty_catalog(served: Stand) -> None:
    if served.emulator is None:
        pytest.skip("shown by the default adapter's own tests")
    await served.image("one", "v1")
    await served.emulator.__aexit__(None, None, None)
    with pytest.raises(HolystoneError):
        await listed(served.all, RepositoryPath(served.path.rpartition("/")[0]))
