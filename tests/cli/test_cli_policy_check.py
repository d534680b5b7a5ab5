"""`holystone policy check` where it asks registries: what a run would do, and which entry has a part in it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from holystone.embedded.faults import Answer, Fault
from holystone.engine.model.references import RepositoryPath
from tests.support.command_line import Bench, Ran, bench
from tests.support.dated_registry import Registry, aged
from tests.support.git_clone import GitClone

POLICIES = """
  - {name: caches, repositories: "**/cache", keep: [{newest: 1}]}
  - name: shop
    repositories: HOST/shop/**
    keep:
    - {tags: "v-*", newest: 2}
    - {tags: [v-1, latest]}
    - {tags: "v-*", semver: {newest: 1}, pushed-within: 2d}
    - {tags: "never-*", optional: true}
"""


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with bench(tmp_path) as made:
        yield Registry(made)


@pytest.fixture
def shop(registry: Registry) -> Registry:
    registry.push("shop/app", aged("v", 5, first=0.5))
    registry.push("shop/web", {**aged("v", 3, first=0.5), "latest": 90})
    registry.push("shop/small", aged("v", 1, first=0.5))
    registry.push("blog/app", aged("v", 3))
    registry.file(POLICIES)
    return registry


def check(registry: Registry, *words: str) -> Ran:
    return registry.bench.run("policy", "check", "holystone.yaml", *words)


def told(registry: Registry, *words: str) -> Any:
    return check(registry, *words, "--output=json").json["check"]


def state(bench: Bench) -> dict[str, Any]:
    """What runs have left, by file; nothing of files that are no databases."""
    found: dict[str, Any] = {}
    for file in sorted((bench.home / ".local/state").rglob("*.sqlite")):
        with closing(sqlite3.connect(file)) as database:
            found[file.name] = list(database.iterdump())
    return found


def test_what_each_entry_keeps_and_what_comes_of_each_repository(shop: Registry) -> None:
    before = shop.bench.contents()
    ran = check(shop, "--registries")
    assert (ran.code, ran.message if ran.err else "") == (0, "")
    host = shop.bench.registry.host
    head, *lines = ran.out.splitlines()
    assert head.startswith("holystone.yaml is valid. What a run would do, ages judged as of ")
    assert lines[:13] == [
        "caches: **/cache: decides for no repository that could be read",
        f"shop: {host}/shop/**: 3 repositories, 6 tags stay, 4 go",
        "  1  holystone.yaml:9  tags=v-*,newest=2",
        "    keeps 2 alone, 3 with others",
        "  2  holystone.yaml:10  tags=v-1|latest",
        "    keeps 1 alone, 3 with others",
        "  3  holystone.yaml:11  tags=v-*,pushed-within=2d,semver.newest=1",
        "    keeps 0 alone, 0 with others, cannot judge 5 (it is no version)",
        "  4  holystone.yaml:12  tags=never-*,optional=true",
        "    matches no tag",
        f"  {host}/shop/app  2 tags stay, 3 go, by shop",
        f"  {host}/shop/web  3 tags stay, 1 goes, by shop",
        f"everything would stay in 1 repository, e.g. {host}/shop/small",
    ]
    assert f"note: {host}: no policy is about 1 repository, e.g. {host}/blog/app: left alone" in lines[13:]
    assert shop.bench.contents() == before
    assert not {each.method for each in shop.bench.registry.requests} & {"PUT", "POST", "PATCH"}
    assert state(shop.bench) == {}


def test_it_says_what_a_dry_run_says(shop: Registry) -> None:
    shop.push("shop/old", aged("w", 3, first=50))
    shop.push("shop/bad", aged("v", 3))
    shop.bench.registry.faults.add(Fault("GET", "/v2/shop/bad/tags/list", Answer(404, b"<html>"), times=None))
    dry = shop.bench.run("prune", "--config", "holystone.yaml", "--dry-run", "--output=json")
    looked = check(shop, "--registries", "--output=json")
    assert (looked.code, looked.json["exit_code"], dry.code) == (4, 4, 4)
    assert looked.json["error"] == dry.json["error"]
    assert looked.json["check"]["set_aside"] == dry.json["plan"]["set_aside"]
    assert {
        each["repository"]["path"]: (each["stay"], each["go"]) for each in looked.json["check"]["repositories"]
    } == {
        each["key"]["repository"]["path"]: (each["left"], each["number"] - each["left"])
        for each in dry.json["plan"]["counted"]
    }
    text = check(shop, "--registries")
    assert text.code == 4
    assert "shop/**: 4 repositories, 6 tags stay, 4 go, 1 repository left alone" in text.out
    assert "would empty" in text.err or "shop/old" in text.err


