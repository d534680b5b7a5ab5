"""`holystone policy check` and `policy try`, as people meet them."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command_line import Bench, bench

FILE = """\
format: 1
in-use: {kubernetes: none}
clones: {gitops: /srv/git/gitops}
policies:
- name: shop
  repositories: r.example/shop/**
  except: "**/cache"
  keep:
  - {tags: "v*", semver: {newest: 1, prereleases-within: 14d}}
  - {tags: "build-*", mentioned-in: gitops}
  - {pushed-within: 7d}
  - {tags: nightly, optional: true}
- {name: caches, repositories: ["**/cache"], keep: [{newest: 1}]}
"""
WEB = ("--repository", "r.example/shop/web")


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        (made.project / "p.yaml").write_text(FILE)
        yield made
        assert not made.registry.requests


def days_ago(days: int) -> int:
    return int(time.time()) - days * 86_400


def listed(person: Bench, *tags: tuple[str, int]) -> str:
    (person.project / "tags").write_text("".join(f"{tag},{days_ago(days)}\n" for tag, days in tags))
    return "tags"


def test_a_valid_file(person: Bench) -> None:
    ran = person.run("policy", "check", "p.yaml")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "p.yaml is valid: 2 policies.",
        "shop: r.example/shop/** (4 keep entries)",
        "  p.yaml:9  tags=v*,semver.newest=1,semver.prereleases-within=14d",
        "  p.yaml:10  tags=build-*,mentioned-in=gitops",
        "  p.yaml:11  pushed-within=7d",
        "  p.yaml:12  tags=nightly,optional=true",
        "caches: **/cache (1 keep entry)",
        "  p.yaml:13  newest=1",
    ]
    document = person.run("policy", "check", "p.yaml", "--output", "json").json
    assert (document["command"], document["ending"], document["exit_code"]) == ("policy check", "done", 0)
    assert [each["name"] for each in document["policies"]] == ["shop", "caches"]
    assert document["policies"][1]["entries"] == [{"entry": "newest=1", "place": "p.yaml:13"}]


@pytest.mark.parametrize("command", [("check",), ("try", "--tags", "tags")])
def test_a_file_that_is_not_valid(person: Bench, command: tuple[str, ...]) -> None:
    (person.project / "p.yaml").write_text(FILE.replace("newest: 1", "newset: 1"))
    why = "p.yaml:9:27: policies[0].keep[0].semver.newset: unknown key; did you mean newest?"
    ran = person.run("policy", *command, "p.yaml")
    assert (ran.code, ran.out) == (2, "")
    assert ran.message.startswith(why)
    ran = person.run("policy", *command, "p.yaml", "--output", "json")
    assert ran.code == 2
    assert ran.json["error"]["message"].startswith(why)


def test_a_file_that_is_not_there(person: Bench) -> None:
    ran = person.run("policy", "check", "none.yaml")
    assert (ran.code, ran.message) == (2, "cannot read none.yaml: No such file or directory")


def test_a_trial(person: Bench) -> None:
    tags = listed(
        person, ("v1.0.0", 300), ("v1.1.0", 200), ("v1.2.0-rc.1", 100), ("v2", 90), ("build-1", 80), ("x", 1), ("y", 9)
    )
    ran = person.run("policy", "try", "p.yaml", "--tags", tags, *WEB)
    assert (ran.code, ran.err) == (0, "")
    head, *lines = ran.out.splitlines()
    assert head.startswith("Trial of policy shop, ages judged as of ")
    assert lines[:9] == [
        "r.example/shop/web: 3 tags stay, 3 go, 1 hangs on what a list does not say",
        "  1  p.yaml:9  tags=v*,semver.newest=1,semver.prereleases-within=14d",
        "    keeps 1 alone, 0 with others, cannot judge 1 (it is no version)",
        "  2  p.yaml:10  tags=build-*,mentioned-in=gitops",
        "    matches 1 tag, and asks for a clone",
        "  3  p.yaml:11  pushed-within=7d",
        "    keeps 1 alone, 0 with others",
        "  4  p.yaml:12  tags=nightly,optional=true",
        "    matches no tag",
    ]
    assert [line.split()[:2] for line in lines[9:]] == [
        ["open", "build-1"],
        ["go", "v1.0.0"],
        ["go", "v1.2.0-rc.1"],
        ["go", "y"],
    ]
    assert all("of policy shop" in line for line in lines[9:])
    every = person.run("policy", "try", "p.yaml", "--tags", tags, *WEB, "--log-verbose").out.splitlines()
    assert [line.split()[1] for line in every[10:] if line.startswith("  stay")] == ["v1.1.0", "v2", "x"]


def test_a_trial_as_json(person: Bench) -> None:
    tags = listed(person, ("v1.0.0", 300), ("v1.1.0", 200), ("v2", 90), ("build-1", 80))
    document = person.run("policy", "try", "p.yaml", "--tags", tags, *WEB, "--output", "json").json
    assert (document["command"], document["ending"], document["exit_code"]) == ("policy try", "planned", 0)
    trial = document["trial"]
    assert (trial["policy"], trial["stay"], trial["go"], trial["open"]) == ("shop", 2, 1, 1)
    assert {each["tag"]: each["outcome"] for each in trial["tags"]} == {
        "build-1": "open",
        "v1.0.0": "go",
        "v1.1.0": "stay",
        "v2": "stay",
    }
    assert trial["entries"][0]["not_judged"] == [{"why": "version", "text": "it is no version", "tags": 1}]
    assert trial["entries"][1]["needs"] == "a clone"


def test_what_a_run_would_refuse(person: Bench) -> None:
    tags = listed(person, ("latest", 300), ("y", 200))
    ran = person.run("policy", "try", "p.yaml", "--tags", tags, *WEB)
    assert ran.code == 3
    *_, note, refusal = ran.out.splitlines()
    assert note.startswith("note: ")
    assert "latest" in note
    assert refusal.startswith("refused: ")
    document = person.run("policy", "try", "p.yaml", "--tags", tags, *WEB, "--output", "json").json
    assert (document["ending"], document["exit_code"], len(document["trial"]["refusals"])) == ("refused", 3, 1)


def test_the_repository_says_whose_policy_it_is(person: Bench) -> None:
    tags = listed(person, ("a", 1))
    for name, policy in (
        ("r.example/shop/a/b", "shop"),
        ("r.example/shop/cache", "caches"),
        ("x.example/cache", "caches"),
    ):
        ran = person.run("policy", "try", "p.yaml", "--tags", tags, "--repository", name)
        assert ran.out.startswith(f"Trial of policy {policy}, ")
    for words, why in (
        ((), "--repository is missing: the file has 2 policies, and the repository's name says which of them decides"),
        (
            ("--repository", "r.example/shop"),
            "--repository: no policy is about r.example/shop, which is therefore left alone",
        ),
        (("--repository", "r.example/Shop"), "--repository: "),
        (("--repository", "me:hunter2@r.example/a"), "--repository: a name or a password before an '@'"),
    ):
        ran = person.run("policy", "try", "p.yaml", "--tags", tags, *words)
        assert ran.code == 2
        assert ran.message.startswith(why)
        assert "hunter2" not in ran.err


def test_one_policy_needs_no_repository_and_standard_input_is_a_list(person: Bench) -> None:
    (person.project / "p.yaml").write_text(
        "format: 1\nin-use: {kubernetes: none}\npolicies: [{name: a, repositories: '**', keep: [{newest: 1}]}]\n"
    )
    stdin = f"a,{days_ago(1)}\nb,{days_ago(2)}\n"
    ran = person.run("policy", "try", "p.yaml", "--tags", "-", stdin=stdin)
    assert ran.code == 0
    assert "registry/repository: 1 tag stays, 1 goes" in ran.out.splitlines()


def test_a_list_that_is_none(person: Bench) -> None:
    assert person.run("policy", "try", "p.yaml", *WEB).message.startswith("--tags is missing")
    (person.project / "tags").write_text("a b\n")
    ran = person.run("policy", "try", "p.yaml", "--tags", "tags", *WEB)
    assert (ran.code, ran.message) == (2, "--tags: tags:1: 'a b' is not a valid tag")


def test_its_words_cannot_steer_a_terminal(person: Bench) -> None:
    (person.project / "p.yaml").write_text(
        'format: 1\nin-use: {kubernetes: none}\npolicies: [{name: "a\\e[2J", repositories: "**", keep: nothing}]\n'
    )
    assert "\x1b" not in person.run("policy", "check", "p.yaml").out


def test_an_expression_that_takes_something_else_for_a_branch(person: Bench) -> None:
    (person.project / "p.yaml").write_text(
        "format: 1\nin-use: {kubernetes: none}\nclones: {shop: /git}\npolicies:\n- name: a\n  repositories: '**'\n"
        "  keep: [{tags: '/^(?P<branch>.+)-[0-9a-f]{7,}$/', branch-exists-in: shop, newest: 2, per: branch}]\n"
    )
    tags = listed(
        person, *((f"build-{number}-1a2b3c4", 1) for number in range(4)), ("main-1a2b3c4", 1), ("main-1234567", 2)
    )
    lines = person.run("policy", "try", "p.yaml", "--tags", tags).out.splitlines()
    assert lines[3:5] == [
        "    matches 6 tags, and asks for a clone",
        "    4 of its 5 groups have one tag: the expression may take something else for a group",
    ]


ECR = """{"rules": [{
    "rulePriority": 1, "description": "ten\\nreleases ##vso[task]",
    "selection": {"tagStatus": "tagged", "tagPrefixList": ["v"], "countType": "imageCountMoreThan", "countNumber": 10},
    "action": {"type": "expire"}}]}"""


def test_another_tools_policy(person: Bench) -> None:
    (person.project / "ecr.json").write_text(ECR)
    made = person.run("policy", "from", "ecr", "ecr.json", "--repository", "r.example/shop/**")
    assert (made.code, made.err) == (0, "")
    assert "      # Rule 1 (ten releases" in made.out
    assert "##vso[" not in made.out
    (person.project / "p.yaml").write_text(made.out)
    assert person.run("policy", "check", "p.yaml").code == 0
    tags = listed(person, *((f"v{number}", number) for number in range(20)), ("x", 900))
    assert "11 tags stay, 10 go" in person.run("policy", "try", "p.yaml", "--tags", tags).out


def test_another_tools_policy_of_no_repository_is_to_be_filled_in(person: Bench) -> None:
    (person.project / "ecr.json").write_text(ECR)
    (person.project / "p.yaml").write_text(person.run("policy", "from", "ecr", "ecr.json").out)
    ran = person.run("policy", "check", "p.yaml")
    assert ran.code == 2
    assert "'<registry>/<repository>' is to be filled in" in ran.message


@pytest.mark.parametrize(
    ("words", "text", "why"),
    [
        (("ecr", "a.json"), ECR.replace("countNumber", "count"), "a.json:3:101: rules[0].selection.count: unknown key"),
        (("ecr", "a.json"), "{", "a.json:"),
        (("ecr", "a.json"), "", "a.json:1:1: nothing in it"),
        (("ecr", "none.json"), "", "cannot read none.json: No such file or directory"),
        (("ecr", "a.json", "--repository", "shop"), ECR, "--repository: 'shop' matches no repository"),
        (("ecr", "a.json", "--repository", "*/shop"), ECR, "--repository: '*/shop' does not begin with a registry"),
        (("harbor", "a.json"), ECR, "a.json:2:"),
        (("gitlab", "a.json"), "[]", "a.json:1:1: expected cadence:"),
        (("quay", "a.json"), "", "'quay' is not one of"),
    ],
)
def test_another_tools_policy_that_is_wrong(person: Bench, words: tuple[str, ...], text: str, why: str) -> None:
    (person.project / "a.json").write_text(text)
    ran = person.run("policy", "from", *words)
    assert (ran.code, ran.out) == (2, "")
    assert why in ran.message
