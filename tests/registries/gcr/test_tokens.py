"""Google: tokens end, and are renewed."""

from pathlib import Path

import anyio
import pytest

from holystone.adapters.registries.gcr.access_tokens import AccessToken
from holystone.embedded.faults import Answer, Fault, Hang
from holystone.engine.errors import RegistryFailure
from holystone.engine.model.outcomes import Deleted
from holystone.engine.model.references import Tag
from tests.emulators.gcr import GoogleEmulator
from tests.registries.gcr.connected import asked, connected, key_file, push, works


async def test_tokens_that_end_in_the_middle_are_renewed_once_for_all(tmp_path: Path) -> None:
    async with GoogleEmulator() as served:
        digests = [push(served, f"{number}", f"v{number}").digest for number in range(12)]
        async with connected(served, tmp_path) as session:
            await session.list_tags()
            served.expire_tokens()
            assert await session.delete_tags([Tag("v0"), Tag("v1")]) == [Deleted(), Deleted()]
            served.expire_tokens()
            assert len(await session.read_manifests(digests)) == 12
    assert served.seen.grants == ["metadata"] * 3


async def test_a_token_is_renewed_before_it_ends(tmp_path: Path) -> None:
    """Its lifetime is over by our clock at once, and not by the server's: no request of ours is ever refused."""
    async with GoogleEmulator(lifetime=0) as served:
        push(served, "one", "v1")
        async with connected(served, tmp_path) as session:
            await works(session)
    assert served.seen.refused == 0
    assert len(served.seen.grants) > 2


def test_when_a_token_is_renewed() -> None:
    assert AccessToken.of("x", 3599, 1000.0).renew_at == 1000.0 + 3599 - 60
    assert AccessToken.of("x", 100, 1000.0).renew_at == 1000.0 + 75
    assert AccessToken.of("x", -5, 1000.0).renew_at == 1000.0
    for nothing in (None, "", 5):
        with pytest.raises(RegistryFailure):
            AccessToken.of(nothing, 100, 0.0)


async def test_a_token_server_that_is_unwell_for_a_moment(tmp_path: Path) -> None:
    for fault_at, login_of in ((r"^/computeMetadata", None), (r"^/oauth2/token", key_file)):
        async with GoogleEmulator() as served:
            push(served, "one", "v1")
            for status in (503, 429):
                served.faults.add(Fault("GET|POST", fault_at, Answer(status, b"{}", {"Retry-After": "0"})))
            login = login_of(served, tmp_path) if login_of else None
            async with connected(served, tmp_path, login) as session:
                await works(session)


@pytest.mark.parametrize("where", ["/oauth2/token", "/v2/"])
async def test_cancelled_while_a_server_is_silent(tmp_path: Path, where: str) -> None:
    async with GoogleEmulator() as served:
        push(served, "one", "v1")
        async with connected(served, tmp_path, key_file(served, tmp_path)) as session:
            served.faults.add(Fault("GET|POST", f"^{where}", Hang()))
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(session.list_tags)
                while not asked(served, where):  # noqa: ASYNC110 - the server rings no bell
                    await anyio.sleep(0.001)
                tasks.cancel_scope.cancel()
                begun = anyio.current_time()
            assert anyio.current_time() - begun < 1
            await works(session)