def test_an_entry_that_is_mistyped(shop: Registry) -> None:
    shop.file(POLICIES.replace(", optional: true", ""))
    ran = check(shop, "--registries")
    assert ran.code == 3, ran
    assert "never-*" in ran.err
    assert "matches no tag" in ran.out
    assert check(shop, f"{shop.bench.registry.host}/shop/app").code == 0


def test_a_named_tag(shop: Registry) -> None:
    host = shop.bench.registry.host
    (shop.bench.project / "in-use.txt").write_text(f"{host}/shop/app:v-4\n")
    shop.file(POLICIES, **{"in-use": "{kubernetes: none, lists: [in-use.txt]}"})
    tags = [f"{host}/shop/app:{tag}" for tag in ("v-1", "v-3", "v-4", "none")]
    ran = check(shop, *tags)
    assert ran.code == 0, ran
    lines = ran.out.splitlines()
    start = lines.index(f"{tags[0]} would stay")
    assert lines[start : start + 15] == [
        f"{tags[0]} would stay",
        "  holystone.yaml:9  entry 1 of policy shop keeps it: tags, newest 2, this is number 1, it was built 12 h ago",
        "  holystone.yaml:10  entry 2 of policy shop keeps it: tags",
        "  holystone.yaml:11  entry 3 of policy shop cannot judge it: it is no version",
        "  1 entry is about other tags",
        f"{tags[1]} would go",
        "  holystone.yaml:9  entry 1 of policy shop does not keep it: newest 2, this is number 3, it was built 2 d ago",
        "  holystone.yaml:11  entry 3 of policy shop does not keep it: pushed-within 2 d, it was built 2 d ago",
        "  2 entries are about other tags",
        f"{tags[2]} would stay",
        "  in use: listed in in-use.txt:1",
        "  holystone.yaml:9  entry 1 of policy shop does not keep it: newest 2, this is number 4, it was built 3 d ago",
        "  holystone.yaml:11  entry 3 of policy shop does not keep it: pushed-within 2 d, it was built 3 d ago",
        "  2 entries are about other tags",
        f"{tags[3]} is not there",
    ]
    found = told(shop, *tags)["tags"]
    assert [each["outcome"] for each in found] == ["stay", "go", "stay", "absent"]
    assert [each["answer"] for each in found[0]["entries"]] == ["keeps", "keeps", "cannot-judge", "not-about"]
    assert found[3]["entries"] == []


def test_a_tag_of_a_repository_that_is_left_alone(registry: Registry) -> None:
    registry.push("shop/old", aged("w", 3, first=50))
    registry.file(POLICIES)
    ran = check(registry, f"{registry.bench.registry.host}/shop/old:w-1")
    assert ran.code == 3, ran
    assert "shop/old:w-1 is left alone with its repository" in ran.out
    assert "4 entries are about other tags" in ran.out


def test_only_the_named_repositories_are_read_unless_all_are_asked_for(shop: Registry) -> None:
    host = shop.bench.registry.host
    found = told(shop, f"{host}/shop/app:v-1", f"{host}/shop/small")
    assert [each["repository"]["path"] for each in found["repositories"]] == ["shop/app", "shop/small"]
    assert [each["name"] for each in found["policies"]] == ["shop"]
    assert found["policies"][0]["entries"][3]["entry"] == "tags=never-*,optional=true"
    paths = {each.path for each in shop.bench.registry.requests}
    assert not [path for path in paths if "_catalog" in path or "/shop/web/" in path]
    found = told(shop, f"{host}/shop/app:v-1", "--registries")
    assert [each["repository"]["path"] for each in found["repositories"]] == ["shop/app", "shop/small", "shop/web"]
    assert [each["tag"] for each in found["tags"]] == ["v-1"]


def test_repositories_that_no_run_has_been_through(shop: Registry) -> None:
    assert not any(each["new"] for each in told(shop, "--registries")["repositories"])
    assert shop.bench.run("prune", "--config", "holystone.yaml").code == 0
    shop.push("shop/young", aged("v", 4))
    before = state(shop.bench)
    ran = check(shop, "--registries")
    assert f"new, no run has been through 1 repository, e.g. {shop.bench.registry.host}/shop/young" in ran.out
    new = [each["repository"]["path"] for each in told(shop, "--registries")["repositories"] if each["new"]]
    assert new == ["shop/young"]
    assert state(shop.bench) == before
    assert before


