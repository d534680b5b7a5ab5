"""Credential helpers as real programs on PATH."""

import json
import os
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from holystone.adapters.credentials.credential import Anonymous, Credential, IdentityToken, UserPassword
from holystone.adapters.credentials.docker_config import DockerConfig
from holystone.adapters.credentials.helpers import HelperMissing, ask_helper
from holystone.adapters.credentials.secret import Secret
from holystone.engine.errors import UsageError
from holystone.engine.model.references import RegistryHost
from tests.support.processes import child_of, gone

HOST = RegistryHost("r.io")
ALICE = '{"ServerURL":"ignored","Username":"alice","Secret":"helper-secret"}'
NOT_FOUND = "echo credentials not found in native keychain; exit 1"


class Helpers:
    """Shell scripts in a folder on PATH. Each writes down what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, suffix: str, script: str) -> None:
        file = self.folder / f"docker-credential-{suffix}"
        file.write_text(
            f'#!/bin/sh\nread server || true\necho "$1 $server" >> {self.folder}/{suffix}.asked\n{script}\n'
        )
        file.chmod(0o755)

    def asked(self, suffix: str) -> list[str]:
        file = self.folder / f"{suffix}.asked"
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def helpers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Helpers:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return Helpers(folder)


def config(tmp_path: Path, **document: Any) -> DockerConfig:
    (tmp_path / "config.json").write_text(json.dumps(document))
    return DockerConfig.read(tmp_path)


def inline(name: str) -> dict[str, str]:
    return {"username": name, "password": "pw"}


def username(credential: Credential) -> str:
    assert isinstance(credential, UserPassword)
    return credential.username


async def test_a_helper_answers(helpers: Helpers) -> None:
    helpers.add("good", f"echo '{ALICE}'")
    answer = await ask_helper("good", "r.io", origin="credHelpers in x")
    assert answer == UserPassword("alice", Secret("helper-secret"), "credHelpers in x")
    assert helpers.asked("good") == ["get r.io"]


async def test_an_identity_token(helpers: Helpers) -> None:
    helpers.add("token", """echo '{"Username":"<token>","Secret":"refresh"}'""")
    assert await ask_helper("token", "r.io", origin="x") == IdentityToken(Secret("refresh"), "x")


@pytest.mark.parametrize("script", [NOT_FOUND, """echo '{"Username":"","Secret":""}'"""])
async def test_a_helper_that_knows_nothing(helpers: Helpers, script: str) -> None:
    helpers.add("empty", script)
    assert await ask_helper("empty", "r.io", origin="x") is None


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo no credentials server URL; exit 1", "failed for r.io: no credentials server URL"),
        ("printf 'locked\\033[31m\\nnow'; exit 2", r"failed for r.io: locked \[31m now"),
        ("printf 'bad \\377 news'; exit 1", "failed for r.io: bad \ufffd news"),
        ("exit 3", "exit status 3"),
        ("kill -9 $$", "exit status -9"),
        ("echo helper-secret", "did not answer in JSON"),
        ("""printf '{"Secret":"helper-secret"'""", "did not answer in JSON"),
        ("""echo '{"Username":5,"Secret":"helper-secret"}'""", "did not answer in JSON"),
        ("printf '\\377\\376'", "did not answer in JSON"),
        ("yes helper-secret", "printed more than"),
    ],
)
async def test_a_helper_that_fails_says_why_and_shows_no_secret(helpers: Helpers, script: str, message: str) -> None:
    helpers.add("bad", script)
    with pytest.raises(UsageError, match=message) as caught:
        await ask_helper("bad", "r.io", origin="credsStore in ~/.docker/config.json")
    assert "docker-credential-bad (credsStore in ~/.docker/config.json)" in str(caught.value)
    assert "helper-secret" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("before", ["", "locked out of the key ring; "])
async def test_a_helper_that_fails_after_it_has_answered_shows_no_secret(helpers: Helpers, before: str) -> None:
    """A script around another one, whose last command fails."""
    helpers.add("late", f"echo '{before}{ALICE.replace('helper-secret', 'never-seen-before')}'; exit 3")
    with pytest.raises(UsageError) as caught:
        await ask_helper("late", "r.io", origin="credsStore in x")
    assert "never-seen-before" not in str(caught.value)
    assert "failed for r.io" in str(caught.value)


async def test_what_it_says_on_standard_error_is_not_shown(helpers: Helpers, capfd: pytest.CaptureFixture[str]) -> None:
    helpers.add("noisy", f"echo helper-secret >&2; echo '{ALICE}'")
    assert await ask_helper("noisy", "r.io", origin="x")
    assert capfd.readouterr().err == ""


async def test_a_helper_that_does_not_read_its_question(helpers: Helpers) -> None:
    file = helpers.folder / "docker-credential-deaf"
    file.write_text(f"#!/bin/sh\nexec <&-\necho '{ALICE}'\n")
    file.chmod(0o755)
    assert await ask_helper("deaf", "r.io" * 50_000, origin="x")


HANG = "sleep 1000 & echo $! > {}/child; wait"


async def test_a_helper_that_hangs_is_killed_with_its_children(helpers: Helpers) -> None:
    helpers.add("hanging", HANG.format(helpers.folder))
    with pytest.raises(UsageError, match=r"did not answer within 0\.3 s") as caught:
        await ask_helper("hanging", "r.io", origin="x", timeout=0.3)
    assert "key ring" in caught.value.what_to_do
    assert await gone(await child_of(helpers.folder / "child"))


async def test_a_cancelled_helper_is_killed_with_its_children(helpers: Helpers) -> None:
    helpers.add("hanging", HANG.format(helpers.folder))
    async with anyio.create_task_group() as group:

        async def ask() -> None:
            await ask_helper("hanging", "r.io", origin="x")

        group.start_soon(ask)
        child = await child_of(helpers.folder / "child")
        group.cancel_scope.cancel()
    assert await gone(child)


@pytest.mark.parametrize("suffix", ["../evil", "a/b", "", "a b", "a\n", "$(x)"])
async def test_a_helpers_name_is_no_path(suffix: str) -> None:
    with pytest.raises(UsageError, match="not a name of a credential helper"):
        await ask_helper(suffix, "r.io", origin="x")


async def test_a_missing_helper(helpers: Helpers) -> None:
    with pytest.raises(HelperMissing):
        await ask_helper("not-installed-anywhere", "r.io", origin="x")
    (helpers.folder / "docker-credential-text").write_text("no program")
    with pytest.raises(HelperMissing):
        await ask_helper("text", "r.io", origin="x")
    broken = helpers.folder / "docker-credential-broken"
    broken.write_bytes(b"\x7fELF no program")
    broken.chmod(0o755)
    with pytest.raises(UsageError, match="cannot be started: Exec format error"):
        await ask_helper("broken", "r.io", origin="x")


async def test_who_is_asked_first(tmp_path: Path, helpers: Helpers) -> None:
    helpers.add("own", """echo '{"Username":"own","Secret":"s"}'""")
    helpers.add("store", """echo '{"Username":"store","Secret":"s"}'""")
    auths = {"r.io": inline("inline"), "r.io/team": inline("team"), "other.io": inline("other")}
    read = config(tmp_path, auths=auths, credsStore="store", credHelpers={"r.io": "own"})
    assert username(await read.credential(HOST, "team/app")) == "own"
    read = config(tmp_path, auths=auths, credsStore="store")
    assert username(await read.credential(HOST, "team/app")) == "team"
    assert username(await read.credential(HOST, "app")) == username(await read.credential(HOST)) == "store"
    assert (helpers.asked("own"), helpers.asked("store")) == (["get r.io"], ["get r.io"])
    helpers.add("store", NOT_FOUND)
    read = config(tmp_path, auths=auths, credsStore="store")
    assert username(await read.credential(HOST, "app")) == "inline"
    assert isinstance(await read.credential(RegistryHost("none.io")), Anonymous)


async def test_a_helper_whose_name_is_no_text_is_none(tmp_path: Path) -> None:
    read = config(tmp_path, auths={"r.io": inline("inline")}, credHelpers={"r.io": 7}, credsStore=["store"])
    assert username(await read.credential(HOST)) == "inline"


async def test_a_helper_for_a_path_is_no_hosts(tmp_path: Path) -> None:
    read = config(tmp_path, auths={"r.io": inline("inline")}, credHelpers={"r.io/team": "absent"})
    assert username(await read.credential(HOST, "team/app")) == "inline"


async def test_origin_says_which_section(tmp_path: Path, helpers: Helpers) -> None:
    helpers.add("own", f"echo '{ALICE}'")
    read = config(tmp_path, credHelpers={"r.io": "own"}, credsStore="own")
    assert (await read.credential(HOST)).origin == f"credHelpers in {tmp_path}/config.json"
    assert (await read.credential(RegistryHost("x.io"))).origin == f"credsStore in {tmp_path}/config.json"


@pytest.mark.parametrize("key", ["https://index.docker.io/v1/", "docker.io"])
async def test_docker_hub_is_asked_by_its_full_address(tmp_path: Path, helpers: Helpers, key: str) -> None:
    helpers.add("own", f"echo '{ALICE}'")
    read = config(tmp_path, credHelpers={key: "own"})
    assert username(await read.credential(RegistryHost("registry-1.docker.io"))) == "alice"
    assert helpers.asked("own") == ["get https://index.docker.io/v1/"]


async def test_a_missing_helper_gives_way_to_the_inline_entry(
    tmp_path: Path, helpers: Helpers, caplog: pytest.LogCaptureFixture
) -> None:
    read = config(tmp_path, auths={"r.io": inline("inline")}, credHelpers={"r.io": "not-installed"})
    for _ in range(2):
        assert username(await read.credential(HOST)) == "inline"
    (record,) = caplog.records
    assert "docker-credential-not-installed" in record.getMessage()


async def test_a_broken_helper_does_not_give_way(tmp_path: Path, helpers: Helpers) -> None:
    helpers.add("own", "echo locked; exit 1")
    read = config(tmp_path, auths={"r.io": inline("inline")}, credHelpers={"r.io": "own"})
    with pytest.raises(UsageError, match="locked"):
        await read.credential(HOST)


async def test_fifty_at_once_ask_once(tmp_path: Path, helpers: Helpers) -> None:
    helpers.add("own", f"sleep 0.05; echo '{ALICE}'")
    read = config(tmp_path, credHelpers={"r.io": "own"})
    found: list[Credential] = []

    async def ask() -> None:
        found.append(await read.credential(HOST, "any/path"))

    async with anyio.create_task_group() as group:
        for _ in range(50):
            group.start_soon(ask)
    assert {username(each) for each in found} == {"alice"}
    assert len(found) == 50
    assert len(helpers.asked("own")) == 1


async def test_fifty_at_once_fail_once(tmp_path: Path, helpers: Helpers) -> None:
    helpers.add("own", "sleep 0.05; echo locked; exit 1")
    read = config(tmp_path, credHelpers={"r.io": "own"})

    async def ask() -> None:
        with pytest.raises(UsageError):
            await read.credential(HOST)

    async with anyio.create_task_group() as group:
        for _ in range(50):
            group.start_soon(ask)
    assert len(helpers.asked("own")) == 1


async def test_a_cancelled_question_is_asked_again(tmp_path: Path, helpers: Helpers) -> None:
    helpers.add("own", HANG.format(helpers.folder))
    read = config(tmp_path, credHelpers={"r.io": "own"})
    async with anyio.create_task_group() as group:
        group.start_soon(read.credential, HOST)
        await child_of(helpers.folder / "child")
        group.cancel_scope.cancel()
    helpers.add("own", f"echo '{ALICE}'")
    with anyio.fail_after(3):
        assert username(await read.credential(HOST)) == "alice"


async def test_a_refused_credential_is_asked_for_again_once(tmp_path: Path, helpers: Helpers) -> None:
    script = """n=$(wc -l < {0}/own.asked); echo "{{\\"Username\\":\\"alice\\",\\"Secret\\":\\"s$n\\"}}" """
    helpers.add("own", script.format(helpers.folder))
    read = config(tmp_path, credHelpers={"r.io": "own"})
    first = await read.credential(HOST)
    second = await read.refreshed(HOST, first)
    assert second != first
    assert await read.refreshed(HOST, first) == second
    assert await read.credential(HOST) == second
    assert len(helpers.asked("own")) == 2


async def test_a_helper_that_gives_the_same_again_is_not_asked_a_third_time(tmp_path: Path, helpers: Helpers) -> None:
    helpers.add("own", f"echo '{ALICE}'")
    read = config(tmp_path, credHelpers={"r.io": "own"})
    first = await read.credential(HOST)
    for _ in range(3):
        assert await read.refreshed(HOST, first) == first
    assert len(helpers.asked("own")) == 2


async def test_a_helper_is_not_asked_again_for_another_host(tmp_path: Path, helpers: Helpers) -> None:
    helpers.add("own", f"echo '{ALICE}'")
    helpers.add("other", """echo '{"Username":"other","Secret":"s"}'""")
    read = config(tmp_path, credHelpers={"r.io": "own", "other.io": "other"})
    other = RegistryHost("other.io")
    first = await read.credential(HOST)
    assert username(await read.credential(other)) == "other"
    await read.refreshed(HOST, first)
    await read.credential(other)
    assert (len(helpers.asked("own")), len(helpers.asked("other"))) == (2, 1)


async def test_a_host_without_a_helper_of_its_own_has_no_store_either(tmp_path: Path, helpers: Helpers) -> None:
    helpers.add("store", """echo '{"Username":"store","Secret":"s"}'""")
    read = config(tmp_path, auths={"r.io": inline("inline")}, credHelpers={"r.io": ""}, credsStore="store")
    assert username(await read.credential(HOST)) == "inline"
    assert username(await read.credential(RegistryHost("other.io"))) == "store"


async def test_an_inline_credential_that_was_refused_stays_the_same(tmp_path: Path) -> None:
    read = config(tmp_path, auths={"r.io": inline("rob")})
    first = await read.credential(HOST)
    assert await read.refreshed(HOST, first) == first
