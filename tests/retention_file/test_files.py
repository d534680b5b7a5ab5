"""What a file says, as values."""

import os
import threading
from pathlib import Path

import pytest

from holystone.engine.errors import UsageError
from holystone.policies.keep_policies import KeepPolicy, Limit, ReferencesRule
from holystone.policies.retention.patterns import ExpressionPattern, GlobPattern, NamePattern, named_groups
from holystone.policies.retention.repository_patterns import RepositoryPattern
from holystone.policies.retention.rules import (
    Clusters,
    CommitOf,
    CommitsOf,
    Entry,
    Label,
    Mentioned,
    Policy,
    Prereleases,
    RegistryAccess,
    Semver,
    Thin,
    WerfProject,
)
from holystone.settings.retention_file import load_retention_file
from tests.retention_file.conftest import Load
from tests.retention_file.pages import example
from tests.retention_file.test_bad_files import ENTRY, HEAD, POLICY, refused

DAY = 86_400
TEAM = "format: 1\npolicies:\n- {name: a, repositories: registry.example.com/team-a/*, keep: [{newest: 10}]}\n"


def entry(load: Load, text: str, **others: str) -> Entry:
    ((one,),) = (each.keep for each in load(ENTRY + text, **others).file.policies)
    return one


def test_the_pages_example(load: Load, tmp_path: Path) -> None:
    loaded = load(example(), pinned_csv="v1.0.0,the customer's\n", teams__a_yaml=TEAM)
    file = loaded.file
    assert file.in_use == Clusters("all")
    assert file.in_use_lists == (str(tmp_path / "in-use.txt"),)
    assert file.clones == {"shop": "/srv/git/shop", "gitops": "/srv/git/gitops"}
    assert file.registries == {
        "registry.example.com": RegistryAccess("harbor", "env:HARBOR_USER", "file:/run/secrets/harbor")
    }
    assert file.projects == (
        WerfProject(
            directory="/srv/git/blog",
            images_repo="registry.example.com/blog",
            stages_storage="registry.example.com/blog/stages",
        ),
    )
    team, shop, caches = file.policies
    assert team == Policy("a", (RepositoryPattern("registry.example.com/team-a/*"),), keep=(Entry(newest=10),))
    assert caches == Policy(
        "build caches",
        (RepositoryPattern("**/cache"),),
        keep=(Entry(pushed_within=14 * DAY),),
        untagged_after=DAY,
        may_empty=True,
    )
    assert (shop.except_, shop.untagged_after, shop.orphaned_after) == (
        (RepositoryPattern("**/cache"),),
        7 * DAY,
        30 * DAY,
    )
    names, versions, branches, commits, mentioned, pinned, label, pushed, thin = shop.keep
    assert names == Entry(tags=(NamePattern("latest"), NamePattern("stable")))
    assert versions.semver == Semver(3, ("minor",), prereleases=Prereleases(within=14 * DAY))
    assert [named_groups(each) for each in versions.tags or ()] == [{"version"}]
    assert (branches.branch_exists_in, branches.newest, branches.per) == ("shop", 2, ("branch",))
    assert commits.commits_of
    assert (commits.commits_of.clone, commits.commits_of.by) == ("shop", CommitOf())
    assert [each.references.pattern for each in commits.commits_of.keep_policies] == ["/.*/", "main"]
    assert mentioned == Entry(mentioned_in=Mentioned("gitops", 30 * DAY))
    assert pinned == Entry(tags=(NamePattern("v1.0.0"),))
    assert label == Entry(label=Label("keep", "true"))
    assert pushed == Entry(pushed_within=7 * DAY)
    assert thin == Entry(tags=(GlobPattern("nightly-*"),), thin=Thin(3, 4))
    assert loaded.places["a"] == (f"{tmp_path}/teams/a.yaml:3",)
    assert len(loaded.places["shop"]) == 9


@pytest.mark.parametrize(
    "word", ["1.10", "1.0", "2024", "no", "yes", "on", "true", "False", "2026-01-01", "0x10", "1e3", "010"]
)
def test_a_word_that_yaml_takes_for_something_else_is_a_name_as_it_is_written(load: Load, word: str) -> None:
    assert entry(load, f"tags: [{word}, '{word}']").tags == (NamePattern(word), NamePattern(word))
    assert entry(load, f"label: {{name: keep, value: {word}}}").label == Label("keep", word)
    (policy,) = load(f"{POLICY}{{name: {word}, repositories: r.example/**, keep: nothing}}").file.policies
    assert policy.name == word