def test_what_has_shrunk_since_the_last_run_is_left_alone(registry: Registry) -> None:
    registry.push("shop/app", aged("v", 30))
    file = registry.file("  - {name: shop, repositories: HOST/shop/**, keep: [{newest: 25}]}\n")
    assert registry.bench.run("prune", "--config", str(file)).code == 0
    tags = registry.bench.registry.storage.repositories[RepositoryPath("shop/app")].tags
    for tag in [each for each in tags if each not in ("v-1", "v-2", "v-3")]:
        del tags[tag]
    before = state(registry.bench)
    ran = check(registry, f"{registry.bench.registry.host}/shop/app:v-1", "--output=json")
    assert ran.code == 3, ran
    found = ran.json["check"]
    assert found["repositories"] == []
    assert found["set_aside"][0]["why"][0]["kind"] == "source-shrank"
    assert [each["outcome"] for each in found["tags"]] == ["left-alone"]
    assert state(registry.bench) == before


def test_a_look_that_notes_nothing_does_not_make_a_tag_known(shop: Registry) -> None:
    """An old image gets a new tag: it counts from the first run that sees it, and a check is none."""
    shop.file('  - {name: shop, repositories: HOST/shop/**, keep: [{tags: "v-*"}, {pushed-within: 30d}]}\n')
    assert shop.bench.run("prune", "--config", "holystone.yaml", "--dry-run").code == 0
    shop.push("shop/app", {"old": 200})
    tag = f"{shop.bench.registry.host}/shop/app:old"
    for _ in range(2):
        (found,) = told(shop, tag)["tags"]
        assert found["outcome"] == "stay"
        assert "a run first saw it 0 s ago" in found["entries"][1]["why"][0]


def test_what_an_expression_takes_for_branches(registry: Registry, tmp_path: Path) -> None:
    clone = GitClone(tmp_path)
    tags = {f"{name}-1a2b3c{number}": 1 for number, name in enumerate(("master", "sha", "nightly-1", "nightly-2"))}
    registry.push("shop/app", tags)
    registry.file(
        "  - name: shop\n    repositories: HOST/shop/**\n    keep:\n    - tags: /^(?P<branch>.+)-[0-9a-f]{7,}$/\n"
        "      branch-exists-in: shop\n      newest: 2\n      per: branch\n    - {tags: nightly-*}\n",
        clones=f"{{shop: {clone.path}}}",
    )
    ran = check(registry, "--registries")
    assert ran.code == 0, ran
    assert ran.out.splitlines()[3:6] == [
        "    keeps 1 alone, 0 with others",
        "    4 of its 4 groups have one tag: the expression may take something else for a group",
        "    3 groups of tags are no branch of its clone, e.g. nightly-1, nightly-2, sha",
    ]
    (entry, _) = told(registry, "--registries")["policies"][0]["entries"]
    assert (entry["groups"], entry["groups_of_one"], entry["without_branch"]) == (4, 4, 3)


def test_a_screen_holds_it(registry: Registry) -> None:
    for number in range(30):
        registry.push(f"shop/app-{number:02}", aged("v", 3 + number // 10, first=0.5))
    registry.file("  - {name: shop, repositories: HOST/shop/**, keep: [{newest: 2}]}\n")
    every = check(registry, "--registries", "--log-verbose")
    assert sum("by shop" in line for line in every.out.splitlines()) == 30
    ran = check(registry, "--registries")
    assert len(ran.out.splitlines()) < 24
    assert f"  {registry.bench.registry.host}/shop/app-20  2 tags stay, 3 go, by shop" in ran.out
    assert "  and 20 repositories more of which tags go (--log-verbose names all)" in ran.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("HOST/blog/app",), "/blog/app, which is therefore left alone"),
        (("HOST/shop/App",), "REFERENCE: "),
        (("HOST/shop/app@sha256:" + "0" * 64,), "contains a digest, and policies judge tags"),
        (("me:hunter2@HOST/shop/app",), "REFERENCE: a name or a password before an '@'"),
        (("HOST/shop/app", "--kube-context", "x"), "--kube-context"),
    ],
)
def test_what_cannot_be_meant_is_told_before_anything_is_read(
    shop: Registry, words: tuple[str, ...], message: str
) -> None:
    ran = check(shop, *(each.replace("HOST", shop.bench.registry.host) for each in words))
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.message
    assert "hunter2" not in ran.err
    assert shop.bench.registry.requests == []
