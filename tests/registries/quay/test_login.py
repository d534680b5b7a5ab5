"""Quay: tokens and credentials."""

from pathlib import Path

import pytest

from holystone.engine.errors import Unauthorized
from holystone.engine.model.outcomes import Deleted
from holystone.engine.model.references import Tag
from tests.emulators.quay import QuayEmulator
from tests.emulators.vendor import Login
from tests.registries.quay.connected import PATH, Door, asked, connected, put


@pytest.mark.parametrize("door", ["api", "robot"])
async def test_tokens_that_end_in_mid_run_are_renewed(tmp_path: Path, door: Door) -> None:
    async with QuayEmulator(door=door) as quay, connected(tmp_path, quay) as session:
        put(quay, "v1", "v2")
        await session.probe()
        assert await session.delete_tags([Tag("v1")]) == [Deleted()]
        quay.expire_tokens()
        assert await session.delete_tags([Tag("v2")]) == [Deleted()]


async def test_a_token_is_asked_once_for_its_whole_life(tmp_path: Path) -> None:
    """The reply says nothing of it; the JWT does."""
    async with QuayEmulator(door="robot") as quay, connected(tmp_path, quay) as session:
        put(quay, "v1", "v2", "v3")
        await session.probe()
        for tag in ("v1", "v2", "v3"):
            await session.delete_tags([Tag(tag)])
        assert asked(quay, "GET", "/v2/auth") == 2  # pull, then pull,push


@pytest.mark.parametrize("door", ["api", "robot"])
async def test_a_wrong_credential_is_named_and_not_shown(tmp_path: Path, door: Door) -> None:
    async with QuayEmulator(door=door) as quay:
        login = quay.bad_login()
        async with connected(tmp_path, quay, login) as session:
            put(quay, "v1")
            for ask in (session.list_tags, session.probe):
                with pytest.raises(Unauthorized) as caught:
                    await ask()
                assert ("OAuth" if door == "api" else "config.json") in str(caught.value)
                assert not any(secret in str(caught.value) for secret in login.secrets)


async def test_a_robots_password_is_no_token(tmp_path: Path) -> None:
    async with QuayEmulator() as quay:
        login = Login(environ={"WERF_REPO_QUAY_TOKEN": quay.robots["team+robot"].password})
        async with connected(tmp_path, quay, login) as session:
            put(quay, "v1")
            with pytest.raises(Unauthorized, match="robots"):
                await session.list_tags()


async def test_anonymous_access_reads_what_is_public_and_deletes_nothing(tmp_path: Path) -> None:
    async with QuayEmulator(door="robot") as quay, connected(tmp_path, quay, Login()) as session:
        put(quay, "v1")
        quay.of(PATH).public = True
        assert set((await session.list_tags()).tags) == {"v1"}
        can = await session.probe()
        assert can.forbidden
        assert "anonymous" in can.forbidden


@pytest.mark.parametrize("suffix", ["", "/api/v1"])
async def test_the_address_of_the_api_may_name_its_version(tmp_path: Path, suffix: str) -> None:
    async with (
        QuayEmulator(keep_alive=False) as quay,
        connected(tmp_path, quay, api_url=f"{quay.url}{suffix}") as session,
    ):
        put(quay, "v1")
        assert set((await session.list_tags()).tags) == {"v1"}