def test_null_is_nothing_and_in_quotes_a_name(load: Load) -> None:
    assert entry(load, "tags: 'null'").tags == (NamePattern("null"),)
    assert "nothing in it" in refused(load, f"{ENTRY}tags: null")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tags: latest", Entry(tags=(NamePattern("latest"),))),
        ("tags: false", Entry(tags=(NamePattern("false"),))),
        ("{tags: x, same-commit: false}", Entry(tags=(NamePattern("x"),))),
        ("tags: '*'", Entry(tags=(GlobPattern("*"),))),
        ("tags: ['v?.*', /^x$/]", Entry(tags=(GlobPattern("v?.*"), ExpressionPattern("^x$")))),
        ("pushed-within: 720h", Entry(pushed_within=30 * DAY)),
        ("pushed-within: '2w'", Entry(pushed_within=14 * DAY)),
        ("pulled-within: 90d", Entry(pulled_within=90 * DAY)),
        ("{newest: 3, pushed-within: 100h}", Entry(newest=3, pushed_within=360_000)),
        ("{thin: {monthly: 12}, which: first}", Entry(thin=Thin(monthly=12, which="first"))),
        ("mentioned-in: shop", Entry(mentioned_in=Mentioned("shop"))),
        ("label: {name: keep}", Entry(label=Label("keep"))),
        ("{branch-head-of: shop, pushed-within: 30d}", Entry(branch_head_of="shop", pushed_within=30 * DAY)),
        ("{branch-head-of: shop, by: provenance}", Entry(branch_head_of="shop", commit=CommitOf("provenance"))),
        ("{same-commit: true, by: label vcs-ref}", Entry(same_commit=True, commit=CommitOf("label", "vcs-ref"))),
        (
            "{tags: latest, with-siblings: true, optional: true}",
            Entry(tags=(NamePattern("latest"),), with_siblings=True, optional=True),
        ),
        ("{newest: 1, optional: false}", Entry(newest=1)),
        (
            "semver: {newest: 5, prereleases-within: 2w, prereleases: {newest: 1, until-released: 30d}}",
            Entry(semver=Semver(5, prereleases=Prereleases(14 * DAY, 1, 30 * DAY))),
        ),
    ],
)
def test_an_entry(load: Load, text: str, expected: Entry) -> None:
    assert entry(load, text) == expected


def test_keep_policies_are_in_werfs_words(load: Load) -> None:
    limits = "{last: -1, in: 3600000000000, operator: Or}"
    text = f"{{commits-of: shop, keep-policies: [{{references: {{tag: 1.10, limit: {limits}}}}}]}}"
    assert entry(load, text).commits_of == CommitsOf(
        "shop", (KeepPolicy(ReferencesRule("tag", "1.10", Limit(-1, 3_600_000_000_000, "Or"))),)
    )


def test_groups_of_an_expression(load: Load) -> None:
    text = "tags: '/^(?P<version>[0-9.]+)-(?P<variant>[a-z]+)$/'"
    assert entry(load, f"{{{text}, semver: {{newest: 2, per: [minor, variant], groups: 3}}}}").semver == Semver(
        2, ("minor", "variant"), 3
    )
    one = entry(load, f"{{{text}, newest: 2, per: variant, groups: 3}}")
    assert (one.newest, one.per, one.groups) == (2, ("variant",), 3)
    assert entry(load, f"{{{text}, same-commit: true, by: group variant}}").commit == CommitOf("group", "variant")


def test_a_policy(load: Load) -> None:
    text = "{name: a, repositories: r.example/**, keep: nothing, times: created, immutable: '/^[0-9a-f]{64}$/'}"
    (policy,) = load(POLICY + text).file.policies
    assert policy == Policy(
        "a",
        (RepositoryPattern("r.example/**"),),
        keeps_nothing=True,
        times="created",
        immutable=(ExpressionPattern("^[0-9a-f]{64}$"),),
    )


