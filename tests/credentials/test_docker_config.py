"""Which credential for which registry, from Docker's config.json."""

import base64
import json
import logging
import tempfile
import traceback
from pathlib import Path
from typing import Any

import pytest

from holystone.adapters.credentials.auth_entry import parse_entry
from holystone.adapters.credentials.credential import Anonymous, IdentityToken, RegistryToken, UserPassword
from holystone.adapters.credentials.docker_config import DockerConfig, _is_open_to_all, docker_config_dir
from holystone.adapters.credentials.secret import Secret
from holystone.engine.errors import UsageError
from holystone.engine.model.references import RegistryHost


def encoded(pair: str) -> str:
    return base64.b64encode(pair.encode()).decode()


def config(folder: Path, document: Any) -> DockerConfig:
    text = document if isinstance(document, str) else json.dumps(document)
    (folder / "config.json").write_text(text, encoding="utf-8")
    return DockerConfig.read(folder)


async def user(config: DockerConfig, host: str, path: str = "") -> str | None:
    credential = await config.credential(RegistryHost.parse(host), path)
    return credential.username if isinstance(credential, UserPassword) else None


@pytest.mark.parametrize(
    ("option", "environment", "expected"),
    [
        ("/o", {"WERF_DOCKER_CONFIG": "/w", "DOCKER_CONFIG": "/d"}, "/o"),
        (None, {"WERF_DOCKER_CONFIG": "/w", "DOCKER_CONFIG": "/d"}, "/w"),
        ("", {"WERF_DOCKER_CONFIG": "", "DOCKER_CONFIG": "/d"}, "/d"),
        (None, {}, "/home/rob/.docker"),
        ("~/x", {}, "/home/rob/x"),
    ],
)
def test_where_the_folder_is(option: str | None, environment: dict[str, str], expected: str) -> None:
    assert docker_config_dir(option, environment, Path("/home/rob")) == Path(expected)


async def test_a_missing_file_is_an_empty_configuration(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        credential = await DockerConfig.read(folder).credential(RegistryHost.parse("ghcr.io"))
        assert isinstance(credential, Anonymous)
        assert credential.origin == f"there is none for ghcr.io in {folder}/config.json"


@pytest.mark.parametrize("document", ["", "  \n", "{}", '{"auths": null}', '\ufeff{"auths": {}}'])
async def test_an_empty_file_holds_nothing(tmp_path: Path, document: str) -> None:
    assert isinstance(await config(tmp_path, document).credential(RegistryHost.parse("ghcr.io")), Anonymous)


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ('{"auths": {\n  "x": {"auth": "c2VjcmV0LXZhbHVl",}}}', r"line 2, column \d+"),
        ("[1]", "does not hold a JSON object"),
        ('{"auths": ["c2VjcmV0LXZhbHVl"]}', "auths in .* is not an object"),
        ("{" * 100_000, "is not JSON"),
        ('{"a": %s}' % ("1" * 5_000), "is not JSON: a number in it is too long"),
        ('{"a":' * 100_000, "is not JSON"),
    ],
)
def test_a_broken_file_is_named_and_not_shown(tmp_path: Path, document: str, where: str) -> None:
    with pytest.raises(UsageError, match=where) as caught:
        config(tmp_path, document)
    assert str(tmp_path / "config.json") in str(caught.value)
    assert caught.value.__context__ is None
    assert "c2VjcmV0" not in "".join(traceback.format_exception(caught.value))


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "config.json").mkdir()
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        DockerConfig.read(tmp_path)
    (tmp_path / "x").mkdir()
    (tmp_path / "x/config.json").write_bytes(b"\xff\xfe{")
    with pytest.raises(UsageError, match="not UTF-8") as caught:
        DockerConfig.read(tmp_path / "x")
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"auth": encoded("rob:pw")}, ("rob", "pw")),
        ({"auth": encoded("rob:p:w")}, ("rob", "p:w")),
        ({"auth": encoded("rob:")}, ("rob", "")),
        ({"auth": encoded("rob:pw\0\0")}, ("rob", "pw")),
        ({"auth": encoded("robin:pw").rstrip("=")}, ("robin", "pw")),
        ({"auth": encoded("rob:pw")[:4] + "\r\n" + encoded("rob:pw")[4:]}, ("rob", "pw")),
        ({"auth": encoded("rob:pw"), "username": "eve", "password": "x"}, ("rob", "pw")),
        ({"auth": encoded("rob:pW")}, ("rob", "pW")),  # ends in X
        ({"auth": encoded("rob:XpwX")}, ("rob", "XpwX")),
        ({"username": "rob", "password": "pw"}, ("rob", "pw")),
        ({"username": "rob", "password": None}, ("rob", "")),
        ({"auth": "", "username": "rob", "password": "pw", "email": None, "more": [1]}, ("rob", "pw")),
    ],
)
async def test_users_and_passwords(tmp_path: Path, entry: dict[str, Any], expected: tuple[str, str]) -> None:
    found = await config(tmp_path, {"auths": {"ghcr.io": entry}}).credential(RegistryHost.parse("ghcr.io"))
    assert found == UserPassword(expected[0], Secret(expected[1]), f"auths in {tmp_path}/config.json")


