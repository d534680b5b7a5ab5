"""Clones that policies of `prune` name, and that know less than origin: nothing goes by what they do not know."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command_line import Ran, bench
from tests.support.dated_registry import Registry
from tests.support.git_clone import GitClone

REVISION = "org.opencontainers.image.revision"
BY_BRANCH = """
  - name: shop
    repositories: HOST/shop/**
    keep:
    - {newest: 1}
    - {tags: "/^(?P<branch>.+)-[0-9]+$/", branch-exists-in: shop}
"""
BLOG = """
  - name: blog
    repositories: HOST/blog/**
    keep: [{newest: 1}]
"""
BY_TAG = """
  - name: shop
    repositories: HOST/shop/**
    keep:
    - {newest: 1}
    - commits-of: shop
      keep-policies: [{references: {tag: "/.*/"}}]
"""


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with bench(tmp_path) as made:
        yield Registry(made)


@pytest.fixture
def clone(tmp_path: Path) -> GitClone:
    return GitClone(tmp_path)


def branch(clone: GitClone, *names: str) -> None:
    for name in names:
        clone.begin(name)
        clone.push(name)


def prune(registry: Registry, policies: str, clone: GitClone, *options: str) -> Ran:
    file = registry.file(policies, clones=f"{{shop: {clone.path}}}")
    return registry.bench.run("prune", "--config", str(file), *options)


def test_a_clone_without_branches_whose_origin_is_out_of_reach(registry: Registry, clone: GitClone) -> None:
    """As many a CI's checkout is."""
    branch(clone, "feature")
    registry.push("shop/app", {"feature-1": 3, "odd": 1})
    assert prune(registry, BY_BRANCH, clone).code == 0
    clone.forget_branches()
    clone.lose_origin()
    ran = prune(registry, BY_BRANCH, clone)
    assert ran.code == 3, ran
    assert "has no branch of origin" in ran.err
    assert registry.tags("shop/app") == ["feature-1", "odd"]


def test_an_origin_that_was_emptied(registry: Registry, clone: GitClone) -> None:
    branch(clone, "feature")
    registry.push("shop/app", {"feature-1": 3, "odd": 1})
    clone.make_origin_anew()
    for _ in range(2):
        ran = prune(registry, BY_BRANCH, clone, "--git-history-synchronization")
        assert ran.code == 3, ran
        assert "has no branch at all, as if it were new" in ran.err
    assert registry.tags("shop/app") == ["feature-1", "odd"]


def test_an_origin_that_has_lost_most_of_its_branches(registry: Registry, clone: GitClone) -> None:
    """It may be another project's by now. What no clone decides about goes on."""
    names = [f"b{each}" for each in range(10)]
    branch(clone, *names)
    registry.push("shop/app", {f"{name}-1": 2 for name in names} | {"odd": 1})
    registry.push("blog/app", {"b-1": 2, "b-2": 1})
    assert prune(registry, BLOG + BY_BRANCH, clone, "--git-history-synchronization").code == 0
    assert registry.tags("blog/app") == ["b-2"]
    registry.push("blog/app", {"b-3": 0})
    clone.make_origin_anew()
    clone.push("master")
    for _ in range(2):
        ran = prune(registry, BLOG + BY_BRANCH, clone, "--git-history-synchronization")
        assert "branches and tags of origin of shop: 1, where the run of" in ran.err, ran
        assert registry.tags("shop/app") == sorted([f"{name}-1" for name in names] + ["odd"])
    assert ran.code == 3, ran
    assert registry.tags("blog/app") == ["b-3"]
    ran = prune(registry, BLOG + BY_BRANCH, clone, "--git-history-synchronization", "--accept-new-baseline")
    assert ran.code == 0, ran
    assert registry.tags("shop/app") == ["odd"]


def test_a_clone_without_tags_whose_origin_is_out_of_reach(registry: Registry, clone: GitClone) -> None:
    """As after `git fetch --no-tags`."""
    clone.tag("v1")
    clone.push("v1")
    registry.push("shop/app", {"v1": 3}, labels={REVISION: clone.head})
    registry.push("shop/app", {"odd": 1})
    assert prune(registry, BY_TAG, clone).code == 0
    clone.forget_tag("v1")
    clone.lose_origin()
    ran = prune(registry, BY_TAG, clone)
    assert ran.code == 3, ran
    assert "has no tags, as after `git fetch --no-tags`" in ran.err
    assert registry.tags("shop/app") == ["odd", "v1"]
