"""werf.yaml as people write it: what werf 1.1 takes is read as werf reads it, and nothing that would delete more than
its writer can have meant is taken at all.

The first column is werf 1.1.36's own answer (its `config` package over gopkg.in/yaml.v2, and runs of it).
"""

import tracemalloc
from pathlib import Path

import pytest

from holystone.adapters.werf_yaml.separators import check_separators
from holystone.engine.errors import UsageError
from holystone.engine.model.references import ImageName
from holystone.policies.keep_policies import KeepPolicy
from holystone.settings.project import Project, load_project
from holystone.settings.values import ProjectSettings

META = "configVersion: 1\nproject: shop\n"
POLICIES = "  keepPolicies:\n  - references: {branch: main}\n"
IMAGE = "---\nimage: app\nfrom: alpine\n"


async def project(folder: Path, text: str) -> Project:
    (folder / "werf.yaml").write_text(text)
    return await load_project(ProjectSettings(folder))


async def refusal(folder: Path, text: str) -> str:
    with pytest.raises(UsageError) as caught:
        await project(folder, text)
    return caught.value.message.removeprefix(f"{folder}/")


async def policy(folder: Path, text: str) -> KeepPolicy:
    (found,) = (await project(folder, f"{META}cleanup:\n  keepPolicies:\n  - {text}\n{IMAGE}")).keep_policies
    return found


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        # the commonest slip: one level too far left
        (f"{META}cleanup:\nkeepPolicies:\n- references: {{branch: main}}\n", "4:1", "keepPolicies: "),
        (f"{META}keepPolicies:\n- references: {{branch: main}}\n", "3:1", "keepPolicies: "),
        (f"{META}Cleanup:\n{POLICIES}", "3:1", "Cleanup: "),
        (f"{META}clean-up:\n{POLICIES}", "3:1", "clean-up: "),
        (f"{META}clean_up:\n{POLICIES}", "3:1", "clean_up: "),
        (f"{META}cleanUp:\n{POLICIES}", "3:1", "cleanUp: "),
        (f"{META}CLEANUP:\n{POLICIES}", "3:1", "CLEANUP: "),
        (f"{META}clenup:\n{POLICIES}", "3:1", "clenup: "),
        (f"{META}'cleanup ':\n{POLICIES}", "3:1", "cleanup : "),
        (f"{META}policies:\n- references: {{branch: main}}\n", "3:1", "policies: "),
        (f"{META}gitWorktree: {{}}\n", "3:1", "gitWorktree: "),
        (f"{META}image: app\nfrom: alpine\n", "3:1", "image: "),
        (f"{META}.policies: &p []\n", "3:1", ".policies: "),
        (f"{META}deploy:\n  cleanup:\n    keepPolicies: []\n", "4:3", "deploy.cleanup: "),
        (f"{META}deploy:\n  keepPolicies: []\n", "4:3", "deploy.keepPolicies: "),
        (f"{META}deploy: {{helmChartDir: x}}\n", "3:10", "deploy.helmChartDir: "),
        # one `---` too early
        (f"{META}{IMAGE}cleanup:\n{POLICIES}", "6:1", "cleanup: "),
        (f"{META}{IMAGE}Cleanup:\n{POLICIES}", "6:1", "Cleanup: "),
        (f"{META}{IMAGE}clean-up:\n{POLICIES}", "6:1", "clean-up: "),
        (f"{META}{IMAGE}keepPolicies:\n- references: {{branch: main}}\n", "6:1", "keepPolicies: "),
        (f"{META}{IMAGE}keep_policies:\n- references: {{branch: main}}\n", "6:1", "keep_policies: "),
        (f"{META}{IMAGE}keepPolicy:\n- references: {{branch: main}}\n", "6:1", "keepPolicy: "),
        (f"{META}---\nartifact: app\nfrom: alpine\ncleanup:\n{POLICIES}", "6:1", "cleanup: "),
        (f"{META}---\nimage: app\ndockerfile: D\ncleanup:\n{POLICIES}", "6:1", "cleanup: "),
        (f"{META}---\ncleanup:\n{POLICIES}{IMAGE}", "4:1", "cleanup: "),
        # and one level too far right, into a section's own keys
        (f"{META}{IMAGE}docker:\n  USER: root\n  cleanup:\n    keepPolicies: []\n", "9:5", "keepPolicies: "),
        (f"{META}{IMAGE}docker:\n  USER: root\n  keepPolicies: []\n", "8:3", "keepPolicies: "),
    ],
)
async def test_policies_in_a_wrong_place_are_no_missing_policies(
    text: str, where: str, what: str, tmp_path: Path
) -> None:
    message = await refusal(tmp_path, text)
    assert message.startswith(f"werf.yaml:{where}: ")
    assert what in message


