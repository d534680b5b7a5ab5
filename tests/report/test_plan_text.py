"""A plan of any size can be checked by a person: counts add up, every kind of reason is told in words, with whom it
concerns and an example."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args, get_origin

import msgspec
import pytest

from holystone.engine.model.delete_reasons import BeyondLimit, CommitsGone, DeleteReason, NotReached
from holystone.engine.model.in_use import ListEntry
from holystone.engine.model.plan import Kept, Pass, Plan, Remove
from holystone.engine.model.policy_reasons import Age, Place
from holystone.engine.model.reasons import (
    KeepReason,
    LockedBy,
    ManifestReason,
    ReachedFromBranch,
    ReachedFromTag,
    ReferrerOf,
)
from holystone.engine.model.references import Commit, Digest, ImageName, Reference, Repository, RepositoryPath, Tag
from holystone.engine.model.references import RegistryHost as Host
from holystone.engine.report.counted import counted
from holystone.engine.report.plan_text import plan_lines
from holystone.engine.report.reason_words import reason_words
from tests.support.small_plans import plan, remove, repository_plan, untag

COMMIT = Commit("a" * 40)
APP, STAGES = (
    Repository(Host("registry.example"), RepositoryPath.parse(path)) for path in ("shop/app/front", "shop/stages")
)
ONE, TWO, THREE = (Digest.of(text) for text in (b"one", b"two", b"three"))


def kept(tag: str, *reasons: KeepReason) -> Kept:
    return Kept(Tag(tag), ONE, reasons)


def going(tag: str, digest: Digest, *reasons: DeleteReason) -> Remove:
    return msgspec.structs.replace(remove(digest, tag), reasons=reasons)


def in_front() -> Plan:
    """Three tags of branches and one of a git tag stay, of three that go one has signatures."""
    steps = (
        going("bb", TWO, BeyondLimit("origin/master"), BeyondLimit("origin/staging")),
        going("cc", THREE, CommitsGone()),
        going("aa", Digest.of(b"four"), BeyondLimit("origin/master")),
        msgspec.structs.replace(remove(Digest.of(b"signature")), reasons=(ReferrerOf(TWO),)),
    )
    keeps = (
        kept("x1", ReachedFromBranch("master", COMMIT, 3)),
        kept("x2", ReachedFromBranch("feature", COMMIT, 2), ReachedFromBranch("master", COMMIT, 3)),
        kept("x3", ReachedFromBranch("master", COMMIT, 3), ReachedFromTag("v1", COMMIT, 1)),
        kept("v1", ReachedFromTag("v1", COMMIT, 1)),
    )
    return plan(msgspec.structs.replace(repository_plan(APP, Pass("manifests", steps)), kept=keeps))


def test_tags_are_counted_by_reason_with_whom_it_concerns_and_an_example() -> None:
    assert list(plan_lines(in_front(), every_tag=False)) == [
        "Plan of cleanup, ages judged as of 2023-11-14 22:13:20 UTC",
        "",
        "registry.example/shop/app/front: 4 tags stay, 3 go (4 manifests, at most 4 B)",
        "       3 stay branches that keep policies select reach them: 3 on master, 1 on feature, e.g. x1",
        "       1 stay git tags that keep policies select are their commits: 1 on v1, v1",
        "       2 go   beyond what imagesPerReference keeps: 2 on origin/master, 1 on origin/staging, e.g. aa",
        "       1 go   the commits they were built from are gone, cc",
        "",
        "In all 4 tags stay, 3 go. With them go 4 manifests, at most 4 B.",
    ]


def test_every_tag_follows_the_same_summary() -> None:
    summary = list(plan_lines(in_front(), every_tag=False))
    everything = list(plan_lines(in_front(), every_tag=True))
    assert [line for line in everything if line in summary] == summary
    details = everything[len(summary) - 2 : -2]
    assert [line.split()[1] for line in details] == ["x1", "x2", "x3", "v1", "aa", "bb", "cc", "untagged"]
    assert details[1].endswith(
        "branch feature reaches its commit aaaaaaaaaa (keep policy 2); "
        "branch master reaches its commit aaaaaaaaaa (keep policy 3)"
    )


def test_few_references_stand_for_many() -> None:
    tags = {f"t{n}": (ReachedFromBranch(f"feature/{n}", COMMIT, 1),) for n in range(40)}
    tags["t"] = (ReachedFromBranch("feature/7", COMMIT, 1),)
    (line,) = counted("stay", tags)
    assert line.endswith(": 2 on feature/7, 1 on feature/0, 1 on feature/1, and 37 more, e.g. t")


def test_what_differs_is_counted_apart() -> None:
    tags = {"a": (LockedBy("immutable"),), "b": (LockedBy("protected"),), "c": (LockedBy("immutable"),)}
    lines = list(counted("stay", tags))
    assert [int(line.split()[0]) for line in lines] == [2, 1]
    assert "immutable" in lines[0]
    assert "protected" in lines[1]


def test_many_tags_stay_few_lines() -> None:
    steps = [going(f"{n:05}", Digest.of(str(n).encode()), NotReached()) for n in range(12_000)]
    text = "\n".join(plan_lines(plan(repository_plan(STAGES, Pass("manifests", tuple(steps)))), every_tag=False))
    assert "12,000 go   no branch or tag that a keep policy selects reaches them, e.g. 00000" in text
    assert len(text.splitlines()) < 10


def test_a_plan_without_deletions_says_no_more_than_that() -> None:
    text = "\n".join(plan_lines(plan(repository_plan(APP, kept={"a": ONE})), every_tag=False))
    assert text.endswith("\nIn all 1 tag stays, 0 go.")


def test_a_tag_that_goes_alone_takes_no_manifest_along() -> None:
    text = "\n".join(
        plan_lines(plan(repository_plan(APP, Pass("untag", (untag("a", ONE),)), kept={"b": ONE})), every_tag=False)
    )
    assert "1 tag stays, 1 goes (0 manifests, at most 0 B)" in text


@pytest.mark.parametrize(
    "kind", sorted({*get_args(KeepReason), *get_args(DeleteReason), *get_args(ManifestReason)}, key=str)
)
def test_every_reason_has_words_for_one_and_for_many(kind: type[KeepReason]) -> None:
    (line,) = counted("stay", {"a": (example(kind),), "b": (example(kind),)})
    assert re.fullmatch(r" +2 stay [a-z][^<>{}()=]+, e\.g\. a", line)
    assert re.fullmatch(r"[a-z0-9][^<>{}=]+", reason_words(example(kind)).of_one)


def example(kind: type[KeepReason]) -> KeepReason:
    """With some value of the right type for each field."""
    values = {
        int: 7200,
        str: "thing",
        Commit: COMMIT,
        Digest: ONE,
        Tag: Tag("tag"),
        ImageName: ImageName("front"),
        Reference: Reference(APP, Tag("tag")),
        ListEntry: ListEntry("a file"),
    }
    fields = msgspec.structs.fields(kind)
    make: Callable[..., KeepReason] = kind
    return make(*(_any_of(field.type, values) for field in fields))


def _any_of(kind: Any, values: Mapping[type, object]) -> object:
    """Of `str | None` and the like, a value of the first."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return inner[0]
    if origin is tuple:
        return (_any_of(inner[0], values),)
    if len(inner) == 2 and inner[1] is type(None):
        return _any_of(inner[0], values)
    if kind in (Age, Place):
        return example(kind)
    return next((found for each, found in values.items() if each in (kind, *inner)), APP)
