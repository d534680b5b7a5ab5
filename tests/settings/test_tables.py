"""What purge and managed-images take: every word of werf's, with an effect or without."""

import pytest

from holystone.engine.errors import UsageError
from holystone.settings import options as o
from holystone.settings import tables
from holystone.settings.given import Options
from holystone.settings.option import Option
from holystone.settings.resolve import resolve_direct
from holystone.settings.values import ImagesSettings

TABLES = {
    "images purge": tables.IMAGES_PURGE_OPTIONS,
    "stages purge": tables.STAGES_PURGE_OPTIONS,
    "ls": tables.LS_OPTIONS,
    "add": tables.ADD_OPTIONS,
    "rm": tables.RM_OPTIONS,
}
OF_WERF = """
-i --images-repo --images-repo-mode -s --stages-storage --images-repo-implementation
--stages-storage-repo-implementation --repo-implementation --docker-config --insecure-registry
--skip-tls-verify-registry --config --config-templates-dir --dir --dry-run --allow-git-shallow-clone
--git-history-synchronization --git-unshallow --git-history-based-cleanup --git-history-based-cleanup-v1.2
--git-tag-strategy-limit --git-tag-strategy-expiry-days --git-commit-strategy-limit --git-commit-strategy-expiry-days
--stages-signature-strategy-limit --stages-signature-strategy-expiry-days --kube-config --kube-config-base64
--kube-context --scan-context-namespace-only --without-kube --parallel -p --parallel-tasks-limit --synchronization -S
--home-dir --tmp-dir --ssh-key --force --project-name -N --log-color-mode --log-debug --log-pretty --log-project-dir
--log-quiet --log-terminal-width --log-verbose
"""
LOGINS = (
    "docker-hub-token docker-hub-username docker-hub-password github-token harbor-username harbor-password quay-token"
)
WERF_FLAGS = OF_WERF.split() + [
    f"--{place}-{name}" for place in ("repo", "images-repo", "stages-storage-repo") for name in LOGINS.split()
]


@pytest.mark.parametrize("table", [*TABLES.values(), tables.CLEANUP_OPTIONS], ids=[*TABLES, "cleanup"])
def test_every_flag_of_werf_is_taken(table: tuple[Option, ...]) -> None:
    names = [name for option in table for name in (option.flag, *option.aliases)]
    assert set(WERF_FLAGS) <= set(names)
    assert len(names) == len(set(names))


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_what_has_no_effect_is_hidden_and_says_so(table: tuple[Option, ...]) -> None:
    idle = [option for option in table if option.no_effect]
    assert {"kube-config", "ssh-key", "keep-policies", "yes-delete-that-many"} <= {option.name for option in idle}
    assert all(option.hidden and option.help.startswith("No effect") for option in idle)


def test_yes_is_an_option_of_what_asks_and_no_variable() -> None:
    assert o.YES.variables == ()
    asking = {name for name, table in TABLES.items() if o.YES in table}
    assert asking == {"images purge", "stages purge"}
    assert o.YES in tables.APPLY_OPTIONS
    assert o.YES not in tables.RESUME_OPTIONS
    assert o.YES not in tables.CLEANUP_OPTIONS


HOME = {"HOME": "/home/me"}
BOTH = {"images_repo": "r.example/shop", "stages_storage": "r.example/shop/stages"}
STAGES = {"stages_storage": "r.example/shop/stages"}


def test_what_was_typed_without_effect_is_told_and_variables_are_not() -> None:
    given: Options = {**BOTH, "force": "true", "ssh_key": ("k",), "kube_context": "prod"}
    environ = {**HOME, "WERF_TMP_DIR": "/tmp/x", "WERF_KUBE_CONTEXT": "staging", "WERF_WITHOUT_KUBE": "true"}
    settings = resolve_direct(given, environ, images_repo="needed", table=tables.IMAGES_PURGE_OPTIONS)
    assert sorted(settings.notes) == [
        "--force has no effect: it concerns containers of a local stages storage.",
        "--kube-context has no effect: a purge asks no policy.",
        "--ssh-key has no effect: git uses your own ssh set-up.",
    ]


def test_variables_of_other_commands_are_not_even_read() -> None:
    environ = {**HOME, "WERF_KUBE_CONTEXT": "", "WERF_GIT_HISTORY_BASED_CLEANUP": "perhaps"}
    assert resolve_direct(BOTH, environ, images_repo="needed", table=tables.IMAGES_PURGE_OPTIONS).notes == ()
    settings = resolve_direct(STAGES, {**HOME, "WERF_IMAGES_REPO": ":local"}, images_repo="unused")
    assert not isinstance(settings.places, ImagesSettings)


def test_the_images_repo_is_needed_welcome_or_unused() -> None:
    with pytest.raises(UsageError, match="--images-repo is missing"):
        resolve_direct(STAGES, HOME, images_repo="needed")
    for welcome, given in (("needed", BOTH), ("welcome", BOTH)):
        assert isinstance(resolve_direct(given, HOME, images_repo=welcome).places, ImagesSettings)  # type: ignore[arg-type]
    for welcome, given in (("welcome", STAGES), ("unused", BOTH)):
        assert not isinstance(resolve_direct(given, HOME, images_repo=welcome).places, ImagesSettings)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="--images-repo: :local is not a registry"):
        resolve_direct({**STAGES, "images_repo": ":local"}, HOME, images_repo="welcome")


def test_a_place_is_called_what_the_user_calls_it() -> None:
    both, stages = (resolve_direct(given, HOME, images_repo="welcome") for given in (BOTH, STAGES))
    assert both.address(images_first=True) == "r.example/shop"
    assert both.address(images_first=False) == stages.address(images_first=True) == "r.example/shop/stages"


def test_policies_are_not_read() -> None:
    given = {**BOTH, "keep_policies": "policies.yaml", "default_policies_include_main": "true"}
    project = resolve_direct(given, HOME, images_repo="needed").project
    assert project.keep_policies is None
    assert not project.default_policies_include_main
