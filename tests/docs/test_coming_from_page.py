"""The page about other tools: each example of theirs, said a second time in plain Python, beside ours."""

import datetime as dt
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
import pytest

from holystone.adapters.retention_file.reader import retention_document
from holystone.engine.model.references import RepositoryPath
from holystone.policies.retention.repository_patterns import RepositoryPattern
from holystone.policies.retention.rules import Policy
from holystone.policies.retention_data.file import parse_file
from holystone.policies.retention_data.from_ecr import from_ecr
from holystone.policies.retention_data.from_gitlab import from_gitlab
from holystone.policies.retention_data.from_harbor import from_harbor
from holystone.policies.retention_data.parts import Part
from holystone.settings.retention_file import plain_data
from tests.retention_file.vendors import Converter, Image, converted, kept, read_back
from tests.support import images
from tests.support.command_line import Bench, bench, now

PAGE: Final = Path("docs/coming-from.md").read_text()
HEAD: Final = "format: 1\nin-use: {kubernetes: none}\npolicies:\n"
REGBOT: Final = Path.home() / ".cache/holystone-servers/regbot-0.11.7"


def blocks(title: str, language: str) -> list[str]:
    section = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


def ours(title: str) -> Policy:
    text = f"{HEAD}{blocks(title, 'yaml')[-1]}"
    (policy,) = parse_file(Part(plain_data(retention_document(text.encode(), "page"))), lambda _: ()).policies
    return policy


SECTIONS: Final = re.findall(r"^## (.*)$", PAGE, re.MULTILINE)


def test_every_tool_has_a_section_and_a_row() -> None:
    rows = re.findall(r"^\| \[(.+?)\]\(#(.+?)\)", PAGE, re.MULTILINE)
    assert [name for name, _ in rows] == SECTIONS[1:]
    assert [anchor for _, anchor in rows] == [name.lower().replace(" ", "-") for name in SECTIONS[1:]]


@pytest.mark.parametrize(
    ("title", "convert", "where"),
    [
        ("Amazon ECR", from_ecr, "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop"),
        ("Harbor", from_harbor, "harbor.example.com/shop"),
        ("GitLab", from_gitlab, "registry.gitlab.com/group/shop"),
    ],
)
def test_what_policy_from_makes_of_the_example(title: str, convert: Converter, where: str) -> None:
    (document,) = blocks(title, "json")
    assert read_back(converted(convert, json.loads(document), where)) == (ours(title),)


def kept_by(policy: Policy, images: Sequence[Image]) -> set[str]:
    """What stays by it, wherever its repositories are."""
    everywhere = msgspec.structs.replace(policy, repositories=(RepositoryPattern("**/shop"),), except_=())
    return kept([everywhere], images)


def acr(images: Sequence[Image]) -> set[str]:
    """purge.go: tags that the filter finds and that are older than --ago go, but the newest --keep of those."""
    days = {tag: image.days for image in images for tag in image.tags}
    old = sorted((tag for tag in days if re.search("^hello.*", tag) and days[tag] > 7), key=lambda tag: days[tag])
    return set(days) - set(old[2:])


def gcr(images: Sequence[Image]) -> set[str]:
    """cleaner.go: manifests, the newest first, of which --keep stay; those without a tag count, too."""
    newest = sorted(images, key=lambda image: image.days)
    return {tag for image in newest[:3] for tag in image.tags}


def ghcr(images: Sequence[Image]) -> set[str]:
    """README.md: what is excluded stays, what is younger than --older-than stays, and so many of the others."""
    meant = [image for image in images if not any(re.fullmatch("dev|latest|pr.*", tag) for tag in image.tags)]
    old = sorted((image for image in meant if image.days > 365), key=lambda image: image.days)
    return {tag for image in images if image not in old[10:] for tag in image.tags}


def zot(images: Sequence[Image]) -> set[str]:
    """retention.go and rules.go: of the tags that a pattern finds, the union of what each rule keeps."""
    days = {tag: image.days for image in images for tag in image.tags if re.search("v2.*|.*-prod", tag)}
    newest = sorted(days, key=lambda tag: days[tag])[:10]
    return {*newest, *(tag for tag in days if days[tag] < 30)}


def row(prefix: str, number: int, first: float, step: float = 1) -> list[Image]:
    return [Image((f"{prefix}{each}",), first + each * step) for each in range(number)]


OTHERS: Final = [Image(("latest", "v3"), 400.5), Image(("xhello",), 401.5), Image(("web-prod", "v1"), 1.25)]


