"""Azure: credentials of Azure, where Docker's configuration has none."""

import sys
from pathlib import Path

import pytest

from holystone.adapters.registries.acr import entra
from holystone.embedded.faults import Answer, Fault
from holystone.engine.errors import IncompleteSource, Unauthorized, UsageError
from holystone.engine.model.outcomes import Deleted, Forbidden
from tests.emulators.acr import READ_ACTIONS, REFRESH_LIFE, AcrEmulator, Principal
from tests.emulators.vendor import Login
from tests.registries.acr.connected import ABSENT, Clock, FakeCredential, FakeToken, as_azure, connected


async def test_the_exchange_names_the_registry_as_its_challenge_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a regional endpoint, NAME.registryION.geo.azurecr.io, the service is NAME.azurecr.io."""
    async with AcrEmulator(service="shop.azurecr.io") as emulator:
        as_azure(monkeypatch, emulator.entra_token)
        async with connected(emulator, tmp_path, Login()) as acr:
            raw = acr.image("one", "v1")
            assert (await acr.session.list_tags()).tags == {"v1": raw.digest}
            assert await acr.session.delete_manifests([raw.digest]) == [Deleted()]


async def test_each_credential_that_azure_tried_is_told_with_its_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made by azure-identity itself of what its credentials raise."""
    from azure.core.exceptions import ClientAuthenticationError
    from azure.identity import CredentialUnavailableError
    from azure.identity.aio import ChainedTokenCredential

    class EnvironmentCredential(FakeCredential):
        async def get_token(self, *scopes: str, **kwargs: object) -> FakeToken:
            raise CredentialUnavailableError("EnvironmentCredential authentication unavailable. " + "x" * 500)

    class AzureCliCredential(FakeCredential):
        async def get_token(self, *scopes: str, **kwargs: object) -> FakeToken:
            raise ClientAuthenticationError("ERROR: AADSTS70043: The refresh token has expired.\r\nTrace ID: 1")

    chain = ChainedTokenCredential(EnvironmentCredential(str), AzureCliCredential(str))  # type: ignore[arg-type]
    monkeypatch.setattr(entra, "azure_credential", lambda: chain)
    async with AcrEmulator() as emulator:
        with pytest.raises(Unauthorized) as raised:
            async with connected(emulator, tmp_path, Login()):
                pass
    first, *tried = raised.value.message.splitlines()
    assert "Azure's own chain found none:" in first
    assert [line.split(":")[0].strip() for line in tried] == ["EnvironmentCredential", "AzureCliCredential"]
    assert "AADSTS70043: The refresh token has expired. Trace ID: 1" in tried[1]


async def test_azure_is_asked_if_docker_knows_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with AcrEmulator(abac=True) as emulator:
        credential = as_azure(monkeypatch, emulator.entra_token)
        async with connected(emulator, tmp_path, Login()) as acr:
            raw = acr.image("one", "v1")
            assert not (await acr.session.probe()).forbidden
            assert (await acr.session.list_tags()).tags == {"v1": raw.digest}
            assert await acr.session.delete_manifests([raw.digest]) == [Deleted()]
            assert emulator.exchanges == 1
            assert not credential.closed
        assert credential.asked == [("https://containerregistry.azure.net/.default",)]
        assert credential.closed


async def test_docker_comes_before_azure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with AcrEmulator() as emulator:
        credential = as_azure(monkeypatch, emulator.entra_token)
        async with connected(emulator, tmp_path) as acr:
            await acr.session.list_tags()
        assert credential.asked == []


async def test_a_refresh_token_that_ends_in_the_middle_is_exchanged_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    async with AcrEmulator(clock=clock) as emulator:
        as_azure(monkeypatch, emulator.entra_token)
        async with connected(emulator, tmp_path, Login()) as acr:
            raws = [acr.image(f"{number}", f"v{number}") for number in range(2)]
            await acr.session.list_tags()
            clock.now += REFRESH_LIFE + 1
            assert await acr.session.delete_manifests([raws[0].digest]) == [Deleted()]
            assert await acr.session.delete_manifests([raws[1].digest]) == [Deleted()]
            assert emulator.exchanges == 2