@pytest.mark.parametrize(
    "text",
    [
        f"{META}deploy: {{helmRelease: a, helmReleaseSlug: true, namespace: b, namespaceSlug: false}}\n{IMAGE}",
        f"{META}deploy:\n{IMAGE}",
        f"{META}{IMAGE}docker: {{ENV: {{CLEANUP: 'yes'}}, LABEL: {{cleanup: nightly}}}}\n",
        f"{META}---\nimage: app\ndockerfile: D\nargs: {{cleanup: 1, CLEANUP: 2, clean: 3}}\n",
        f"{META}{IMAGE}shell: {{install: [make clean]}}\nansible: {{setup: [{{file: {{cleanup: x}}}}]}}\n",
        f"{META}{IMAGE}somethingOfALaterWerf: {{a: b}}\n",
    ],
)
async def test_what_only_sounds_like_it_is_no_policy(text: str, tmp_path: Path) -> None:
    assert (await project(tmp_path, text)).images == (ImageName("app"),)


@pytest.mark.parametrize("kind", ["branch", "tag"])
@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("1.10", "1.10"),
        ("1.0", "1.0"),
        ("2024", "2024"),
        ("2", "2"),
        ("007", "007"),
        ("1_0", "1_0"),
        ("0x1f", "0x1f"),
        ("1e3", "1e3"),
        ("-1", "-1"),
        ("true", "true"),
        ("Yes", "Yes"),
        ("on", "on"),
        ("2024-01-31", "2024-01-31"),
        (".5", None),
        ("!!str 1.10", "1.10"),
        ("'1.10'", "1.10"),
        ("&n 1.10", "1.10"),
    ],
)
async def test_names_are_the_text_as_written(kind: str, written: str, name: str | None, tmp_path: Path) -> None:
    if name is None:  # git knows no such name
        assert "git" in await refusal(
            tmp_path, f"{META}cleanup: {{keepPolicies: [references: {{{kind}: {written}}}]}}\n"
        )
        return
    assert (await policy(tmp_path, f"references: {{{kind}: {written}}}")).references.pattern == name


async def test_names_behind_anchors_are_text_too(tmp_path: Path) -> None:
    text = f"{META}cleanup:\n  keepPolicies:\n  - references: {{branch: &n 1.10}}\n  - references: {{tag: *n}}\n"
    found = (await project(tmp_path, text)).keep_policies
    assert [each.references.pattern for each in found] == ["1.10", "1.10"]
    merged = f"{META}cleanup:\n  keepPolicies:\n  - references: &r {{branch: 1.10}}\n  - references: {{<<: *r}}\n"
    found = (await project(tmp_path, merged)).keep_policies
    assert [each.references.pattern for each in found] == ["1.10", "1.10"]


@pytest.mark.parametrize("empty", ["~", "null", "", "''"])
async def test_no_name_is_refused(empty: str, tmp_path: Path) -> None:
    await refusal(tmp_path, f"{META}cleanup: {{keepPolicies: [references: {{branch: {empty}}}]}}\n")


@pytest.mark.parametrize(
    ("written", "last"),
    [("2", 2), ("0", 0), ("-1", -1), ("+3", 3), ("1.0", 1), ("0x2", 2), ("0b11", 3), ("0o7", 7), ("1_0", 10)],
)
async def test_numbers_are_go_s(written: str, last: int, tmp_path: Path) -> None:
    found = await policy(tmp_path, f"references: {{branch: main}}\n    imagesPerReference: {{last: {written}}}")
    assert found.images_per_reference
    assert found.images_per_reference.last == last


