from typing import Any

import pytest

from holystone.adapters.registries.detection import detect, mode_rules
from holystone.adapters.registries.implementations import IMPLEMENTATIONS
from holystone.engine.errors import UsageError
from holystone.engine.names import parse_address
from holystone.policies.werf.v1 import check_image_names, resolve_mode
from tests.support.vectors import load_vectors

CASES = load_vectors("implementations-and-modes")["cases"]

# Where werf says `default` and the host says more.
DETECTED_BETTER = {"registry.gitlab.com/group/project": "gitlab"}


def resolved(address: str, mode: str, override: str | None = None) -> str:
    parsed = parse_address(address)
    implementation = detect(parsed, override).implementation
    try:
        return resolve_mode(mode_rules(implementation, parsed), parsed, mode)
    except UsageError:
        return "error"


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['address']} {case.get('implementation_option', '')}")
def test_implementation_and_mode_are_werfs(case: dict[str, Any]) -> None:
    address, option = case["address"], case.get("implementation_option")
    expected = DETECTED_BETTER.get(address, case["implementation"])
    assert detect(parse_address(address), option).implementation == expected
    for mode in ("auto", "monorepo", "multirepo"):
        refused_better = mode == "monorepo" and parse_address(address).path is None
        assert resolved(address, mode, option) == ("error" if refused_better else case[mode]), mode


@pytest.mark.parametrize(
    ("address", "implementation"),
    [
        ("docker.io/account/app", "dockerhub"),
        ("registry-1.docker.io/account/app", "dockerhub"),
        ("registry.hub.docker.com/account/app", "dockerhub"),
        ("ghcr.io/owner/app", "github"),
        ("containers.acme.ghe.com/owner/app", "github"),
        ("registry.gitlab.com/g/p", "gitlab"),
        ("gitlab.example.com:5050/g/p", "default"),
        ("europe-docker.pkg.dev/p/r/app", "gcr"),
        ("docker.europe-west1.rep.pkg.dev/p/r/app", "gcr"),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/x", "ecr"),
        ("123456789012.dkr-ecr.eu-west-1.on.aws/x", "ecr"),
        ("123456789012.dkr-ecr-fips.us-east-1.on.aws/x", "ecr"),
        ("123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu/x", "ecr"),
        ("123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov/x", "ecr"),
        ("acme.azurecr.cn/x", "acr"),
        ("acme.azurecr.us/x", "acr"),
        ("acme.azurecr.sovcloud-azure.fr/x", "acr"),
        ("harbor.company.com:8443/project/x", "harbor"),
        ("demo.goharbor.io/project/x", "harbor"),
        ("quay.company.com:8443/a/b", "quay"),
        # Whole host names only.
        ("gcr.io.evil.example/p", "default"),
        ("eu.gcr.io.evil.example/p", "default"),
        ("acme.azurecr.io.evil.example/x", "default"),
        ("quay.io.evil.example/a/b", "default"),
        ("gitlab.com.evil.example/x/y", "default"),
        ("index.docker.io.evil.example/a/b", "default"),
        ("docker.pkg.github.com.evil.example/a/b", "default"),
        ("evilgcr.io/p", "default"),
        ("evilghcr.io/p", "default"),
        ("1123456789012.dkr.ecr.eu-west-1.amazonaws.com/x", "default"),
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example/x", "default"),
        ("my-harbor.example.com/x", "default"),
    ],
)
def test_hosts_beyond_werfs_list(address: str, implementation: str) -> None:
    assert detect(parse_address(address), None).implementation == implementation


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_an_option_wins(implementation: str) -> None:
    assert detect(parse_address("quay.io/a/b"), implementation) == (implementation, "user")


def test_auto_and_nothing_ask_the_host() -> None:
    assert detect(parse_address("quay.io/a"), "auto") == detect(parse_address("quay.io/a"), "") == ("quay", "name")


def test_an_unknown_implementation_is_refused() -> None:
    with pytest.raises(UsageError, match=r"'nexus' is not a registry implementation\.\nChoose one of acr, def"):
        detect(parse_address("r.io/a"), "nexus")


@pytest.mark.parametrize("address", ["public.ecr.aws/alias/app", "mirror.gcr.io/library/app"])
def test_hosts_that_cannot_be_cleaned_are_refused(address: str) -> None:
    with pytest.raises(UsageError, match="cannot be cleaned"):
        detect(parse_address(address), None)


@pytest.mark.parametrize(
    ("address", "auto", "multirepo", "monorepo"),
    [
        ("ghcr.io/owner", "multirepo", "multirepo", "error"),
        ("ghcr.io/owner/app", "multirepo", "multirepo", "monorepo"),
        ("ghcr.io/owner/repo/app", "multirepo", "multirepo", "monorepo"),
        ("ghcr.io", "error", "error", "error"),
        ("docker.io", "error", "error", "error"),
        ("quay.io", "error", "error", "error"),
        ("docker.pkg.github.com", "error", "error", "error"),
        ("docker.io/library/alpine", "multirepo", "multirepo", "error"),
        ("docker.io/library/a/b", "error", "error", "error"),
    ],
)
def test_modes_beyond_werfs_list(address: str, auto: str, multirepo: str, monorepo: str) -> None:
    assert (resolved(address, "auto"), resolved(address, "multirepo"), resolved(address, "monorepo")) == (
        auto, multirepo, monorepo,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("address", "mode", "advice"),
    [
        (
            "registry.example.com",
            "monorepo",
            "Add a repository, as in registry.example.com/REPOSITORY, or use mode multi",
        ),
        ("account", "monorepo", "Add a repository, as in docker.io/account/REPOSITORY, or use mode multirepo"),
        ("quay.io/account/repo", "multirepo", "which makes it quay.io/account, or use mode monorepo"),
        ("docker.pkg.github.com/a", "auto", "Use docker.pkg.github.com/OWNER/PROJECT (mode multirepo) or docker."),
        ("quay.io/a/b/c", "auto", "Use quay.io/NAMESPACE (mode multirepo) or quay.io/NAMESPACE/REPOSITORY."),
        ("ghcr.io", "auto", "Use ghcr.io/OWNER (mode multirepo) or ghcr.io/OWNER/PACKAGE"),
        ("registry.example.com/a", "both", "Choose one of auto, multirepo, monorepo"),
    ],
)
def test_refusals_say_what_to_do(address: str, mode: str, advice: str) -> None:
    parsed = parse_address(address)
    with pytest.raises(UsageError) as refused:
        resolve_mode(mode_rules(detect(parsed).implementation, parsed), parsed, mode)
    assert advice in refused.value.what_to_do
    assert refused.value.exit_code == 2


@pytest.mark.parametrize("address", ["registry.example.com", "quay.io/account", "ghcr.io/owner"])
def test_the_nameless_image_needs_a_repository(address: str) -> None:
    parsed = parse_address(address)
    rules = mode_rules(detect(parsed).implementation, parsed)
    check_image_names(rules, parsed, ["app"])
    with pytest.raises(UsageError, match="holystone managed-images rm '~'"):
        check_image_names(rules, parsed, ["", "app"])


def test_the_nameless_image_lives_in_a_repository() -> None:
    parsed = parse_address("registry.example.com/project")
    check_image_names(mode_rules("default", parsed), parsed, ["", "app"])