async def test_tokens(tmp_path: Path) -> None:
    null = "00000000-0000-0000-0000-000000000000"
    auths = {
        "a.io": {"auth": encoded(f"{null}:"), "identitytoken": "refresh"},
        "b.io": {"identitytoken": "refresh"},
        "c.io": {"registrytoken": "ready", "auth": encoded("rob:pw")},
    }
    read = config(tmp_path, {"auths": auths})
    origin = f"auths in {tmp_path}/config.json"
    assert await read.credential(RegistryHost("a.io")) == IdentityToken(Secret("refresh"), origin, null)
    assert await read.credential(RegistryHost("b.io")) == IdentityToken(Secret("refresh"), origin)
    assert await read.credential(RegistryHost("c.io")) == RegistryToken(Secret("ready"), origin)


@pytest.mark.parametrize(
    "entry",
    [
        {"auth": "%%%"},
        {"auth": "%" + encoded("rob:pw")},
        {"auth": encoded("no colon")},
        {"auth": base64.b64encode(b"\xff:\xfe").decode()},
        {"auth": 5},
        {"username": 5, "password": "pw"},
        {"username": "rob", "password": ["pw"]},
        {"identitytoken": 5},
        {"registrytoken": {"a": "b"}},
        {"password": "alone"},
        {"username": None, "password": "alone"},
        "text",
        None,
    ],
)
async def test_a_malformed_entry_is_left_out_with_a_warning(
    tmp_path: Path, entry: object, caplog: pytest.LogCaptureFixture
) -> None:
    read = config(tmp_path, {"auths": {"bad.io": entry, "good.io": {"auth": encoded("rob:pw")}}})
    assert await user(read, "good.io") == "rob"
    assert isinstance(await read.credential(RegistryHost("bad.io")), Anonymous)
    assert "bad.io" in caplog.text
    assert encoded("no colon") not in caplog.text


@pytest.mark.parametrize("auth", ["%%%", base64.b64encode(b"\xff:\xfe").decode()])
def test_what_is_wrong_with_an_entry_is_told_without_its_bytes(auth: str) -> None:
    with pytest.raises(ValueError, match=r"^its auth is not base64$") as caught:
        parse_entry({"auth": auth}, "x")
    assert caught.value.__context__ is None


