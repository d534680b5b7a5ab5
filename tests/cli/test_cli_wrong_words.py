"""Wrong options, variables and files: told in one message, with exit code 2, before anything is asked of anyone."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.command_line import Bench, always

Refuse = Callable[..., str]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--images-repo-mode", "megarepo"], "'megarepo' is not one of auto, multirepo, monorepo"),
        (["--repo-implementation", "nexus"], "'nexus' is not one of auto, ecr"),
        (["--stages-storage-repo-implementation", "x"], "--stages-storage-repo-implementation: 'x' is not one of"),
        (["--stages-storage", ":local"], "--stages-storage: :local is not a registry"),
        (["--images-repo", "https://registry.example.com/shop"], "without https:// and blanks"),
        (["--images-repo", "registry.example.com/Shop"], "Shop"),
        (["--images-repo", "registry.example.com/shop:latest"], "tag"),
        (["--stages-storage", "registry.example.com"], "registry.example.com"),
        (["--images-repo", ""], "--images-repo is given empty"),
        (["--images-repo", "127.0.0.1:99999/shop"], "neither HOST nor HOST:PORT"),
        (["--stages-storage", "127.0.0.1:65536/shop"], "neither HOST nor HOST:PORT"),
        (["--skip-tls-verify-registry=127.0.0.1:70000"], "not a valid registry host"),
        (["--dry-run=perhaps"], "--dry-run: 'perhaps' is neither yes"),
        (["--parallel-tasks-limit", "many"], "'many' is not a whole number"),
        (["--keep-stages-younger-than", "yesterday"], "--keep-stages-younger-than"),
        (["--keep-stages-younger-than=-2h"], "negative"),
        (["--image", "no good"], "image name"),
        (["--trust-token-server", "https://auth.example.com"], "Write HOST or HOST:PORT"),
        (["--git-tag-strategy-limit=010"], "--git-tag-strategy-limit: '010' is not a whole number"),
        (["--git-commit-strategy-expiry-days=week"], "'week' is not a whole number"),
        (["--config", "missing.yaml"], "missing.yaml"),
        (["--config-templates-dir", "missing"], None),
        (["--keep-policies", "missing.yaml"], "missing.yaml"),
        (["--docker-config", "werf.yaml"], None),
        (["--log-color-mode", "sepia"], "'sepia' is not one of"),
        (["--bogus"], "No such option '--bogus'"),
    ],
)
def test_wrong_options(shop: Bench, refused: Refuse, arguments: list[str], says: str | None) -> None:
    if says is None:  # of no concern here
        assert shop.cleanup("--dry-run", *arguments).code == 0
        return
    message = refused(shop, *arguments, code=2)
    assert says in message
    assert shop.registry.requests == []


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"WERF_IMAGES_REPO_MODE": "megarepo"}, "$WERF_IMAGES_REPO_MODE: 'megarepo' is not one of"),
        ({"WERF_DRY_RUN": "perhaps"}, "$WERF_DRY_RUN: 'perhaps' is neither yes"),
        ({"HOLYSTONE_KEEP_STAGES_YOUNGER_THAN": "2 weeks"}, "$HOLYSTONE_KEEP_STAGES_YOUNGER_THAN"),
        ({"HOLYSTONE_TRUST_TOKEN_SERVER_1": "a/b"}, "$HOLYSTONE_TRUST_TOKEN_SERVER_1"),
    ],
)
def test_wrong_variables_are_named(shop: Bench, refused: Refuse, variables: dict[str, str], says: str) -> None:
    assert says in refused(shop, code=2, env=variables)
    assert shop.registry.requests == []


@pytest.mark.parametrize(
    "words",
    [
        ["cleanup", "--images-repo=user:s3cret@r.example/shop", "--stages-storage=r.example/shop/stages"],
        ["cleanup", "--images-repo=r.example/shop", "--stages-storage=user:s3cret@r.example:99999/stages"],
        ["purge", "--images-repo=https://user:s3cret@r.example/shop", "--stages-storage=r.example/shop/stages"],
        ["managed-images", "ls", "--stages-storage=user:s3cret@r.example/shop/stages"],
        ["resume", "--images-repo=user:s3cret@r.example/shop"],
        ["undo", "20200101-000000-abcd", "--stages-storage=user:s3cret@r.example/shop"],
        ["resume", "--skip-tls-verify-registry=user:s3cret@r.example"],
        ["resume", "--trust-token-server=r.example=user:s3cret@r.example"],
        ["cleanup", "--images-repo=r.example/a", "--stages-storage=r.example/s", "--image=user:s3cret@r.example/a"],
    ],
)
def test_a_login_in_an_address_is_refused_without_being_shown(shop: Bench, words: list[str]) -> None:
    (shop.project / "werf.yaml").unlink()  # it is looked at before the project is looked for
    ran = shop.run(*words, "--output=json")
    assert ran.code == 2
    assert "s3cret" not in ran.out + ran.err
    assert "before an '@' does not belong into an address" in ran.json["error"]["message"]


@pytest.mark.parametrize("missing", ["--images-repo", "--stages-storage"])
def test_a_missing_address(shop: Bench, missing: str) -> None:
    options = dict(zip(shop.addresses()[::2], shop.addresses()[1::2], strict=True))
    del options[missing]
    ran = shop.run("cleanup", *(word for pair in options.items() for word in pair))
    assert ran.code == 2
    assert f"{missing} is missing" in ran.message
    assert f"${'WERF_IMAGES_REPO' if 'images' in missing else 'WERF_STAGES_STORAGE'}" in ran.message


@pytest.mark.parametrize("run", ["20200101-000000-abcd", "", "\udcff", "\x1b[2J"], ids=["old", "empty", "bytes", "odd"])
@pytest.mark.parametrize("command", [("resume",), ("undo",), ("runs", "give-up")], ids=" ".join)
def test_a_run_that_there_is_not(shop: Bench, command: tuple[str, ...], run: str) -> None:
    """As of a variable that is not set: that is not the last unfinished one."""
    ran = shop.run(*command, run)
    assert ran.code == 2
    assert "has no run " in ran.message
    assert "unfinished" not in ran.message


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["bogus"], "No such command 'bogus'"),
        (["apply"], "Missing argument 'FILE'"),
        (["stages", "bogus"], "No such command 'bogus'"),
        (["cleanup", "extra"], "extra"),
        (["resume", "one", "two"], "two"),
    ],
)
def test_wrong_commands(shop: Bench, words: list[str], says: str) -> None:
    ran = shop.run(*words, "--output=json")
    assert ran.code == 2
    assert says in ran.message or "--output" in ran.message
    assert ran.json["exit_code"] == 2


def test_an_unknown_word_for_output_is_told_in_text(shop: Bench) -> None:
    ran = shop.cleanup("--output", "yaml")
    assert (ran.code, ran.out) == (2, "")
    assert "--output: 'yaml' is not one of text, json" in ran.message


def test_the_variable_for_output_counts_for_errors_too(shop: Bench) -> None:
    ran = shop.cleanup("--images-repo-mode=x", env={"HOLYSTONE_OUTPUT": "json"})
    assert ran.code == 2
    assert ran.json["error"]["message"] in ran.err


BROKEN = [
    ("configVersion: 1\nproject: [shop\n", "werf.yaml:3:1"),
    ("project: shop\n---\nimage: a\nfrom: b\n", "configVersion"),
    ("configVersion: 1\nproject: shop\ncleanup:\n  keepPolicy: []\n", "keepPolicy"),
    (
        "configVersion: 1\nproject: shop\ncleanup:\n  keepPolicies:\n  - references:\n      branch: /(/\n",
        "keepPolicies",
    ),
    (
        "configVersion: 1\nproject: shop\ncleanup:\n  keepPolicies:\n"
        "  - references:\n      branch: a\n      limit:\n        in: soon\n",
        "soon",
    ),
    ("configVersion: 1\nproject: shop\ncleanup:\n  keepPolicies:\n  - refs: {branch: a}\n", "refs"),
]


@pytest.mark.parametrize(("text", "says"), BROKEN, ids=["yaml", "version", "key", "regexp", "duration", "inner-key"])
def test_a_broken_configuration(shop: Bench, refused: Refuse, text: str, says: str) -> None:
    (shop.project / "werf.yaml").write_text(text)
    message = refused(shop, code=2)
    assert "werf.yaml" in message
    assert says in message
    assert shop.registry.requests == []


def test_a_templated_configuration_without_werf(shop: Bench, refused: Refuse) -> None:
    (shop.project / "werf.yaml").write_text('configVersion: 1\nproject: {{ env "NAME" }}\n')
    message = refused(shop, code=2, env={"PATH": "/nonexistent"})
    assert "werf" in message
    assert "--config" in message
    assert "--image" in message


def test_no_configuration(shop: Bench, refused: Refuse) -> None:
    (shop.project / "werf.yaml").unlink()
    message = refused(shop, code=2)
    assert "werf.yaml" in message
    assert "--image" in message


def test_a_registry_without_repository_in_monorepo_mode(shop: Bench, refused: Refuse) -> None:
    shop.options = ["--images-repo", shop.registry.host, "--stages-storage", f"{shop.registry.host}/shop/stages"]
    assert "monorepo" in refused(shop, "--images-repo-mode=monorepo", code=2)


def test_a_registry_without_repository_for_the_nameless_image(shop: Bench, refused: Refuse) -> None:
    shop.options = ["--images-repo", shop.registry.host, "--stages-storage", f"{shop.registry.host}/shop/stages"]
    (shop.project / "werf.yaml").write_text("configVersion: 1\nproject: shop\n---\nimage: ~\nfrom: alpine\n")
    message = refused(shop, code=2)
    assert "nameless" in message or "~" in message


def test_a_registry_that_is_not_what_it_is_said_to_be(shop: Bench, refused: Refuse) -> None:
    message = refused(shop, "--images-repo-implementation=harbor", code=3)
    assert "cannot be read: 404" in message
    assert f"{shop.registry.host} is taken for harbor, as you say" in message
    assert "--repo-implementation" in message


def test_a_registry_that_is_not_what_it_says(shop: Bench, refused: Refuse) -> None:
    challenge = 'Bearer realm="http://127.0.0.1/service/token",service="harbor-registry"'
    shop.registry.faults.add(always("^/v2/$", 401, WWW_Authenticate=challenge))
    assert "is taken for harbor, as it says itself" in refused(shop, code=3)


def test_a_registry_that_does_not_say_what_it_is(shop: Bench, refused: Refuse) -> None:
    shop.registry.faults.add(always("/tags/list", 404, b"<html>nothing here</html>"))
    assert "is taken for default, since it does not say what it is" in refused(shop, code=3)


def test_a_registry_that_is_ill_is_not_doubted(shop: Bench, refused: Refuse) -> None:
    shop.registry.faults.add(always("/tags/list", 500))
    assert "is taken for" not in refused(shop, code=3)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format": 1}', b"\x00\xff\xfe", b'{"as_of": "now"}'])
def test_a_file_that_is_no_plan(shop: Bench, refused: Refuse, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "plan.json"
    file.write_bytes(content)
    message = refused(shop, str(file), code=2, command="apply")
    assert str(file) in message
    assert "--plan-out" in message


def test_a_plan_of_another_format(shop: Bench, refused: Refuse, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    assert shop.cleanup("--plan-out", str(file)).code == 0
    shop.registry.recording.clear()
    file.write_text(file.read_text().replace('"format":2', '"format":3'))
    assert "format" in refused(shop, str(file), code=2, command="apply")
    assert shop.registry.requests == []


def test_a_plan_that_is_not_there(shop: Bench, refused: Refuse, tmp_path: Path) -> None:
    assert "No such file" in refused(shop, str(tmp_path / "none.json"), code=2, command="apply")
    assert "directory" in refused(shop, str(tmp_path), code=2, command="apply")


def test_nothing_to_resume(shop: Bench, refused: Refuse) -> None:
    idle = shop.run("resume")
    assert idle.code == 0
    assert "No run is left unfinished" in idle.err
    message = refused(shop, "20200101-000000-abcd", code=2, command="resume")
    assert "20200101-000000-abcd" in message
    assert "`holystone runs`" in message