@pytest.mark.parametrize(
    ("title", "theirs", "images"),
    [
        ("acr purge", acr, [*row("hello", 6, 10), *OTHERS]),
        ("acr purge", acr, [*row("hello", 6, 1, 0.5), *OTHERS]),
        ("gcr-cleaner", gcr, [*row("a", 6, 1), *OTHERS[:2]]),
        ("ghcr-cleanup-action", ghcr, [*row("old", 15, 370), *OTHERS[:1], Image(("pr-1",), 500)]),
        ("ghcr-cleanup-action", ghcr, [*row("new", 15, 3), *row("pr", 3, 700)]),
        ("zot", zot, [*row("v2.", 14, 40), *row("xv2-", 3, 90), *OTHERS]),
        ("zot", zot, [*row("v2.", 14, 1), *row("xv2-", 3, 90), *OTHERS]),
    ],
)
def test_the_same_stays(title: str, theirs: Callable[[Sequence[Image]], set[str]], images: list[Image]) -> None:
    assert kept_by(ours(title), images) == theirs(images)


@pytest.mark.parametrize(
    ("title", "theirs", "images", "fewer"),
    [
        ("acr purge", acr, [*row("hello", 3, 1), *row("hello-old", 4, 10)], {"hello-old0", "hello-old1"}),
        ("ghcr-cleanup-action", ghcr, [*row("new", 10, 3), *row("old", 11, 370)], {f"old{each}" for each in range(10)}),
    ],
)
def test_an_age_and_a_number_are_where_fewer_stay(
    title: str, theirs: Callable[[Sequence[Image]], set[str]], images: list[Image], fewer: set[str]
) -> None:
    assert theirs(images) - kept_by(ours(title), images) == fewer


def test_untagged_manifests_take_places_with_gcr_cleaner() -> None:
    images = [Image(("a",), 4), Image((), 1), Image((), 2), Image(("b",), 3)]
    assert gcr(images) == {"b"}
    assert kept_by(ours("gcr-cleaner"), images) == {"a", "b"}


def test_what_else_the_policies_say() -> None:
    day = 86_400
    assert {title: ours(title).untagged_after for title in SECTIONS[4:]} == {
        "acr purge": 7 * day,
        "gcr-cleaner": day,
        "ghcr-cleanup-action": None,
        "regctl and regbot": None,
        "zot": day,
    }
    assert {title for title in SECTIONS[1:] if ours(title).times == "created"} == {"gcr-cleaner", "regctl and regbot"}


DAYS: Final = {"build-9": 3, "build-10": 2, "build-11": 1, "build-8": 4, "build-7": 0.5, "build-x": 9, "latest": 8}


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Bench]:
    if not REGBOT.exists():
        if "regbot" in os.environ.get("HOLYSTONE_REQUIRE", "").split(","):
            pytest.fail("regbot is missing, and HOLYSTONE_REQUIRE names it", pytrace=False)
        pytest.skip("regbot is missing; `make servers` installs it where it may")
    with bench(tmp_path) as made:
        yield made


def push(person: Bench, path: str) -> None:
    repository = RepositoryPath(path)
    for tag, days in DAYS.items():
        built = dt.datetime.fromtimestamp(now() - days * 86_400, dt.UTC)
        config = images.config(f"{path}:{tag}", created=built.isoformat())
        person.registry.storage.put_blob(repository, config)
        raw = images.image(config)
        person.registry.storage.put_manifest(repository, raw.body, raw.media_type, tag)


def tags(person: Bench, path: str) -> set[str]:
    return set(map(str, person.registry.storage.repositories[RepositoryPath(path)].tags))


def test_regbot_itself_leaves_the_same_tags(person: Bench) -> None:
    host = person.registry.host
    push(person, "theirs/web")
    push(person, "ours/web")
    script, policy = blocks("regctl and regbot", "yaml")
    login = f"creds: [{{registry: '{host}', tls: disabled}}]\n"
    (person.project / "regbot.yaml").write_text(login + script.replace("registry.example.com/shop", f"{host}/theirs"))
    environ = {"HOME": str(person.home), "PATH": os.environ["PATH"]}
    command = [str(REGBOT), "once", "--config", "regbot.yaml"]
    subprocess.run(command, cwd=person.project, env=environ, check=True, timeout=60, capture_output=True)
    text = HEAD + policy.replace("registry.example.com/shop", f"{host}/ours")
    (person.project / "p.yaml").write_text(text)
    ran = person.run("prune", "--config", "p.yaml")
    assert ran.code == 0, ran.err
    assert tags(person, "ours/web") == tags(person, "theirs/web") == set(DAYS) - {"build-8", "build-9"}
