"""`--keep` says on a command line what an entry says in a file."""

from pathlib import Path

import pytest

from holystone.engine.errors import UsageError
from holystone.policies.retention.patterns import ExpressionPattern, GlobPattern, NamePattern
from holystone.policies.retention.rules import CommitOf, Entry, Label, Prereleases, Semver, Thin
from holystone.settings.retention_file import keep_entries

HOME = Path("/home/me")
DAY = 86_400


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("newest=10", Entry(newest=10)),
        ("pushed-within=30d", Entry(pushed_within=30 * DAY)),
        ("tags=v*,newest=3", Entry(tags=(GlobPattern("v*"),), newest=3)),
        ("newest=3,tags=v*", Entry(tags=(GlobPattern("v*"),), newest=3)),
        ("tags=latest|1.10|no", Entry(tags=(NamePattern("latest"), NamePattern("1.10"), NamePattern("no")))),
        ("tags=/^v(a|b){1,2}$/", Entry(tags=(ExpressionPattern("^v(a|b){1,2}$"),))),
        ("tags=/^a=b|c,d$/|x,newest=1", Entry(tags=(ExpressionPattern("^a=b|c,d$"), NamePattern("x")), newest=1)),
        (
            "tags=/^(?P<b>.+)-[0-9]{2,}$/,newest=2,per=b",
            Entry(tags=(ExpressionPattern("^(?P<b>.+)-[0-9]{2,}$"),), newest=2, per=("b",)),
        ),
        ("semver.newest=5,semver.per=minor|major", Entry(semver=Semver(5, ("minor", "major")))),
        ("semver.newest=5,semver.prereleases.newest=1", Entry(semver=Semver(5, prereleases=Prereleases(newest=1)))),
        ("thin.daily=7,thin.weekly=8,which=first", Entry(thin=Thin(7, 8, which="first"))),
        ("label.name=keep,label.value=a=b|c", Entry(label=Label("keep", "a=b|c"))),
        ("same-commit=true,by=label vcs-ref", Entry(same_commit=True, commit=CommitOf("label", "vcs-ref"))),
        (
            "tags=latest,optional=true,with-siblings=true",
            Entry(tags=(NamePattern("latest"),), optional=True, with_siblings=True),
        ),
    ],
)
def test_one_entry(text: str, expected: Entry) -> None:
    assert keep_entries([text], HOME) == (expected,)


def test_several_options_are_several_entries() -> None:
    assert keep_entries(["newest=10", "tags=latest"], HOME) == (Entry(newest=10), Entry(tags=(NamePattern("latest"),)))


def test_a_list_of_tags(tmp_path: Path) -> None:
    (tmp_path / "pinned.csv").write_text("v1,why\nv2\n")
    assert keep_entries([f"tags.file={tmp_path}/pinned.csv"], HOME)[0].tags == (NamePattern("v1"), NamePattern("v2"))


NO_KEY = (
    "does not begin with KEY=VALUE; several are joined by commas, and names of tags by |, as in tags=v*|latest,newest=3"
)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", f"'' {NO_KEY}"),
        ("newest", f"'newest' {NO_KEY}"),
        ("newest=", f"'newest=' {NO_KEY}"),
        ("newest=3,", f"'newest=3,' {NO_KEY}"),
        ("tags=v*, newest=3", f"' newest=3' {NO_KEY}"),
        ("tags=v*,,newest=3", f"',newest=3' {NO_KEY}"),
        ("tags=v*,latest", f"'latest' {NO_KEY}"),
        ("newest=3,newest=4", "newest: stands here twice"),
        ("semver.newest=3,semver.newest=4", "semver.newest: stands here twice"),
        ("semver=3,semver.newest=4", "semver.newest: stands here twice"),
        ("semver.newest=3,semver=4", "semver: stands here twice"),
        ("newest=0", "newest: '0' is not a whole number of 1 or more (and of nine digits at most)"),
        ("newset=3", "newset: unknown key; did you mean newest? Known are"),
        ("optional=true", "nothing here keeps a tag; that does any of tags"),
        ("tags=v*,newest=3,per=branch", "per: the expression needs a group 'branch'"),
        ("mentioned-in=gitops", "mentioned-in: no clone of that name stands below clones; there is none"),
        ("tags=/v*/", "tags: /v*/ does not say whether it is the whole tag"),
        ("tags.file=nowhere.csv", "tags.file: nowhere.csv cannot be read: No such file or directory"),
        ("label.name=" + "a" * 9_990, "more than 10,000 characters; write a file"),
        ("newest=3" + ",tags=v" * 2_000, "more than 10,000 characters; write a file"),
    ],
)
def test_what_cannot_be_meant(text: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        keep_entries(["newest=1", text], HOME)
    assert caught.value.exit_code == 2
    begin, _, said = caught.value.message.partition(": ")
    assert begin.startswith("--keep ")
    assert said.startswith(why)


def test_an_entry_of_the_longest() -> None:
    with pytest.raises(UsageError, match="of which the name of a label has 4,096 at most"):
        keep_entries(["label.name=" + "a" * 9_989], HOME)
