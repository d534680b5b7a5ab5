"""Azure: credentials of Docker's configuration."""

from pathlib import Path

import anyio
import pytest

from holystone.adapters.registries.acr import entra
from holystone.engine.errors import Unauthorized, UsageError
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.outcomes import Deleted
from holystone.engine.model.references import Digest, Tag
from tests.emulators.acr import EMPTY_GUID, PASSWORD, REFRESH_LIFE, AcrEmulator
from tests.registries.acr.connected import Clock, Connected, as_azure, connected, push
from tests.support import images

# Credentials of Docker's configuration


async def test_a_wrong_password(tmp_path: Path) -> None:
    async with AcrEmulator() as emulator, connected(emulator, tmp_path, emulator.bad_login()) as acr:
        acr.image("one", "v1")
        with pytest.raises(Unauthorized, match=r"user 'acme' \(auths in .*config\.json\)") as raised:
            await acr.session.list_tags()
        assert "not-the-password" not in str(raised.value)


async def test_one_token_serves_listing_reading_and_deleting(acr: Connected) -> None:
    raw = acr.image("one", "v1")
    await acr.session.probe()
    await acr.session.list_tags()
    await acr.session.read_manifests([raw.digest])
    await acr.session.read_blob(Digest.of(images.config("one")))
    await acr.session.delete_manifests([raw.digest])
    assert acr.emulator.tokens_fetched == 2, "the other tells whether a push is allowed, as undo needs it"
    assert PASSWORD not in str([each.authorization for each in acr.emulator.requests])


@pytest.mark.parametrize("identity_token", [True, False])
async def test_what_az_acr_login_leaves_is_shown_to_the_token_server_only(tmp_path: Path, identity_token: bool) -> None:
    async with AcrEmulator(abac=True) as emulator:
        login = emulator.az_login(identity_token=identity_token)
        async with connected(emulator, tmp_path, login) as acr:
            raw = acr.image("one", "v1")
            assert (await acr.session.list_tags()).tags == {"v1": raw.digest}
            assert not (await acr.session.probe()).forbidden
            assert emulator.counts["POST token"] + emulator.counts["POST other"] == 2
            assert not any(each.authorization.startswith("Basic") for each in emulator.requests)
            assert EMPTY_GUID not in repr(acr.session)


async def test_the_end_of_what_az_acr_login_left_is_told_plainly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entra, "azure_credential", no_azure_identity)
    clock = Clock()
    clock.now -= REFRESH_LIFE + 365 * 86400  # ended long before this test runs
    async with AcrEmulator(clock=clock) as emulator:
        login = emulator.az_login()
        push(emulator, "one", "v1")
        clock.now += REFRESH_LIFE
        async with connected(emulator, tmp_path, login) as acr:
            with pytest.raises(Unauthorized, match=r"'az acr login' left .* ended at 2025-") as raised:
                await acr.session.list_tags()
        assert "three hours" in raised.value.what_to_do
        assert "azure-identity" in raised.value.message
        assert not [secret for secret in login.secrets if secret in str(raised.value)]


@pytest.mark.parametrize("in_the_middle", [True, False])
async def test_whoever_is_logged_in_to_azure_goes_on_where_az_acr_login_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_the_middle: bool
) -> None:
    clock = Clock()
    clock.now -= 365 * 86400
    async with AcrEmulator(clock=clock) as emulator:
        login = emulator.az_login()
        as_azure(monkeypatch, emulator.entra_token)
        raws = [push(emulator, f"{number}", f"v{number}") for number in range(20)]
        if not in_the_middle:
            clock.now += REFRESH_LIFE
        async with connected(emulator, tmp_path, login) as acr:
            if in_the_middle:
                await acr.session.list_tags()
                assert emulator.exchanges == 0
                clock.now += REFRESH_LIFE
            outcomes: list[object] = []

            async def delete(raw: RawManifest) -> None:
                outcomes.extend(await acr.session.delete_manifests([raw.digest]))

            async with anyio.create_task_group() as tasks:
                for raw in raws:
                    tasks.start_soon(delete, raw)
            assert outcomes == [Deleted()] * 20
            assert emulator.exchanges == 1


async def test_access_tokens_end_by_the_clock_of_the_server(tmp_path: Path) -> None:
    clock = Clock()
    async with AcrEmulator(clock=clock) as emulator, connected(emulator, tmp_path) as acr:
        raw = acr.image("one", "v1", "v2")
        for _ in range(3):
            assert await acr.session.resolve(Tag("v1")) == raw.digest
            clock.now += 76 * 60
        assert await acr.session.delete_tags([Tag("v1")]) == [Deleted()]
        assert emulator.tokens_fetched == 4


@pytest.mark.parametrize("spelt", ["type name actions", "Type Name Actions"])
async def test_what_a_token_grants_is_read_in_both_spellings(tmp_path: Path, spelt: str) -> None:
    """Capitals in tokens of version 1.0, small letters in those of 2.0 (recordings of Microsoft's SDKs)."""
    async with AcrEmulator(spelling=spelt) as emulator, connected(emulator, tmp_path, emulator.weak_login()) as acr:
        acr.image("one", "v1")
        await acr.session.list_tags()
        emulator.requests.clear()
        assert (await acr.session.probe()).forbidden
        assert not [each for each in emulator.requests if each.method == "DELETE"], "the token says it"


# Credentials of Azure


def no_azure_identity() -> entra.TokenCredential:
    raise UsageError("Azure's own credentials need the package azure-identity.")
