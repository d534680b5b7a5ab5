from pathlib import Path
from typing import Any

import pytest

from holystone.adapters.credentials.reference import InFile, InVariable
from holystone.adapters.http.hosts import NOWHERE, Hosts
from holystone.adapters.registries.reach import TokenServer
from holystone.engine.errors import UsageError
from holystone.engine.model.references import RegistryHost
from holystone.policies.werf.v1.tag_strategy import Allowance, StrategyRules
from holystone.settings.option import Option
from holystone.settings.resolve import resolve
from holystone.settings.tables import CLEANUP_OPTIONS
from holystone.settings.values import CleanupSettings

REPOS = {"images_repo": "r.example/app", "stages_storage": "r.example/app/stages"}
HOME = {"HOME": "/home/me"}
OWN = Hosts(registries=True)


def only(*hosts: str) -> Hosts:
    return Hosts(named=frozenset(map(RegistryHost, hosts)))


def settled(options: dict[str, Any] | None = None, environ: dict[str, str] | None = None) -> CleanupSettings:
    return resolve(REPOS | (options or {}), HOME | (environ or {}))


def test_defaults() -> None:
    found = settled()
    assert (found.images_repo, found.stages_storage) == ("r.example/app", "r.example/app/stages")
    assert (found.images_repo_mode, found.images_implementation, found.stages_implementation) == ("auto",) * 3
    assert found.registry.docker_config == Path("/home/me/.docker")
    assert (found.registry.insecure, found.registry.unverified, found.registry.concurrency) == (NOWHERE, NOWHERE, 10)
    assert found.registry.trusted_token_servers == ()
    assert (found.project.directory, found.project.config, found.project.images) == (Path(), None, ())
    history = found.history
    assert (history.decides, history.v1_2, history.v1_2_explicit) == (True, True, False)
    assert (history.allow_shallow_clone, history.synchronize) == (False, False)
    assert (found.run.dry_run, found.run.plan_out, found.run.output) == (False, None, "text")
    assert found.run.yes_delete_that_many is False
    assert found.run.state_dir.is_absolute()
    assert found.run.state_dir != found.run.cache_dir
    assert (found.log.level, found.log.color) == ("normal", "auto")
    assert found.stages_grace == 7200
    assert found.notes == ()


def at(settings: CleanupSettings, path: str) -> Any:
    value: Any = settings
    for name in path.split("."):
        value = getattr(value, name)
    return value