@pytest.mark.parametrize(
    "written",
    [
        "'2'",  # refused by werf, too
        "true",
        "two",
        "1.7",  # werf: 1
        "010",  # werf: 8
        "-2",  # werf: none
        "99999999999999999999",
        "9" * 5000,
        ".inf",
        "[1]",
    ],
)
async def test_numbers_that_nobody_can_have_meant_are_refused(written: str, tmp_path: Path) -> None:
    text = f"{META}cleanup:\n  keepPolicies:\n  - references: {{branch: a, limit: {{last: {written}}}}}\n"
    assert await refusal(tmp_path, text)


@pytest.mark.parametrize("written", ["24.5", "-5h", "7d", "'7 days'", "true"])
async def test_durations_that_nobody_can_have_meant_are_refused(written: str, tmp_path: Path) -> None:
    text = (
        f"{META}cleanup:\n  keepPolicies:\n  - references: {{branch: a}}\n    imagesPerReference: {{in: {written}}}\n"
    )
    assert await refusal(tmp_path, text)


@pytest.mark.parametrize(("written", "name"), [("12", "12"), ("true", "true"), ("007", "007"), ("0x1f", "0x1f")])
async def test_a_project_is_called_as_written(written: str, name: str, tmp_path: Path) -> None:
    assert (await project(tmp_path, f"configVersion: 1\nproject: {written}\n{IMAGE}")).name == name


@pytest.mark.parametrize("version", ["1", "1.0", "+1", "0x1"])
async def test_versions(version: str, tmp_path: Path) -> None:
    assert (await project(tmp_path, f"configVersion: {version}\nproject: shop\n{IMAGE}")).name == "shop"


@pytest.mark.parametrize("kind", ["branch", "tag"])
@pytest.mark.parametrize("pattern", ["/", "//", "/.*/", "/(?:)/"])
async def test_patterns_that_match_everything(kind: str, pattern: str, tmp_path: Path) -> None:
    from holystone.engine.model.history import GitReference
    from tests.support.image_values import commit_id

    rule = (await policy(tmp_path, f"references: {{{kind}: '{pattern}'}}")).references
    for name in ("master", "a/b", "v1.0"):
        assert rule.matches(GitReference(rule.kind, name, commit_id("c"), 0))


@pytest.mark.parametrize(
    "name",
    [
        "feature-*",
        "feature/*",
        "release-?",
        "^master$",
        "[0-9]",
        "/feature",
        "feature/",
        "a//b",
        "a..b",
        ".hidden",
        "a/.b",
        "a.lock",
        "a.lock/b",
        "ends.",
        "a b",
        "a~1",
        "a:b",
        "a\\b",
        "a@{1}",
        "tab\tbed",
    ],
)
async def test_a_name_that_git_forbids_is_no_name(name: str, tmp_path: Path) -> None:
    quoted = name.replace("'", "''")
    message = await refusal(tmp_path, f"{META}cleanup: {{keepPolicies: [references: {{tag: '{quoted}'}}]}}\n")
    assert "git" in message
    assert "/" in message


@pytest.mark.parametrize(
    "name", ["master", "feature/x", "a|b", "a@b", "@", "v1.0+x", "ünï", "a.b.c", "#1", "HEAD", "-x"]
)
async def test_names_that_git_allows(name: str, tmp_path: Path) -> None:
    assert (await policy(tmp_path, f"references: {{tag: '{name}'}}")).references.pattern == name


async def test_layers_of_many_images_are_not_multiplied_without_end(tmp_path: Path) -> None:
    """Three thousand names and as many instructions would be two gigabytes."""
    names, commands = (", ".join(f"{each}{number}" for number in range(3000)) for each in "ic")
    text = f"{META}---\nimage: [{names}]\nasLayers: true\nshell:\n  install: [{commands}]\n"
    assert "more than 100,000 images, those of layers included" in await refusal(tmp_path, text)


def test_millions_of_lines_are_not_held_all_at_once() -> None:
    """Four megabytes of them took 300."""
    tracemalloc.start()
    check_separators("\n" * 100_000, "werf.yaml")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
