"""Policies that ask when images were pulled, of registries that never tell it."""

from collections.abc import Mapping

import pytest

from holystone.engine.model.references import RegistryHost
from holystone.policies.retention.repository_patterns import RepositoryPattern
from holystone.policies.retention.rules import Entry, Policy, RegistryAccess
from holystone.settings.untold_pulls import untold_pulls

ASKING = (Entry(newest=1), Entry(pulled_within=3600))


def policy(name: str, *patterns: str, but: tuple[str, ...] = (), keep: tuple[Entry, ...] = ASKING) -> Policy:
    return Policy(name, tuple(map(RepositoryPattern, patterns)), tuple(map(RepositoryPattern, but)), keep)


def registries(**said: str) -> Mapping[RegistryHost, RegistryAccess]:
    return {RegistryHost(f"{name}.example"): RegistryAccess(kind) for name, kind in said.items()}


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        ([policy("a", "harbor.example/**")], None),
        ([policy("a", "plain.example/**")], "plain.example"),
        ([policy("a", "plain.example/shop/app", keep=(Entry(newest=1),))], None),
        ([policy("a", "unknown.example/**")], None),
        ([policy("a", "quay.io/acme/*")], "quay.io"),
        ([policy("a", "docker.io/acme/*", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/**")], None),
        ([policy("a", "**")], "plain.example"),
        ([policy("a", "**/cache", but=("plain.example/**",))], None),
        ([policy("a", "**/cache", but=("plain.example/shop/**",))], "plain.example"),
        ([policy("a", "plain.example/**", keep=(Entry(newest=1),)), policy("b", "**")], None),
        ([policy("a", "plain.example/shop/**", keep=(Entry(newest=1),)), policy("b", "**")], "plain.example"),
        (
            [policy("a", "plain.example/**", but=("**/x",), keep=(Entry(newest=1),)), policy("b", "**")],
            "plain.example",
        ),
        ([policy("b", "**", but=("plain.example/**",)), policy("c", "**")], "plain.example"),
    ],
)
def test_it_is_known_by_the_file_or_by_the_name(policies: list[Policy], expected: str | None) -> None:
    found = untold_pulls(policies, registries(harbor="harbor", plain="default"))
    if expected is None:
        assert found is None
    else:
        assert found is not None
        assert found.entry == 1
        assert found.why.startswith(f"{expected} (")