@pytest.mark.parametrize(
    ("options", "environ", "path", "value"),
    [
        ({}, {"WERF_IMAGES_REPO": "other"}, "images_repo", "r.example/app"),
        ({"images_repo": None}, {"WERF_IMAGES_REPO": "other"}, "images_repo", "other"),
        ({"stages_storage": None}, {"WERF_STAGES_STORAGE": "s/s"}, "stages_storage", "s/s"),
        ({}, {"WERF_IMAGES_REPO_MODE": "monorepo"}, "images_repo_mode", "monorepo"),
        ({}, {"WERF_REPO_IMPLEMENTATION": "ecr"}, "images_implementation", "ecr"),
        ({}, {"WERF_REPO_IMPLEMENTATION": "ecr"}, "stages_implementation", "ecr"),
        ({"repo_implementation": "gcr"}, {"WERF_REPO_IMPLEMENTATION": "ecr"}, "stages_implementation", "gcr"),
        (
            {"repo_implementation": "gcr"},
            {"WERF_STAGES_STORAGE_REPO_IMPLEMENTATION": "ecr"},
            "stages_implementation",
            "ecr",
        ),
        (
            {"images_repo_implementation": "", "repo_implementation": "gcr"},
            {"WERF_IMAGES_REPO_IMPLEMENTATION": "ecr"},
            "images_implementation",
            "gcr",
        ),
        ({}, {"DOCKER_CONFIG": "/a", "WERF_DOCKER_CONFIG": "/b"}, "registry.docker_config", Path("/b")),
        ({}, {"DOCKER_CONFIG": "/a", "WERF_DOCKER_CONFIG": ""}, "registry.docker_config", Path("/a")),
        ({"docker_config": ""}, {"DOCKER_CONFIG": "/a"}, "registry.docker_config", Path("/home/me/.docker")),
        ({}, {"WERF_INSECURE_REGISTRY": "1"}, "registry.insecure", OWN),
        ({}, {"WERF_SKIP_TLS_VERIFY_REGISTRY": "yes"}, "registry.unverified", OWN),
        ({"insecure_registry": ("true",)}, {}, "registry.insecure", OWN),
        ({"insecure_registry": ("false",)}, {"WERF_INSECURE_REGISTRY": "1"}, "registry.insecure", NOWHERE),
        ({}, {"WERF_INSECURE_REGISTRY": "0"}, "registry.insecure", NOWHERE),
        *(({}, {"WERF_INSECURE_REGISTRY": word}, "registry.insecure", NOWHERE) for word in ("t", "ON", "f", "off")),
        *(({}, {"WERF_SKIP_TLS_VERIFY_REGISTRY": word}, "registry.unverified", NOWHERE) for word in ("T", "on")),
        ({}, {"HOLYSTONE_INSECURE_REGISTRY_1": "t"}, "registry.insecure", OWN),
        ({"insecure_registry": ("t",)}, {}, "registry.insecure", OWN),
        ({"insecure_registry": ("R.lan:5000", "localhost")}, {}, "registry.insecure", only("r.lan:5000", "localhost")),
        (
            {},
            {"WERF_INSECURE_REGISTRY": "yes", "HOLYSTONE_INSECURE_REGISTRY_1": "r.lan"},
            "registry.insecure",
            Hosts(True, only("r.lan").named),
        ),
        ({"skip_tls_verify_registry": ("[::1]:5000",)}, {}, "registry.unverified", only("[::1]:5000")),
        ({"parallel_tasks_limit": "-1"}, {}, "registry.concurrency", None),
        ({"parallel_tasks_limit": "4"}, {}, "registry.concurrency", 4),
        ({"parallel_tasks_limit": "4", "parallel": "false"}, {}, "registry.concurrency", 1),
        ({}, {"WERF_PARALLEL": "0"}, "registry.concurrency", 1),
        (
            {"trust_token_server": ("Auth.example:5001", "R.example:5000=auth.example")},
            {},
            "registry.trusted_token_servers",
            (
                TokenServer(RegistryHost("auth.example:5001")),
                TokenServer(RegistryHost("auth.example"), RegistryHost("r.example:5000")),
            ),
        ),
        ({}, {"WERF_DIR": "d", "WERF_CONFIG": "c"}, "project.directory", Path("d")),
        ({}, {"WERF_DIR": "d", "WERF_CONFIG": "c"}, "project.config", Path("c")),
        ({}, {"WERF_CONFIG_TEMPLATES_DIR": "t"}, "project.templates_dir", Path("t")),
        ({"image": ("a", "~", "__nameless__", "a")}, {}, "project.images", ("a", "")),
        ({"keep_policies": "k"}, {}, "project.keep_policies", Path("k")),
        ({"project_name": "shop"}, {"WERF_PROJECT_NAME": "other"}, "project.name", "shop"),
        ({"default_policies_include_main": "true"}, {}, "project.default_policies_include_main", True),
        ({}, {"WERF_ALLOW_GIT_SHALLOW_CLONE": "1"}, "history.allow_shallow_clone", True),
        ({}, {"WERF_GIT_HISTORY_SYNCHRONIZATION": "1"}, "history.synchronize", True),
        ({}, {"WERF_GIT_UNSHALLOW": "1"}, "history.synchronize", True),
        ({"git_history_synchronization": "false"}, {"WERF_GIT_UNSHALLOW": "1"}, "history.synchronize", False),
        ({"kube_config_base64": "c2VjcmV0"}, {}, "kubernetes.config_base64.secret.reveal", "c2VjcmV0"),
        ({}, {"KUBECONFIG_BASE64": "env:K"}, "kubernetes.config_base64", InVariable("K", "$KUBECONFIG_BASE64")),
        (
            {"kube_config_base64": "file:~/k"},
            {},
            "kubernetes.config_base64",
            InFile("/home/me/k", "--kube-config-base64"),
        ),
        ({}, {}, "kubernetes.config", None),
        ({}, {}, "kubernetes.default_config", Path("/home/me/.kube/config")),
        ({}, {"KUBECONFIG": "/a::/b"}, "kubernetes.config", (Path("/a"), Path("/b"))),
        ({}, {"KUBECONFIG": "/a", "WERF_KUBECONFIG": "/b"}, "kubernetes.config", (Path("/b"),)),
        ({}, {"WERF_KUBECONFIG": "/a", "WERF_KUBE_CONFIG": "/b"}, "kubernetes.config", (Path("/b"),)),
        ({"kube_config": "~/k"}, {"WERF_KUBE_CONFIG": "/b"}, "kubernetes.config", (Path("/home/me/k"),)),
        ({"exclude_kube_context": ("a", "b")}, {}, "kubernetes.excluded", ("a", "b")),
        ({}, {"HOLYSTONE_EXCLUDE_KUBE_CONTEXT_1": "a"}, "kubernetes.excluded", ("a",)),
        ({"in_use": ("-", "~/used", "-")}, {}, "in_use", (None, Path("/home/me/used"))),
        ({}, {"HOLYSTONE_IN_USE_HOSTS": "/a", "HOLYSTONE_IN_USE_ECS": "-"}, "in_use", (None, Path("/a"))),
        ({"kube_context": "prod"}, {}, "kubernetes.context", "prod"),
        ({"scan_context_namespace_only": "true"}, {}, "kubernetes.context_namespace_only", True),
        ({}, {"WERF_WITHOUT_KUBE": "true"}, "kubernetes.without", True),
        ({}, {"WERF_DRY_RUN": "1"}, "run.dry_run", True),
        ({"dry_run": "false"}, {"WERF_DRY_RUN": "1"}, "run.dry_run", False),
        ({"plan_out": "p.json"}, {}, "run.plan_out", Path("p.json")),
        ({}, {"HOLYSTONE_OUTPUT": "json"}, "run.output", "json"),
        ({"yes_delete_that_many": "true"}, {}, "run.yes_delete_that_many", True),
        ({}, {"HOLYSTONE_YES_DELETE_THAT_MANY": "true"}, "run.yes_delete_that_many", False),
        ({"state_dir": "/s"}, {}, "run.state_dir", Path("/s")),
        ({}, {"HOLYSTONE_CACHE_DIR": "/c"}, "run.cache_dir", Path("/c")),
        ({"log_quiet": "true"}, {}, "log.level", "quiet"),
        ({"log_verbose": "true"}, {"WERF_LOG_QUIET": "1"}, "log.level", "verbose"),
        ({"log_verbose": "true", "log_debug": "true"}, {}, "log.level", "debug"),
        ({}, {"WERF_LOG_COLOR_MODE": "off"}, "log.color", "off"),
        ({"keep_stages_younger_than": "30m"}, {}, "stages_grace", 1800),
        ({"keep_stages_younger_than": "0"}, {}, "stages_grace", 0),
    ],
)
def test_where_each_value_comes_from(options: dict[str, Any], environ: dict[str, str], path: str, value: Any) -> None:
    found = at(settled(options, environ), path)
    assert (found() if callable(found) else found) == value