async def test_the_mark_that_a_helper_leaves_is_no_entry(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    read = config(tmp_path, {"auths": {"ghcr.io": {}, "x.io": {"auth": ""}, "y.io": {"email": "a@b"}}})
    for host in ("ghcr.io", "x.io", "y.io"):
        assert isinstance(await read.credential(RegistryHost(host)), Anonymous)
    assert caplog.records == []


@pytest.mark.parametrize(
    "key",
    [
        "https://index.docker.io/v1/",
        "https://index.docker.io/v2/",
        "docker.io",
        "index.docker.io",
        "registry-1.docker.io",
        "https://registry-1.docker.io",
        "registry.hub.docker.com",
    ],
)
async def test_docker_hub_has_many_names(tmp_path: Path, key: str) -> None:
    read = config(tmp_path, {"auths": {key: {"auth": encoded("rob:pw")}}})
    for host in ("docker.io", "index.docker.io", "registry-1.docker.io"):
        assert await user(read, host, "library/ubuntu") == "rob"
    assert await user(read, "hub.docker.com") is None


@pytest.mark.parametrize(
    "key", ["r.io", "https://r.io", "http://r.io", "https://r.io/v1/", "https://r.io/v2", "r.io/", "r.io/v2/", "R.io"]
)
async def test_keys_of_a_whole_registry(tmp_path: Path, key: str) -> None:
    read = config(tmp_path, {"auths": {key: {"auth": encoded("rob:pw")}}})
    assert await user(read, "r.io", "a/b") == "rob"
    assert await user(read, "r.io:443") is None
    assert await user(read, "sub.r.io") is None


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
async def test_what_docker_keeps_beside_a_browser_login_is_no_password(tmp_path: Path, order: tuple[int, ...]) -> None:
    """The three entries of docker/cli 28 (internal/oauth/manager/manager.go) without a store for secrets."""
    three = [
        ("https://index.docker.io/v1/", "rob:dckr_pat_of-the-browser"),
        ("https://index.docker.io/v1/access-token", "rob:eyJ.access.token"),
        ("https://index.docker.io/v1/refresh-token", "rob:v1.refresh-token"),
    ]
    read = config(tmp_path, {"auths": {three[each][0]: {"auth": encoded(three[each][1])} for each in order}})
    for host in ("docker.io", "index.docker.io", "registry-1.docker.io"):
        for path in ("", "team/app", "v1/access-token", "access-token/x", "refresh-token/x"):
            assert await read.credential(RegistryHost.parse(host), path) == UserPassword(
                "rob", Secret("dckr_pat_of-the-browser"), f"auths in {tmp_path}/config.json"
            )


async def test_without_its_own_entry_nothing_that_lies_beside_it_is_taken(tmp_path: Path) -> None:
    keys = ("https://index.docker.io/v1/refresh-token", "https://index.docker.io/v2/access-token")
    read = config(tmp_path, {"auths": {key: {"auth": encoded("rob:pw")} for key in keys}})
    for host, path in (("docker.io", "team/app"), ("docker.io", "v1/refresh-token")):
        assert await user(read, host, path) is None


async def test_elsewhere_a_path_behind_a_scheme_is_passed_over_as_docker_does(tmp_path: Path) -> None:
    """docker/cli, cli/config/credentials/file_store.go, `Get` and `ConvertToHostname`."""
    read = config(tmp_path, {"auths": {"https://r.io:5050/group/shop": {"auth": encoded("rob:pw")}}})
    assert await user(read, "r.io:5050", "group/shop/app") == "rob"
    assert await user(read, "r.io:5050", "other/app") == "rob"


@pytest.mark.parametrize("order", [1, -1])
async def test_the_key_of_docker_itself_wins_for_docker_hub(tmp_path: Path, order: int) -> None:
    keys = {"https://index.docker.io/v1/": "docker", "docker.io": "podman", "registry-1.docker.io": "other"}
    entries = [(key, {"auth": encoded(f"{name}:pw")}) for key, name in keys.items()]
    assert await user(config(tmp_path, {"auths": dict(entries[::order])}), "docker.io") == "docker"


@pytest.mark.parametrize("order", [1, -1])
async def test_an_exact_key_wins_over_its_variants(tmp_path: Path, order: int) -> None:
    auths = {"https://r.io/v1/": {"auth": encoded("old:pw")}, "r.io": {"auth": encoded("rob:pw")}}
    read = config(tmp_path, {"auths": dict(list(auths.items())[::order])})
    assert await user(read, "r.io") == "rob"


@pytest.mark.parametrize("order", [1, -1])
async def test_an_exact_key_of_a_path_wins_as_well(tmp_path: Path, order: int) -> None:
    auths = {"quay.io/team/": {"auth": encoded("old:pw")}, "quay.io/team": {"auth": encoded("rob:pw")}}
    read = config(tmp_path, {"auths": dict(list(auths.items())[::order])})
    assert await user(read, "quay.io", "team/app") == "rob"


async def test_the_longest_path_wins(tmp_path: Path) -> None:
    keys = {"quay.io": "all", "quay.io/team": "team", "quay.io/team/app/": "app", "localhost:5000/x": "local"}
    keys |= {"quay.io/XX/": "capitals"}
    read = config(tmp_path, {"auths": {key: {"auth": encoded(f"{name}:pw")} for key, name in keys.items()}})
    assert await user(read, "quay.io", "team/app/cache") == "app"
    assert await user(read, "quay.io", "team/application") == "team"
    assert await user(read, "quay.io", "team") == "team"
    assert await user(read, "quay.io", "XX/app") == "capitals"
    assert await user(read, "quay.io", "teams/app") == "all"
    assert await user(read, "quay.io") == "all"
    assert await user(read, "localhost:5000", "x/y") == "local"
    assert await user(read, "localhost:5000", "y") is None


def test_the_file_is_shown_from_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / ".docker"
    folder.mkdir()
    read = config(folder, {"auths": {"a.io": {"auth": encoded("rob:secret-pw")}}})
    assert repr(read) == "<DockerConfig ~/.docker/config.json 1 entries, 0 helpers>"


def test_nothing_is_logged_of_a_good_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    config(tmp_path, {"auths": {"a.io": {"auth": encoded("rob:secret-pw")}}, "HttpHeaders": {"X": "y"}})
    assert caplog.text == ""


PASSWORDS = {"auths": {"ghcr.io": {"username": "rob", "password": "pw"}}}


@pytest.mark.parametrize(
    ("document", "folder_mode", "file_mode", "told"),
    [
        (PASSWORDS, 0o755, 0o644, True),
        (PASSWORDS, 0o755, 0o640, False),
        (PASSWORDS, 0o700, 0o644, False),
        ({"credsStore": "pass", "auths": {"ghcr.io": {}}}, 0o755, 0o644, False),
    ],
    ids=["by everybody", "by a group", "behind a closed folder", "without a password"],
)
def test_passwords_that_others_can_read_are_told(
    caplog: pytest.LogCaptureFixture, document: dict[str, Any], folder_mode: int, file_mode: int, told: bool
) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as made:  # pytest's own folder is closed to others
        folder = Path(made)
        folder.chmod(folder_mode)
        config(folder, document)
        (folder / "config.json").chmod(file_mode)
        caplog.clear()
        DockerConfig.read(folder)
    assert [record.getMessage() for record in caplog.records] == [
        f"note: {folder}/config.json holds passwords, and every user of this machine can read it: chmod 600 it"
    ][: int(told)]


def test_a_file_that_is_gone_is_open_to_nobody(tmp_path: Path) -> None:
    assert not _is_open_to_all(tmp_path / "none")
