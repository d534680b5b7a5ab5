"""What a slip in werf.yaml's policies does to the registry: nothing."""

import subprocess
from collections.abc import Callable

import pytest

from tests.support.command_line import Bench
from tests.support.tiny_project import WERF_YAML

Refuse = Callable[..., str]
META, _, REST = WERF_YAML.partition("cleanup:\n")
POLICIES, _, IMAGES = REST.partition("---\n")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (f"{META}{POLICIES.replace('  keepPolicies', 'keepPolicies')}---\n{IMAGES}", "keepPolicies"),
        (f"{META}Cleanup:\n{POLICIES}---\n{IMAGES}", "Cleanup"),
        (f"{META}clean-up:\n{POLICIES}---\n{IMAGES}", "clean-up"),
        (f"{META}---\n{IMAGES}cleanup:\n{POLICIES}", "cleanup"),
    ],
    ids=["left", "capital", "hyphen", "too late"],
)
@pytest.mark.parametrize("words", [["cleanup"], ["images", "cleanup"], ["stages", "cleanup"]])
def test_misplaced_policies(shop: Bench, refused: Refuse, text: str, key: str, words: list[str]) -> None:
    (shop.project / "werf.yaml").write_text(text)
    message = (
        refused(shop, *words[1:], *shop.addresses(), code=2, command=words[0]) if words[1:] else refused(shop, code=2)
    )
    assert f"{key}: " in message
    assert "werf.yaml:" in message


def policy(shop: Bench, text: str) -> set[str]:
    """Tags of images that stay."""
    (shop.project / "werf.yaml").write_text(f"{META}cleanup:\n  keepPolicies:\n  - references: {text}\n---\n{IMAGES}")
    ran = shop.cleanup()
    assert ran.code == 0, ran
    return set(shop.contents()["shop/app/front"][0])


def test_a_lone_slash_matches_everything(shop: Bench) -> None:
    every = set(shop.contents()["shop/app/front"][0])
    stay = policy(shop, "{branch: /}")
    assert len(stay) == len(every) - 1, "all but the image of the branch that is gone"


def test_a_branch_that_looks_like_a_number(shop: Bench, git_branch: Callable[[str], None]) -> None:
    git_branch("1.10")
    every = set(shop.contents()["shop/app/front"][0])
    assert len(policy(shop, "{branch: 1.10}")) == len(every) - 1


@pytest.fixture
def git_branch(shop: Bench) -> Callable[[str], None]:
    def make(name: str) -> None:
        at = ["git", "-C", str(shop.project), "update-ref", f"refs/remotes/origin/{name}", "refs/remotes/origin/master"]
        subprocess.run(at, check=True)

    return make