@pytest.mark.parametrize(
    ("variable", "option", "seconds"),
    [
        ("", None, 7200),
        ("1", None, 0),
        ("true", None, 0),
        ("on", None, 0),
        ("0", None, 7200),
        ("false", None, 7200),
        ("no", None, 7200),
        ("1", "1h", 3600),
    ],
)
def test_grace_of_stages(variable: str, option: str | None, seconds: int) -> None:
    environ = {"WERF_DISABLE_STAGES_CLEANUP_DATE_PERIOD_POLICY": variable}
    assert settled({"keep_stages_younger_than": option}, environ).stages_grace == seconds


@pytest.mark.parametrize(
    ("older", "newer", "decides", "v1_2", "explicit"),
    [
        (None, None, True, True, False),
        ("true", None, True, True, False),
        ("false", None, False, False, False),
        (None, "true", True, True, True),
        (None, "false", True, False, True),
        ("false", "true", True, True, True),
        ("false", "false", False, False, True),
    ],
)
@pytest.mark.parametrize("by_variable", [False, True])
def test_what_decides(
    older: str | None, newer: str | None, decides: bool, v1_2: bool, explicit: bool, by_variable: bool
) -> None:
    if by_variable:
        environ = {
            "WERF_GIT_HISTORY_BASED_CLEANUP": older or "",
            "WERF_GIT_HISTORY_BASED_CLEANUP_v1_2": newer or "",
        }
        history = settled(environ=environ).history
    else:
        options = {"git_history_based_cleanup": older, "git_history_based_cleanup_v1_2": newer}
        history = settled(options).history
    assert (history.decides, history.v1_2, history.v1_2_explicit) == (decides, v1_2, explicit)


