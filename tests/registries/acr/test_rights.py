"""Azure: what a credential may do is known before the first deletion."""

from pathlib import Path

import pytest

from holystone.adapters.registries.acr.profile import PROFILE
from holystone.embedded.faults import Answer, Fault
from holystone.engine.errors import IncompleteSource
from holystone.engine.model.outcomes import Forbidden, Locked
from holystone.engine.model.references import Tag
from tests.emulators.acr import AcrEmulator, Attributes
from tests.emulators.vendor import Login
from tests.registries.acr.connected import PATH, Connected, connected, push


async def test_the_probe_asks_once_and_finds_nothing_wrong(acr: Connected) -> None:
    raw = acr.image("one", "v1")
    acr.emulator.repository_attributes[PATH] = Attributes(delete_enabled=False)  # guards the repository, no image
    await acr.session.list_tags()
    acr.emulator.requests.clear()
    assert await acr.session.probe() == PROFILE.can
    assert acr.asked("/acr/v1/team/app") == 1
    assert acr.emulator.counts["DELETE manifest"] == 0
    assert raw.digest in acr.emulator.storage.repositories[PATH].manifests


@pytest.mark.parametrize("opaque_tokens", [True, False])
@pytest.mark.parametrize("says_why", [True, False])
async def test_a_credential_that_may_not_delete(tmp_path: Path, opaque_tokens: bool, says_why: bool) -> None:
    async with AcrEmulator(opaque_tokens=opaque_tokens, says_why=says_why) as emulator:
        raw = push(emulator, "one", "v1")
        async with connected(emulator, tmp_path, emulator.weak_login()) as acr:
            can = await acr.session.probe()
            assert can.forbidden
            for part in ("'lookout'", "config.json", "repository:team/app:pull,delete,metadata_read", "AcrDelete"):
                assert part in can.forbidden
            assert (await acr.session.list_tags()).tags == {"v1": raw.digest}
            for outcome in (
                *await acr.session.delete_tags([Tag("v1")]),
                *await acr.session.delete_manifests([raw.digest]),
            ):
                assert isinstance(outcome, Forbidden)
                assert "delete" in outcome.what
            assert acr.emulator.storage.repositories[PATH].tags == {"v1": raw.digest}


async def test_the_probe_where_tokens_tell_nothing(tmp_path: Path) -> None:
    async with AcrEmulator(opaque_tokens=True) as emulator, connected(emulator, tmp_path) as acr:
        raw = acr.image("one", "v1")
        assert not (await acr.session.probe()).forbidden
        assert emulator.storage.repositories[PATH].tags == {"v1": raw.digest}


async def test_the_probe_of_a_locked_repository(acr: Connected) -> None:
    acr.image("one", "v1")
    acr.emulator.repository_attributes[PATH] = Attributes(write_enabled=False)
    can = await acr.session.probe()
    assert can.forbidden
    assert "az acr repository update" in can.forbidden
    (outcome,) = await acr.session.delete_tags([Tag("v1")])
    assert isinstance(outcome, Locked)


@pytest.mark.parametrize("answer", [Answer(200, b"<html>"), Answer(200, b"[]"), Answer(418), Answer(404, b"gone")])
async def test_the_probe_of_something_else(acr: Connected, answer: Answer) -> None:
    acr.emulator.faults.add(Fault("GET", r"/acr/v1/team/app$", answer, times=None))
    with pytest.raises(IncompleteSource, match="team/app"):
        await acr.session.probe()


async def test_the_probe_of_a_repository_that_does_not_exist(acr: Connected) -> None:
    assert not (await acr.session.probe()).forbidden


async def test_the_api_may_be_told_to_be_elsewhere(tmp_path: Path) -> None:
    async with AcrEmulator() as emulator:
        raw = push(emulator, "one", "v1")
        entry = emulator.login().docker_config["auths"][emulator.host]  # type: ignore[index]
        login = Login(docker_config={"auths": {"acme.azurecr.io": entry}})
        async with connected(emulator, tmp_path, login, host="acme.azurecr.io") as acr:
            assert (await acr.session.list_tags()).tags == {"v1": raw.digest}
            assert await acr.session.resolve(Tag("v1")) == raw.digest
