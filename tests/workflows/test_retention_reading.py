"""What is read of a repository for a policy, and what is not."""

import msgspec
import pytest

from holystone.engine.errors import IncompleteSource
from holystone.engine.model.references import Tag
from holystone.engine.ports import Wanted
from holystone.policies.retention.patterns import parse_tag_pattern, steps
from holystone.policies.retention.rules import CommitOf, CommitsOf, Entry, Label, Policy, Prereleases, Semver, Thin
from holystone.workflows.candidate_facts import CREATED
from holystone.workflows.retention_reading import Reading, reading_of

REVISION = "org.opencontainers.image.revision"
SIGNATURE = Tag(f"sha256-{'a' * 64}.sig")


def reading(*entries: Entry, **more: object) -> Reading:
    policy = Policy("p", (), keep=entries or (Entry(),))
    return reading_of(msgspec.structs.replace(policy, **more))


def matching(entry: Entry) -> Entry:
    return msgspec.structs.replace(entry, tags=(parse_tag_pattern("v*"),))


def looked_at(found: Reading) -> tuple[bool, bool]:
    """Whether the configuration of v1 is read; whether it is where the listing does not date it."""
    return found.needs_config(Tag("v1")), found.contents.undated(Tag("v1"))


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (Entry(), (False, False)),
        (Entry(mentioned_in=None, with_siblings=True), (False, False)),
        (Entry(semver=Semver(3)), (False, False)),
        (Entry(semver=Semver(3, prereleases=Prereleases(within=1))), (False, True)),
        (Entry(newest=3), (False, True)),
        (Entry(thin=Thin(daily=1)), (False, True)),
        (Entry(pushed_within=1), (False, True)),
        (Entry(label=Label("keep")), (True, False)),
        (Entry(branch_head_of="shop"), (True, False)),
        (Entry(branch_head_of="shop", commit=CommitOf("group", "commit")), (False, False)),
        (Entry(commits_of=CommitsOf("shop", ())), (True, True)),
        (Entry(commits_of=CommitsOf("shop", (), CommitOf("provenance"))), (False, True)),
    ],
)
def test_configurations_are_read_where_an_entry_that_matches_needs_them(
    entry: Entry, expected: tuple[bool, bool]
) -> None:
    found = reading(matching(entry))
    assert looked_at(found) == expected
    for other in (Tag("w1"), SIGNATURE):
        assert not found.needs_config(other)
        assert not found.contents.undated(other)
    assert not reading(entry).needs_config(SIGNATURE)


def test_where_build_times_are_meant_they_are_read_whatever_the_listing_dates() -> None:
    assert looked_at(reading(Entry(newest=3), times="created")) == (True, True)
    assert looked_at(reading(Entry(), times="created")) == (False, False)


def test_the_commit_of_any_tag_that_stays_counts_for_the_same_commit() -> None:
    found = reading(matching(Entry(same_commit=True)))
    assert found.needs_config(Tag("w1"))
    assert not found.needs_config(SIGNATURE)


def test_attestations_are_read_where_an_entry_that_matches_asks_for_provenance() -> None:
    by = CommitOf("provenance")
    for entry in (Entry(branch_head_of="shop", commit=by), Entry(commits_of=CommitsOf("shop", (), by))):
        found = reading(matching(entry), Entry(label=Label("keep")))
        assert [tag for tag in ("v1", "w1", SIGNATURE) if found.needs_provenance(Tag(tag))] == ["v1"]
    found = reading(matching(Entry(same_commit=True, commit=by)))
    assert [tag for tag in ("v1", "w1", SIGNATURE) if found.needs_provenance(Tag(tag))] == ["v1", "w1"]
    for entry in (Entry(label=Label("keep")), Entry(branch_head_of="shop"), Entry(commit=by)):
        assert not reading(entry).needs_provenance(Tag("v1"))


def test_only_labels_that_are_asked_for_are_remembered_and_no_more_of_them_than_can_matter() -> None:
    contents = reading(Entry(label=Label("keep", "x" * 300)), Entry(branch_head_of="shop")).contents
    said = {"keep": "x" * 9000, REVISION: "abc", CREATED: "now", "other": "text"}
    assert contents.labels(said) == {"keep": "x" * 301, REVISION: "abc"}
    assert contents.annotations
    assert contents.annotations(said) == {"keep": "x" * 301, REVISION: "abc", CREATED: "now"}
    assert len(reading(Entry(label=Label("keep"))).contents.labels(said)["keep"]) == 200


def test_what_a_listing_is_to_say() -> None:
    assert reading().wanted == Wanted()
    assert reading(Entry(pulled_within=1)).wanted == Wanted(pulls=True)
    assert reading(untagged_after=1).wanted == Wanted(loose=True)
    assert reading(orphaned_after=1).wanted == Wanted(loose=True)


def test_more_tags_than_can_be_held_against_expressions_are_refused_before_they_are_tried() -> None:
    """Fifty of 80 kB, as fit into a file of a team's, take a second for each tag."""
    policy = Policy("p", (), keep=(Entry(tags=(parse_tag_pattern("/^(a|b)*$/"), parse_tag_pattern("v1"))),))
    of_each = steps(policy.keep[0].tags)
    found = reading_of(policy, most=of_each * 10)
    for tag in (Tag("vvvvv"), Tag("wwwww")):
        found.needs_config(tag)
    with pytest.raises(IncompleteSource, match=f"take {of_each} steps for each letter"):
        found.needs_config(Tag("x"))
