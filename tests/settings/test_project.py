"""Which file says what about the project, and where an error is."""

from pathlib import Path

import pytest

from holystone.engine.errors import UsageError
from holystone.engine.model.references import ImageName
from holystone.policies.keep_policies import default_keep_policies
from holystone.settings.project import load_project
from holystone.settings.values import ProjectSettings
from tests.support.notice_texts import notice_texts

WERF = """\
configVersion: 1
project: shop
cleanup:
  keepPolicies:
  - references: {branch: main}
---
image: [front, ~]
"""
A = ImageName("a")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "werf.yaml").write_text(WERF)
    (tmp_path / "keep.yaml").write_text("- references: {tag: v1}\n")
    (tmp_path / "bare").mkdir()
    return tmp_path


def patterns(project: object) -> list[str]:
    return [policy.references.pattern for policy in getattr(project, "keep_policies", ())]


async def test_werf_yaml_says_all(folder: Path) -> None:
    project = await load_project(ProjectSettings(folder))
    assert (project.name, project.images, patterns(project)) == ("shop", ("front", ""), ["main"])


async def test_images_alone_do_not_replace_written_policies(folder: Path) -> None:
    project = await load_project(ProjectSettings(folder, images=(A,)))
    assert (project.name, project.images, patterns(project)) == ("shop", ("a",), ["main"])


async def test_policies_alone_do_not_replace_images(folder: Path) -> None:
    project = await load_project(ProjectSettings(folder, keep_policies=folder / "keep.yaml"))
    assert (project.images, patterns(project)) == (("front", ""), ["v1"])


async def test_both_make_werf_yaml_needless(folder: Path) -> None:
    (folder / "werf.yaml").write_text("{{ broken")
    project = await load_project(ProjectSettings(folder, images=(A,), keep_policies=folder / "keep.yaml"))
    assert (project.name, project.images, patterns(project), project.notes) == (None, ("a",), ["v1"], ())
    named = ProjectSettings(folder, config=folder / "w", images=(A,), keep_policies=folder / "keep.yaml", name="n")
    project = await load_project(named)
    assert project.name == "n"
    assert "was not read" in notice_texts(project.notes)[0]


@pytest.mark.parametrize("main", [True, False])
async def test_without_any_file_the_default_policies_count(folder: Path, main: bool) -> None:
    settings = ProjectSettings(folder / "bare", images=(A,), default_policies_include_main=main)
    assert (await load_project(settings)).keep_policies == default_keep_policies(main=main)


async def test_neither_file_nor_images(folder: Path) -> None:
    for keep in (None, folder / "keep.yaml"):
        with pytest.raises(UsageError, match=r"there is no werf.yml or werf.yaml"):
            await load_project(ProjectSettings(folder / "bare", keep_policies=keep))


async def test_names(folder: Path) -> None:
    project = await load_project(ProjectSettings(folder, name="Other_1"))
    assert project.name == "Other_1", "werf checks what werf.yaml says alone"
    assert "called Other_1" in notice_texts(project.notes)[0]
    assert (await load_project(ProjectSettings(folder, name="shop"))).notes == ()
    with pytest.raises(UsageError, match="--project-name: 'A B' is not a project name"):
        await load_project(ProjectSettings(folder / "bare", images=(A,), name="A B"))


@pytest.mark.parametrize("name", ["origin/master", "refs/heads/master"])
async def test_names_that_are_most_likely_meant_otherwise_are_told(folder: Path, name: str) -> None:
    (folder / "werf.yaml").write_text(WERF.replace("branch: main", f"branch: {name}"))
    (note,) = notice_texts((await load_project(ProjectSettings(folder))).notes)
    assert name in note


@pytest.mark.parametrize(
    ("policy", "where", "key"),
    [
        ("references: {branch: main, tag: x}", "5:5", "keepPolicies[0].references: "),
        ("reference: {branch: main}", "5:5", "keepPolicies[0].reference: unknown key"),
        ("references: {branch: main, limit: {in: 7d}}", "5:40", "keepPolicies[0].references.limit.in: '7d'"),
        ("references: {branch: a b}", "5:18", "keepPolicies[0].references.branch: "),
        ("imagesPerReference: {last: 2}", "5:5", "keepPolicies[0]: references: is missing"),
        ("references: {branch: '/(/'}", "5:18", "keepPolicies[0].references.branch: "),
    ],
)
async def test_a_policy_that_is_wrong(policy: str, where: str, key: str, folder: Path) -> None:
    (folder / "werf.yaml").write_text(WERF.replace("references: {branch: main}", policy))
    with pytest.raises(UsageError) as caught:
        await load_project(ProjectSettings(folder))
    assert caught.value.message.startswith(f"{folder}/werf.yaml:{where}: {key}")


async def test_a_policy_that_is_wrong_in_its_own_file(folder: Path) -> None:
    path = folder / "keep.yaml"
    path.write_text(
        "cleanup:\n  keepPolicies:\n  - references:\n      tag: v1\n    imagesPerReference:\n      last: x\n"
    )
    with pytest.raises(UsageError) as caught:
        await load_project(ProjectSettings(folder, keep_policies=path))
    assert caught.value.message.startswith(f"{path}:6:7: keepPolicies[0].imagesPerReference.last: ")