@pytest.mark.parametrize(
    ("options", "environ", "said"),
    [
        ({"images_repo": None}, {}, "--images-repo is missing\nGive --images-repo REPO or set $WERF_IMAGES_REPO."),
        ({"images_repo": ""}, {"WERF_IMAGES_REPO": "other"}, "--images-repo is given empty"),
        ({"stages_storage": None}, {}, "--stages-storage is missing"),
        ({"stages_storage": ":local"}, {}, "--stages-storage: :local is not a registry: it is werf's"),
        ({"stages_storage": None}, {"WERF_STAGES_STORAGE": ":local"}, "$WERF_STAGES_STORAGE: :local is not a registry"),
        ({"images_repo": ":local"}, {}, "--images-repo: :local is not a registry"),
        ({"images_repo": ":local"}, {}, "e.g. --images-repo registry.example.com/shop."),
        ({"stages_storage": ":local"}, {}, "e.g. --stages-storage registry.example.com/shop/stages. What is in the"),
        ({"images_repo": ":other"}, {}, "--images-repo: :other is not a registry\nUse the repository"),
        ({"images_repo": "https://r.example/a"}, {}, "without https:// and blanks"),
        ({"images_repo": "r.example/a "}, {}, "without https:// and blanks"),
        ({"images_repo_mode": "both"}, {}, "--images-repo-mode: 'both' is not one of auto, multirepo, monorepo"),
        ({"repo_implementation": "nexus"}, {}, "--repo-implementation: 'nexus' is not one of auto, ecr"),
        ({}, {"WERF_DRY_RUN": "sure"}, "$WERF_DRY_RUN: 'sure' is neither yes (1, true, yes) nor no (0, false, no)"),
        ({"dry_run": ""}, {}, "--dry-run: '' is neither"),
        ({"insecure_registry": ("ture",)}, {}, "--insecure-registry: 'ture' is neither yes"),
        ({"insecure_registry": ("",)}, {}, "--insecure-registry: '' is neither yes"),
        (
            {"insecure_registry": ("http://r.lan",)},
            {},
            "--insecure-registry: 'http://r.lan' is not a valid registry host",
        ),
        ({}, {"WERF_SKIP_TLS_VERIFY_REGISTRY": "r.lan/app"}, "WERF_SKIP_TLS_VERIFY_REGISTRY: 'r.lan/app' is not a"),
        ({"trust_token_server": ("=auth.example",)}, {}, "--trust-token-server: '' is not a valid registry host"),
        ({"trust_token_server": ("https://x",)}, {}, "--trust-token-server: 'https://x' is not a valid registry host"),
        ({"image": ("/home/me",)}, {}, "Quote it: '~'"),
        ({"image": ("",)}, {}, "--image: an empty name"),
        ({"image": ("a b",)}, {}, "--image: 'a b' is not a valid image name"),
        ({"output": "yaml"}, {}, "--output: 'yaml' is not one of text, json"),
        ({"log_color_mode": "pink"}, {}, "--log-color-mode: 'pink' is not one of auto, on, off"),
        ({"git_commit_strategy_limit": "few"}, {}, "--git-commit-strategy-limit: 'few' is not a whole number"),
        ({"keep_stages_younger_than": "2d"}, {}, "--keep-stages-younger-than: '2d' is not a duration"),
    ],
)
def test_refused(options: dict[str, Any], environ: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        settled(options, environ)
    assert said in str(caught.value)
    assert caught.value.exit_code == 2


def test_minikube() -> None:
    found = settled({"images_repo": ":minikube"})
    assert found.images_repo_of("shop") == "werf-registry.kube-system.svc.cluster.local:5000/shop"
    with pytest.raises(UsageError, match="needs the project's name"):
        found.images_repo_of(None)
    assert settled().images_repo_of(None) == "r.example/app"


def test_what_has_no_effect_is_said() -> None:
    options = {"synchronization": ":local", "force": "true", "ssh_key": ("a", "b")}
    environ = {"WERF_HOME": "/h", "WERF_LOG_TERMINAL_WIDTH": "95"}
    assert [note.split(" has no effect: ")[0] for note in settled(options, environ).notes] == [
        "--synchronization",
        "$WERF_HOME",
        "--ssh-key",
        "--force",
        "$WERF_LOG_TERMINAL_WIDTH",
    ]


STRATEGIES = {
    "git_tag_strategy_limit": "3",
    "git_commit_strategy_expiry_days": "0",
    "stages_signature_strategy_limit": "-1",
}


def test_limits_of_tag_strategies() -> None:
    environ = {
        "WERF_GIT_TAG_STRATEGY_LIMIT": "9",  # the option wins
        "WERF_GIT_TAG_STRATEGY_EXPIRY_DAYS": "30",
        "WERF_GIT_COMMIT_STRATEGY_LIMIT": "0",
        "WERF_STAGES_SIGNATURE_STRATEGY_EXPIRY_DAYS": "7",
    }
    found = settled({**STRATEGIES, "git_history_based_cleanup": "false"}, environ)
    assert not found.history.decides
    assert found.history.strategies == StrategyRules(
        git_tag=Allowance(3, 30), git_commit=Allowance(0, 0), stages_signature=Allowance(None, 7)
    )
    assert settled().history.strategies == StrategyRules()
    assert found.notes == ()


def test_strategies_and_history_have_no_effect_on_each_other() -> None:
    assert settled(STRATEGIES, {"WERF_GIT_COMMIT_STRATEGY_LIMIT": "5"}).notes == (
        "--git-tag-strategy-limit has no effect: git history decides.",
        "$WERF_GIT_COMMIT_STRATEGY_LIMIT has no effect: git history decides.",
        "--git-commit-strategy-expiry-days has no effect: git history decides.",
        "--stages-signature-strategy-limit has no effect: git history decides.",
    )
    by_strategy = {"git_history_based_cleanup": "false", "keep_policies": "policies.yaml"}
    assert settled(by_strategy, {"HOLYSTONE_DEFAULT_POLICIES_INCLUDE_MAIN": "1"}).notes == (
        "--keep-policies has no effect: tag strategies decide.",
        "$HOLYSTONE_DEFAULT_POLICIES_INCLUDE_MAIN has no effect: tag strategies decide.",
    )


@pytest.mark.parametrize("option", [each for each in CLEANUP_OPTIONS if each.credential == "secret"])
def test_every_secret_can_be_given_by_reference(option: Option) -> None:
    half = {option.key.replace("password", "username"): "rob"} if "password" in option.key else {}
    for typed in (True, False):
        made = settled(
            {**half, option.key: "env:X"} if typed else half, {} if typed else {option.variables[0]: "env:X"}
        )
        logins = [login for access in made.registry.access.values() for login in access.logins.values()]
        origins = {each.origin for each in (*logins, made.kubernetes.config_base64) if each}
        assert origins == {f"env:X of {option.flag if typed else '$' + option.variables[0]}"}


def test_a_variable_that_is_a_login_itself_cannot_be_referred_to() -> None:
    """It is not there any more when it would be read."""
    with pytest.raises(UsageError, match=r"--repo-github-token refers to the variable WERF_REPO_QUAY_TOKEN, which is"):
        settled({"repo_github_token": "env:WERF_REPO_QUAY_TOKEN"})


def test_no_secret_is_shown() -> None:
    assert "c2VjcmV0" not in repr(settled({"kube_config_base64": "c2VjcmV0"}))