async def test_lacking_rights_do_not_lead_to_an_exchange_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with AcrEmulator(refuses_excess=True) as emulator:
        reader = Principal("reader@example.com", {"*": READ_ACTIONS})
        as_azure(monkeypatch, lambda: emulator.entra_token(reader))
        async with connected(emulator, tmp_path, Login()) as acr:
            acr.image("one", "v1")
            for _ in range(5):
                (outcome,) = await acr.session.delete_manifests([ABSENT])
                assert isinstance(outcome, Forbidden)
                assert "azure-identity" in outcome.what
            assert emulator.exchanges == 2


async def test_the_exchange_is_throttled_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with AcrEmulator() as emulator:
        as_azure(monkeypatch, emulator.entra_token)
        emulator.throttle(2)
        async with connected(emulator, tmp_path, Login()) as acr:
            assert not (await acr.session.list_tags()).exists


async def test_whom_the_registry_does_not_know(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with AcrEmulator() as emulator:
        as_azure(monkeypatch, lambda: "a.strangers.token")
        with pytest.raises(Unauthorized, match="does not accept who Azure says we are") as raised:
            async with connected(emulator, tmp_path, Login()):
                pass
        assert "AcrDelete" in raised.value.what_to_do


async def test_the_firewall_is_named_when_azure_signs_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with AcrEmulator() as emulator:
        as_azure(monkeypatch, emulator.entra_token)
        emulator.firewalled = True
        with pytest.raises(Unauthorized, match="client with IP") as raised:
            async with connected(emulator, tmp_path, Login()):
                pass
        assert "firewall" in raised.value.what_to_do


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b'{"refresh_token":""}'),
        Answer(200, b'{"access_token":"the-token-of-entra"}'),
        Answer(200, b"the-token-of-entra"),
        Answer(404, b"no such page, the-token-of-entra"),
        Answer(400, b'{"errors":[{"code":"BAD","message":"the-token-of-entra is odd"}]}'),
    ],
)
async def test_an_exchange_that_goes_wrong_shows_no_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Answer
) -> None:
    async with AcrEmulator() as emulator:
        emulator.faults.add(Fault("POST", "/oauth2/exchange", answer, times=None))
        as_azure(monkeypatch, lambda: "the-token-of-entra")
        with pytest.raises(IncompleteSource, match=r"127\.0\.0\.1") as raised:
            async with connected(emulator, tmp_path, Login()):
                pass
        assert "the-token-of-entra" not in f"{raised.value} {raised.value.__context__}"


async def test_no_credential_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real chain, narrowed to the variables, which are not there: it asks nobody."""
    for name in ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET", "AZURE_USERNAME", "AZURE_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
    async with AcrEmulator() as emulator:
        with pytest.raises(Unauthorized, match="none in Docker's configuration, and Azure's own chain") as raised:
            async with connected(emulator, tmp_path, Login()):
                pass
    assert "az acr login" in raised.value.what_to_do


async def test_a_chain_that_is_set_up_wrongly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "no-such-credential")
    async with AcrEmulator() as emulator:
        with pytest.raises(UsageError, match="no-such-credential"):
            async with connected(emulator, tmp_path, Login()):
                pass


async def test_the_package_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "holystone.adapters.registries.acr.azure_chain", raising=False)
    monkeypatch.setitem(sys.modules, "azure.identity.aio", None)
    async with AcrEmulator() as emulator:
        with pytest.raises(UsageError, match="azure-identity") as raised:
            async with connected(emulator, tmp_path, Login()):
                pass
        assert "holystone[acr]" in raised.value.what_to_do
        async with connected(emulator, tmp_path) as acr:
            assert not (await acr.session.list_tags()).exists
