"""What has to be asked for, to find the repositories of policies."""

import pytest

from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath
from holystone.policies.retention.reach import Reach, reach, reaches, spelled_out

HOST = RegistryHost("registry.example.com")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("registry.example.com/shop/**", Reach(HOST, RepositoryPath("shop"))),
        ("registry.example.com/shop/app-*/x", Reach(HOST, RepositoryPath("shop"))),
        ("registry.example.com/**", Reach(HOST)),
        ("registry.example.com/team-?", Reach(HOST)),
        ("registry.example.com/shop/app", Reach(HOST, RepositoryPath("shop/app"), alone=True)),
        ("registry.example.com:443/shop/app", Reach(HOST, RepositoryPath("shop/app"), alone=True)),
        ("registry.example.com:443/**", Reach(HOST)),
        ("localhost:5000/a/*", Reach(RegistryHost("localhost:5000"), RepositoryPath("a"))),
        ("docker.io/app", Reach(RegistryHost("docker.io"), RepositoryPath("library/app"), alone=True)),
        ("index.docker.io/acme/*", Reach(RegistryHost("docker.io"), RepositoryPath("acme"))),
        ("**/cache", None),
        ("**", None),
    ],
)
def test_a_pattern_is_looked_for_in_the_smallest_part_that_is_written_out(pattern: str, expected: Reach | None) -> None:
    assert reach(pattern) == expected


@pytest.mark.parametrize(
    "pattern", ["shop/**", "*.example.com/shop", "*/shop", "registry.example.com", "acme/app", "app"]
)
def test_a_pattern_without_a_registry_is_refused_with_a_way_to_write_it(pattern: str) -> None:
    with pytest.raises(
        ValueError, match=r"does not begin with a registry: write it out, as in registry\.example\.com/"
    ):
        reach(pattern)


def test_nothing_is_asked_for_twice() -> None:
    patterns = ["a.example/shop/**", "a.example/shop/app", "a.example/shop/app/*", "a.example/blog", "b.example/x/*"]
    assert reaches(patterns) == {
        RegistryHost("a.example"): (
            Reach(RegistryHost("a.example"), RepositoryPath("blog"), alone=True),
            Reach(RegistryHost("a.example"), RepositoryPath("shop")),
        ),
        RegistryHost("b.example"): (Reach(RegistryHost("b.example"), RepositoryPath("x")),),
    }


def test_names_that_only_begin_alike_are_asked_for_both() -> None:
    found = reaches(["a.example/shop/*", "a.example/shopping/*"])
    assert len(found[RegistryHost("a.example")]) == 2


def test_a_repository_is_not_what_lies_below_it() -> None:
    found = reaches(["a.example/shop", "a.example/shop/app"])
    assert [each.repository for each in found[RegistryHost("a.example")]] == [
        Repository(RegistryHost("a.example"), RepositoryPath("shop")),
        Repository(RegistryHost("a.example"), RepositoryPath("shop/app")),
    ]


def test_a_pattern_of_any_registry_is_looked_for_in_all_that_are_named() -> None:
    found = reaches(["a.example/shop/**", "**/cache"], [RegistryHost("c.example")])
    assert found == {
        RegistryHost("a.example"): (Reach(RegistryHost("a.example")),),
        RegistryHost("c.example"): (Reach(RegistryHost("c.example")),),
    }


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("docker.io/app", "docker.io/library/app"),
        ("index.docker.io/acme/**", "docker.io/acme/**"),
        ("registry.example.com:443/shop/*", "registry.example.com/shop/*"),
        ("**/cache", "**/cache"),
    ],
)
def test_a_pattern_is_spelled_as_the_names_that_it_is_held_against(pattern: str, expected: str) -> None:
    assert spelled_out(pattern) == expected
