"""What a project is called where werf.yaml and $WERF_PROJECT_NAME differ: werf labels all it builds by the variable."""

from collections.abc import Callable

import pytest

from tests.support.command_line import Bench
from tests.support.tiny_project import WERF_YAML

Refuse = Callable[..., str]
FROM_ENV = {"WERF_PROJECT_NAME": "shop"}


@pytest.fixture
def renamed(shop: Bench) -> Bench:
    """Everything is labelled `shop`, and werf.yaml says `inyaml`."""
    (shop.project / "werf.yaml").write_text(WERF_YAML.replace("project: shop", "project: inyaml"))
    return shop


@pytest.mark.parametrize("words", [["purge"], ["images", "purge"], ["stages", "purge"]])
@pytest.mark.parametrize("by", ["variable", "option"])
def test_a_purge_is_of_the_project_that_the_variable_names(renamed: Bench, words: list[str], by: str) -> None:
    more, env = ([], FROM_ENV) if by == "variable" else (["--project-name", "shop"], {})
    before = sum(len(tags) for tags, _ in renamed.contents().values())
    ran = renamed.run(*words, *renamed.addresses(), "--yes", *more, env=env)
    assert ran.code == 0, ran
    left = sum(len(tags) for tags, _ in renamed.contents().values())
    assert left < before / 2 if len(words) == 1 else left < before
    assert "called shop" in ran.out
    assert "inyaml" in ran.out


@pytest.mark.parametrize("words", [["purge"], ["images", "purge"], ["stages", "purge"]])
@pytest.mark.parametrize("more", [[], ["--yes"], ["--dry-run"]])
def test_a_purge_that_leaves_everything_for_its_label_is_no_success(
    renamed: Bench, refused: Refuse, words: list[str], more: list[str]
) -> None:
    message = refused(renamed, *words[1:], *renamed.addresses(), *more, code=3, command=words[0])
    assert "project shop" in message
    assert "inyaml" in message
    assert "--project-name=shop" in message


def test_a_cleanup_takes_the_stages_of_the_name_that_counts(renamed: Bench) -> None:
    plain = renamed.cleanup("--dry-run")
    assert plain.code == 0
    assert "of the project shop, and this one is inyaml" in plain.out
    ran = renamed.cleanup("--dry-run", env=FROM_ENV)
    assert ran.code == 0
    assert "this one is" not in ran.out
    assert "called shop" in ran.out


def test_what_werf_yaml_names_alone_is_another_project_s(shop: Bench) -> None:
    """A storage that two copies of one repository share, one of them under a name of its own."""
    ran = shop.cleanup("--dry-run", env={"WERF_PROJECT_NAME": "review-12"})
    assert ran.code == 0
    assert "of the project shop, and this one is review-12" in ran.out
    assert "is called review-12, as --project-name or $WERF_PROJECT_NAME says, and not shop, as" in ran.out


def test_the_address_of_minikube_is_made_of_it(renamed: Bench, refused: Refuse) -> None:
    words = ["--images-repo", ":minikube", "--stages-storage", renamed.addresses()[3]]
    renamed.options = words
    assert "/v2/shop/backend/tags/list at werf-registry.kube-system.svc.cluster.local:5000" in refused(
        renamed, code=3, env=FROM_ENV
    )
