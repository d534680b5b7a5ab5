"""Words of a command line → options, as werf reads them."""

import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import click
import pytest
from click.testing import CliRunner

from holystone.settings import tables
from holystone.settings.decorators import Group, options


def parsed(*args: str) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    group = Group("holystone")

    @group.command()
    @options(tables.CLEANUP_OPTIONS)
    @click.argument("names", nargs=-1)
    def cleanup(**given: Any) -> None:
        seen.update(given)

    result = CliRunner().invoke(group, ["cleanup", *args])
    assert result.exit_code == 0, result.output
    return {key: value for key, value in seen.items() if value not in (None, ())}


@pytest.mark.parametrize(
    ("args", "given"),
    [
        ((), {}),
        (("--dry-run",), {"dry_run": "true"}),
        (("--dry-run=false",), {"dry_run": "false"}),
        (("--dry-run=",), {"dry_run": ""}),
        (("--dry-run=maybe",), {"dry_run": "maybe"}),
        (("--dry-run", "--insecure-registry"), {"dry_run": "true", "insecure_registry": ("true",)}),
        (
            ("--insecure-registry=a.example", "--insecure-registry", "x"),
            {"insecure_registry": ("a.example", "true"), "names": ("x",)},
        ),
        (("--dry-run", "-i", "a"), {"dry_run": "true", "images_repo": "a"}),
        (("--dry-run", "name"), {"dry_run": "true", "names": ("name",)}),
        (("--dry-run", "false"), {"dry_run": "true", "names": ("false",)}),
        (("name", "--dry-run"), {"dry_run": "true", "names": ("name",)}),
        (("--dry-run", "--dry-run=false"), {"dry_run": "false"}),
        (("-p",), {"parallel": "true"}),
        (("-p=false",), {"parallel": "false"}),
        (("-p", "name"), {"parallel": "true", "names": ("name",)}),
        (("--parallel=0",), {"parallel": "0"}),
        (("--", "--dry-run"), {"names": ("--dry-run",)}),
        (("--config", "--dry-run"), {"config": "--dry-run"}),
        (("--images-repo=a", "--stages-storage", "b"), {"images_repo": "a", "stages_storage": "b"}),
        (("--images-repo=",), {"images_repo": ""}),
        (("-s", "a", "-N", "p"), {"stages_storage": "a", "project_name": "p"}),
        (("-s=a", "-i=", "-N", "=p"), {"stages_storage": "a", "images_repo": "", "project_name": "=p"}),
        (("--image", "a", "--image=~"), {"image": ("a", "~")}),
        (("--git-unshallow",), {"git_history_synchronization": "true"}),
        (("--git-unshallow", "--git-history-synchronization=no"), {"git_history_synchronization": "no"}),
        (("--git-history-based-cleanup-v1.2=false",), {"git_history_based_cleanup_v1_2": "false"}),
        (("--git-history-based-cleanup",), {"git_history_based_cleanup": "true"}),
        (("--parallel-tasks-limit", "-1"), {"parallel_tasks_limit": "-1"}),
        (
            ("-S", ":local", "--force", "--ssh-key", "k"),
            {"synchronization": ":local", "force": "true", "ssh_key": ("k",)},
        ),
        (("--trust-token-server=a", "--without-kube"), {"trust_token_server": ("a",), "without_kube": "true"}),
    ],
)
def test_words(args: tuple[str, ...], given: Mapping[str, Any]) -> None:
    assert parsed(*args) == given


def test_every_option_is_taken() -> None:
    for option in tables.CLEANUP_OPTIONS:
        assert parsed(f"{option.flag}=x") == {option.key: ("x",) if option.kind in ("many", "hosts") else "x"}


def test_help_names_options_and_variables() -> None:
    group = Group()
    group.command("cleanup")(options(tables.CLEANUP_OPTIONS)(lambda **_: None))
    shown = CliRunner().invoke(group, ["cleanup", "--help"], terminal_width=200).output
    assert "-i, --images-repo REPO" in shown
    assert "--dry-run [=true|false]" in shown
    assert "$WERF_GIT_HISTORY_BASED_CLEANUP_v1_2" in shown
    assert "--ssh-key" not in shown


def test_nothing_heavy_is_imported() -> None:
    program = (
        "import sys, holystone.settings.decorators, holystone.settings.resolve; heavy = "
        "{'aiohttp', 'pygit2', 'structlog', 'anyio', 'asyncio', 'yaml', 're2', 'platformdirs'}; "
        "print(*heavy & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
