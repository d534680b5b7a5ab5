"""Which repositories a pattern matches, and which policy decides for one."""

import pytest

from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath
from holystone.policies.retention.repository_patterns import RepositoryPattern, any_matches
from holystone.policies.retention.rules import Entry, Policy, policy_for


def repository(name: str) -> Repository:
    host, _, path = name.partition("/")
    return Repository(RegistryHost.parse(host), RepositoryPath.parse(path))


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("r.io/shop/**", "r.io/shop/a r.io/shop/a/b", "r.io/shop r.io/shops/a q.io/shop/a r.io/x/shop/a"),
        ("r.io/shop/*", "r.io/shop/a", "r.io/shop r.io/shop/a/b"),
        ("r.io/team-*/**", "r.io/team-a/x r.io/team-a/x/y", "r.io/team/x r.io/team-a"),
        ("**/cache", "r.io/cache r.io/a/b/cache", "r.io/cache/a r.io/mycache"),
        ("**", "r.io/a r.io/a/b", ""),
        ("**/a/**", "r.io/a/b q.io/x/a/y/z", "r.io/a r.io/b/a"),
        ("*/a", "r.io/a q.io:5000/a", "r.io/b/a"),
        ("r.io/a?", "r.io/ab", "r.io/a r.io/abc"),
        ("r.io/a.b", "r.io/a.b", "r.io/axb"),
        ("R.io:443/a", "r.io/a r.io:443/a", "r.io:5000/a"),
        ("[::1]:5000/**", "[::1]:5000/a", "r.io/a"),
    ],
)
def test_it_matches_by_segment(pattern: str, yes: str, no: str) -> None:
    made = RepositoryPattern(pattern)
    assert [name for name in f"{yes} {no}".split() if made.matches(repository(name))] == yes.split()


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("r.io/{a,b}", "'{' has no meaning"),
        ("r.io/[ab]", "'[' has no meaning"),
        ("!r.io/a", "'!' has no meaning"),
        ("shop", "begins with its registry"),
        ("*", "begins with its registry"),
        ("r.io//a", "is empty"),
        ("r.io/a/", "is empty"),
        ("/a", "is empty"),
        ("", "is empty"),
        ("r.io/a**", "stands for whole segments"),
        ("r.io/Shop/*", "none has 'S'"),
        ("r.io/a:latest", "none has ':'"),
    ],
)
def test_what_matches_nothing_is_refused(pattern: str, words: str) -> None:
    with pytest.raises(ValueError) as refused:
        RepositoryPattern(pattern)
    assert words in str(refused.value)


def test_the_first_policy_that_is_about_a_repository_decides() -> None:
    def policy(name: str, pattern: str, *others: str) -> Policy:
        return Policy(name, (RepositoryPattern(pattern),), tuple(map(RepositoryPattern, others)), (Entry(newest=1),))

    policies = [policy("shop", "r.io/shop/**", "**/cache"), policy("caches", "**/cache"), policy("all", "r.io/**")]
    names = ("r.io/shop/a", "r.io/shop/cache", "r.io/b", "q.io/b", "q.io/cache")
    found = [policy_for(policies, repository(name)) for name in names]
    assert [each and each.name for each in found] == ["shop", "caches", "all", None, "caches"]


def test_any_of_several() -> None:
    patterns = [RepositoryPattern("r.io/a"), RepositoryPattern("r.io/b")]
    assert any_matches(patterns, repository("r.io/b"))
    assert not any_matches(patterns, repository("r.io/c"))


@pytest.mark.parametrize("wrong", [{}, {"keep": (Entry(newest=1),), "keeps_nothing": True}])
def test_a_policy_says_what_stays(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="keeps nothing"):
        Policy("shop", (RepositoryPattern("**"),), **wrong)  # type: ignore[arg-type]