def test_a_list_of_tags_is_the_first_column_of_a_file(load: Load) -> None:
    table = '\ufeff# pinned\nv1.0.0,"the customer\'s, until May"\n\n "v2.*" \nno\n1.10\r\n'
    assert entry(load, "tags: {file: pinned.csv}", pinned_csv=table.replace(' "v2.*" ', "v2.*")).tags == (
        NamePattern("v1.0.0"),
        GlobPattern("v2.*"),
        NamePattern("no"),
        NamePattern("1.10"),
    )


def test_paths_count_from_the_files_folder_and_from_home(load: Load, tmp_path: Path) -> None:
    text = (
        "format: 1\nin-use: {kubernetes: [prod, 'no'], lists: [a, ~/b, /c]}\nclones: {x: .., y: ~/y}\n"
        "registries: {'r.example:443': {credentials: {username: file:u, password: file:~/p}}}\n"
        "projects: [{directory: blog, images-repo: r.example/i, stages-storage: r.example/s, config: ~/w.yaml}]\n"
    )
    file = load(text).file
    assert file.in_use == Clusters(("prod", "no"))
    assert file.in_use_lists == (f"{tmp_path}/a", "/home/me/b", "/c")
    assert file.clones == {"x": f"{tmp_path}/..", "y": "/home/me/y"}
    assert file.registries == {"r.example": RegistryAccess(None, f"file:{tmp_path}/u", "file:/home/me/p")}
    assert (file.projects[0].directory, file.projects[0].config) == (f"{tmp_path}/blog", "/home/me/w.yaml")


def test_what_is_said_of_a_project(load: Load) -> None:
    (project,) = load(
        "format: 1\nin-use: {kubernetes: none}\nprojects:\n- {directory: /a, images-repo: r.example, stages-storage: "
        "r.example/s, project-name: 1.10, images-repo-mode: multirepo, default-policies-include-main: true, "
        "git-history-based-cleanup-v1.2: false, allow-git-shallow-clone: true, keep-stages-younger-than: 3d}\n"
    ).file.projects
    assert project == WerfProject(
        directory="/a",
        images_repo="r.example",
        stages_storage="r.example/s",
        project_name="1.10",
        images_repo_mode="multirepo",
        default_policies_include_main=True,
        git_history_v1_2=False,
        allow_git_shallow_clone=True,
        keep_stages_younger_than=3 * DAY,
    )


POLICY_OF_ALL = "policies: [{name: all, repositories: '**', keep: nothing}]\n"
INCLUDE = f"{HEAD}include: {{team.yaml: r.example/a/**}}\n"


def included(text: str) -> str:
    return f"format: 1\npolicies:\n- {{name: team, keep: nothing, {text}}}\n"


def test_an_included_file_comes_first_and_in_the_order_of_the_file(load: Load) -> None:
    text = f"{HEAD}include: {{b.yaml: r.example/b/**, a.yaml: r.example/a/**}}\n"
    text += "policies: [{name: own, repositories: '**', keep: nothing}]\n"
    a, b = (included(f"repositories: r.example/{name}/**").replace("team", name) for name in "ab")
    assert [each.name for each in load(text, a_yaml=a, b_yaml=b).file.policies] == ["b", "a", "own"]


@pytest.mark.parametrize("inside", ["r.example/a/**", "r.example/a/*", "r.example/a/b", "r.example/a/*/c/**"])
def test_an_included_file_speaks_of_what_is_below_its_prefix(load: Load, inside: str) -> None:
    assert load(INCLUDE, team_yaml=included(f"repositories: '{inside}'")).file.policies


@pytest.mark.parametrize(
    "outside", ["r.example/b/**", "r.example/a", "r.example/*/x", "**", "**/a", "r.example/ab/**", "s.example/a/x"]
)
def test_an_included_file_speaks_of_nothing_else(load: Load, outside: str) -> None:
    said = refused(load, INCLUDE, team_yaml=included(f"repositories: [r.example/a/x, '{outside}']"))
    assert said == (
        f"team.yaml:3:61: policies[0].repositories[1]: {outside!r} is outside of 'r.example/a/**', for which this "
        "file is included"
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("in-use: {kubernetes: none}", "in-use: stands only in a file that nothing includes"),
        ("include: {policies.yaml: r.example/a/**}", "include: stands only in a file that nothing includes"),
        ("registries: {r.example: {implementation: quay}}", "registries: stands only in a file that nothing includes"),
        (
            "tags: latest",
            "tags: unknown key; known are format, registries, in-use, clones, policies, projects, include",
        ),
    ],
)
def test_an_included_file_has_policies_and_nothing_else(load: Load, text: str, why: str) -> None:
    said = refused(load, INCLUDE, team_yaml=included("repositories: r.example/a/x") + text)
    assert said == f"team.yaml:4:1: {why}"


