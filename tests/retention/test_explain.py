"""What entries say of tags, and what they take for branches, for whoever writes them."""

from collections import Counter

import pytest

from holystone.engine.model.references import Repository, RepositoryPath
from holystone.engine.model.verdicts import Keep
from holystone.policies.retention.candidates import Candidates, Facts
from holystone.policies.retention.explain import explain, groups_without_branch
from holystone.policies.retention.judge import judge
from holystone.policies.retention.narrowed import is_about, narrowed
from holystone.policies.retention.repository_patterns import RepositoryPattern
from holystone.policies.retention.rules import Clusters, Entry, Policy, RetentionFile
from tests.support.drawn_retention import drawn_retention
from tests.support.retention_scenes import APP, NOW, branches, image, tags

DAY = 24 * 3600


def policy(*entries: Entry) -> Policy:
    return Policy("shop", (RepositoryPattern("**"),), keep=entries)


@pytest.mark.parametrize("start", range(0, 400, 80))
def test_it_says_of_each_tag_what_the_judgement_counts(start: int) -> None:
    for seed in range(start, start + 80):
        drawn, candidates, facts = drawn_retention(seed)
        judged = judge(drawn, candidates, facts)
        said = explain(drawn, candidates, facts, {each.tag for each in candidates.tags})
        assert said.keys() == {each.tag for each in candidates.tags}
        for number, tally in enumerate(judged.entries):
            answers = Counter(says[number].answer for says in said.values())
            assert answers["keeps"] == tally.alone + tally.together, f"seed {seed}"
            assert answers["cannot-judge"] == sum(tally.doubts.values()), f"seed {seed}"
        for each in candidates.tags:
            speaks_for_it = {"keeps", "cannot-judge"} & {says.answer for says in said[each.tag]}
            if speaks_for_it or not (each.archived or each.tag in facts.in_use):
                assert isinstance(judged.verdicts[each.tag], Keep) == bool(speaks_for_it), f"seed {seed}"


def test_all_entries_are_named_however_many_keep_it() -> None:
    images = Candidates(APP, (image("v1", 1), image("v2", 50)))
    entries = [Entry(tags=tags("v*")) for _ in range(6)] + [Entry(tags=tags("x")), Entry(pushed_within=DAY)]
    said = explain(policy(*entries), images, Facts(NOW), {image("v2").tag})
    assert [[says.answer for says in each] for each in said.values()] == [
        ["keeps"] * 6 + ["not-about", "does-not-keep"]
    ]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (Entry(tags=tags("/^(?P<branch>.+)-[0-9]+$/"), branch_exists_in="shop"), {"gone", "sha"}),
        (Entry(tags=tags("/^(?P<branch>.+)-[0-9]+$/"), branch_head_of="other"), {"main", "sha"}),
        (Entry(tags=tags("/^(?P<branch>.+)-[0-9]+$/"), newest=1, per=("branch",)), {"sha"}),
    ],
)
def test_groups_that_are_no_branch_of_the_clone_that_is_asked(entry: Entry, expected: set[str]) -> None:
    images = Candidates(APP, tuple(image(name) for name in ("main-1", "main-2", "gone-1", "sha-1", "latest")))
    facts = Facts(NOW, clones={"shop": branches(main="a"), "other": branches(gone="b")})
    asking = Entry(tags=tags("none"), branch_exists_in="shop"), Entry(tags=tags("none"), branch_exists_in="other")
    assert groups_without_branch(policy(entry, *asking), images, facts)[0] == expected


def test_groups_are_no_matter_where_no_clone_is_asked() -> None:
    images = Candidates(APP, (image("sha-1"),))
    entry = Entry(tags=tags("/^(?P<branch>.+)-[0-9]+$/"), newest=1, per=("branch",))
    assert groups_without_branch(policy(entry), images, Facts(NOW)) == {}


def test_a_file_narrowed_to_some_repositories_is_about_no_other() -> None:
    def named(path: str, host: str = "r.example") -> Repository:
        return Repository(type(APP.host)(host), RepositoryPath(path))

    def about(name: str, *patterns: str, but: str = "x.example/none") -> Policy:
        texts = tuple(map(RepositoryPattern, patterns))
        return Policy(name, texts, (RepositoryPattern(but),), keep=(Entry(tags=tags("v*")),))

    file = RetentionFile(
        Clusters("none"),
        (),
        (
            about("blog", "r.example/blog/**"),
            about("shop", "r.example/shop/**", but="**/cache"),
            about("all", "**"),
            about("docker", "docker.io/app"),
        ),
    )
    made = narrowed(file, [named("shop/app"), named("shop/cache"), named("library/app", "docker.io")])
    assert {each.name: [pattern.text for pattern in each.repositories] for each in made.policies} == {
        "shop": ["r.example/shop/app"],
        "all": ["r.example/shop/app", "r.example/shop/cache", "docker.io/library/app"],
        "docker": ["docker.io/library/app"],
    }
    assert all(entry.optional for each in made.policies for entry in each.keep)
    assert is_about(file.policies[1], named("shop/app", "r.example:443"))
    assert not is_about(file.policies[1], named("shop/cache"))
