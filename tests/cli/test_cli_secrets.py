"""Our own secrets: what else is run does not see them, and `ps` should not."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from holystone.cli.main import main
from holystone.embedded.access import Basic, User
from holystone.settings import options
from holystone.settings.secrets import OUR_SECRETS, exposed, pieces
from holystone.settings.tables import CLEANUP_OPTIONS
from tests.cli.test_cli_git import git
from tests.cli.test_cli_in_use import write_config
from tests.emulators.kubernetes import KubeApi
from tests.support.command_line import Bench, bench, now
from tests.support.programs import require
from tests.support.tiny_project import WERF_YAML, tiny_project

SECRET = "hunter2-of-ours"
NEEDED = {"AWS_SECRET_ACCESS_KEY": "needed", "SSH_AUTH_SOCK": "/needed", "HTTPS_PROXY": ""}


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path, auth=Basic({"bosun": User("scrub-the-deck")})) as made:
        tiny_project(made.project, made.registry.storage, now=now())
        yield made


def spy(folder: Path, name: str, script: str) -> Path:
    """A program that writes its environment down."""
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\nenv > {folder}/{name}.saw\n{script}\n")
    file.chmod(0o755)
    return file


def test_no_program_that_is_run_sees_them(guarded: Bench, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    spy(programs, "git", f'exec {require("git")} "$@"')
    spy(programs, "docker-credential-spy", """echo '{"Username":"bosun","Secret":"scrub-the-deck"}'""")
    spy(programs, "werf", f"cat {tmp_path}/rendered")
    (tmp_path / "rendered").write_text(WERF_YAML)
    (guarded.project / "werf.yaml").write_text("# {{ }}\n" + WERF_YAML)
    git(guarded.project, "remote", "add", "origin", str(tmp_path / "not-there"))
    answer = '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"kube-token"}}'
    plugin = spy(programs, "plugin", f"echo '{answer}'")
    guarded.docker_config(credHelpers={guarded.registry.host: "spy"})
    with guarded.portal.wrap_async_context_manager(KubeApi(tokens={"kube-token": "rob"})) as api:
        config = guarded.home / ".kube" / "config"
        write_config(config, {"prod": api})
        config.write_text(
            config.read_text().replace(
                '{"token": "kube-token-0123456789"}',
                '{"exec": {"apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never", '
                f'"command": "{plugin}"}}}}',
            )
        )
        named = {name for name in OUR_SECRETS if "KUBE" not in name and "HARBOR" not in name}
        ran = guarded.cleanup(
            "--dry-run",
            "--without-kube=false",
            env={"PATH": f"{programs}:/usr/bin:/bin", **dict.fromkeys(named, SECRET), **NEEDED},
        )
    assert ran.code == 0, ran
    seen = {file.name: file.read_text() for file in programs.glob("*.saw")}
    assert seen.keys() == {"git.saw", "docker-credential-spy.saw", "werf.saw", "plugin.saw"}
    for name, text in seen.items():
        assert SECRET not in text, name
        assert not {line.partition("=")[0] for line in text.splitlines()} & OUR_SECRETS
        assert NEEDED.keys() <= {line.partition("=")[0] for line in text.splitlines()}, name


def test_every_option_that_is_a_credential_is_known_as_one() -> None:
    words = ("password", "token", "username", "base64", "secret", "login")
    for option in CLEANUP_OPTIONS:
        is_one = any(word in option.name for word in words) and option is not options.TRUST_TOKEN_SERVER
        assert bool(option.credential) == is_one, option.name
        assert bool(set(option.variables) & OUR_SECRETS) == is_one


def test_a_secret_on_the_command_line_is_told_once(shop: Bench) -> None:
    ran = shop.cleanup("--dry-run", f"--repo-quay-token={SECRET}", f"--images-repo-github-token={SECRET}")
    assert ran.code == 0
    (note,) = (line for line in ran.notes if "ps" in line)
    assert "--repo-quay-token" in note
    assert "--images-repo-github-token" in note
    assert "$WERF_REPO_QUAY_TOKEN" in note
    assert "$WERF_IMAGES_REPO_GITHUB_TOKEN" in note
    assert SECRET not in ran.out + ran.err
    assert not [line for line in shop.cleanup("--dry-run", env={"WERF_REPO_QUAY_TOKEN": SECRET}).notes if "ps" in line]
    assert "ps" not in shop.cleanup("--dry-run", "--log-quiet", f"--repo-quay-token={SECRET}").err


def test_where_a_secret_is_may_be_seen() -> None:
    assert not list(exposed({"repo_quay_token": "env:QUAY", "images_repo_github_token": "file:/run/token"}))
    words = ["--repo-quay-token=file:/run/token", "horse", "--repo-github-token", "env:GH", "battery"]
    assert list(pieces(words)) == ["horse", "battery"]


@pytest.mark.parametrize("given_by", ["option", "variable"])
def test_a_secret_in_another_variable_is_hidden_before_it_is_read(shop: Bench, tmp_path: Path, given_by: str) -> None:
    """Whoever may commit can have werf say what stands in a variable, which is before any registry is asked."""
    programs = tmp_path / "bin"
    spy(programs, "werf", 'echo "werf.yaml says $QUAY" >&2; exit 1')
    (shop.project / "werf.yaml").write_text("# {{ }}\n" + WERF_YAML)
    env = {"PATH": f"{programs}:/usr/bin:/bin", "QUAY": SECRET}
    words = ("--repo-quay-token=env:QUAY",) if given_by == "option" else ()
    ran = shop.cleanup("--dry-run", *words, env=env if words else {**env, "WERF_REPO_QUAY_TOKEN": "env:QUAY"})
    assert (ran.code, "werf.yaml says ***" in ran.err) == (2, True), ran
    assert SECRET not in ran.out + ran.err


def test_a_secret_that_is_not_where_it_was_said_to_be_is_wrong_usage(shop: Bench) -> None:
    ran = shop.cleanup("--dry-run", "--without-kube=false", "--kube-config-base64=file:none")
    assert (ran.code, "--kube-config-base64 refers to the file" in ran.err) == (2, True)


def test_names_are_no_secrets() -> None:
    assert not list(exposed({"repo_harbor_username": "rob", "images_repo": "r.io/x"}))


@pytest.mark.parametrize(
    "words",
    [
        ["--repo-docker-hub-password", "correct", "horse", "battery"],
        ["--repo-docker-hub-password=correct", "horse", "battery"],
        ["--repo-docker-hub-password=", "horse", "battery", "--dry-run"],
        ["--dry-run", "--repo-docker-hub-password", "correct", "horse", "--repo-docker-hub-passwort", "battery"],
    ],
    ids=" ".join,
)
def test_a_password_that_nobody_quoted_is_not_repeated(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["holystone", "cleanup", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert not re.search("correct|horse|battery", capsys.readouterr().err)