def test_an_included_file_uses_the_clones_of_the_other(load: Load) -> None:
    text = "format: 1\npolicies: [{name: a, repositories: r.example/a/**, keep: [{mentioned-in: x}]}]\n"
    assert load(f"{INCLUDE}clones: {{x: /x}}\n", team_yaml=text)
    assert "no clone of that name stands below clones; there is none" in refused(load, INCLUDE, team_yaml=text)


@pytest.mark.parametrize("path", ["/etc/passwd", "../pinned.csv", "~/pinned.csv", "a/../../pinned.csv"])
def test_an_included_file_names_no_file_outside_of_its_folder(load: Load, path: str) -> None:
    text = f"format: 1\npolicies: [{{name: a, repositories: r.example/a/**, keep: [{{tags: {{file: {path}}}}}]}}]\n"
    assert "an included file names only files below its own folder" in refused(load, INCLUDE, team_yaml=text)


def test_nor_one_that_a_link_leads_to(load: Load, tmp_path: Path) -> None:
    outside = tmp_path / "outside.csv"
    outside.write_text("v1\n")
    (tmp_path / "teams").mkdir()
    (tmp_path / "teams" / "list.csv").symlink_to(outside)
    (tmp_path / "teams" / "own.csv").symlink_to("data.csv")
    text = "format: 1\npolicies: [{name: a, repositories: r.example/a/**, keep: [{tags: {file: own.csv}}]}]\n"
    include = f"{HEAD}include: {{teams/a.yaml: r.example/a/**}}\n"
    assert load(include, teams__a_yaml=text, teams__data_csv="v1\n")
    said = refused(load, include, teams__a_yaml=text.replace("own", "list"), teams__data_csv="v1\n")
    assert said.endswith("an included file names only files below its own folder")


def test_an_included_file_that_is_a_link_to_elsewhere(load: Load, tmp_path: Path) -> None:
    """To another's secret, whose first words the error would tell, or to a pipe, which never ends."""
    (tmp_path / "secret").write_text("hunter2: a password\n")
    (tmp_path / "teams").mkdir()
    (tmp_path / "teams" / "a.yaml").symlink_to(tmp_path / "secret")
    said = refused(load, f"{HEAD}include: {{teams/a.yaml: r.example/a/**}}\n")
    assert "is no link to what lies elsewhere" in said
    assert "hunter2" not in said
    (tmp_path / "teams" / "own.yaml").write_text(included("repositories: r.example/a/x"))
    (tmp_path / "teams" / "b.yaml").symlink_to("own.yaml")
    assert load(f"{HEAD}include: {{teams/b.yaml: r.example/a/**}}\n").file.policies


def test_two_policies_of_one_name_in_two_files(load: Load) -> None:
    text = f"{INCLUDE}policies: [{{name: team, repositories: '**', keep: nothing}}]\n"
    said = refused(load, text, team_yaml=included("repositories: r.example/a/x"))
    assert said.startswith("policies.yaml:4:13: policies[0].name: the policy at ")
    assert said.endswith("team.yaml:3 has this name, too")


def test_a_file_that_includes_itself(load: Load) -> None:
    said = refused(load, f"{HEAD}include: {{policies.yaml: r.example/a/**}}\n{POLICY_OF_ALL}")
    assert said == "policies.yaml:2:1: in-use: stands only in a file that nothing includes"


def test_a_pipe_may_be_read(tmp_path: Path) -> None:
    """As in `holystone policy check <(…)`."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    text = f"{HEAD}{POLICY_OF_ALL}".encode()
    writer = threading.Thread(target=lambda: pipe.write_bytes(text))
    writer.start()
    assert load_retention_file(pipe, tmp_path).file.policies
    writer.join()


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^cannot read .*: Is a directory$"):
        load_retention_file(tmp_path, tmp_path)
