"""Manifests without a tag that somebody named, and attached tags whose subject is gone: what goes with them, and what
holds them."""

from typing import Final

import msgspec

from holystone.engine.closure.close import Closed, close
from holystone.engine.model.capabilities import Capabilities, Cascade
from holystone.engine.model.delete_reasons import NotNeeded
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.manifests import OCI_INDEX, OCI_MANIFEST, Manifest
from holystone.engine.model.policy_reasons import Orphaned, Untagged
from holystone.engine.model.reasons import ChildOf, NotAsked, NoVerdict, ReferrerOf, Tagged
from holystone.engine.model.references import Digest, Tag
from holystone.engine.model.verdicts import Delete, Keep, Verdicts
from holystone.engine.planner.check import check_plan
from holystone.engine.planner.facts import TagFacts
from holystone.engine.planner.repository import plan_closed
from tests.support.gentle import gentle
from tests.support.memory_registry import digest_of, repository

OLD: Final = Untagged(9, 1)
KEEP: Final = Keep((NotAsked(),))


def d(name: str) -> Digest:
    return digest_of(name.encode())


def image(name: str, subject: str = "") -> Manifest:
    return Manifest(d(name), OCI_MANIFEST, size=1, subject=d(subject) if subject else None)


def index(name: str, *children: str) -> Manifest:
    return Manifest(d(name), OCI_INDEX, size=1, children=tuple(map(d, children)))


def snapshot(tags: dict[str, str], *manifests: Manifest, loose: tuple[str, ...]) -> RepositorySnapshot:
    return RepositorySnapshot(
        repository(),
        {Tag(tag): d(name) for tag, name in tags.items()},
        {},
        {each.digest: each for each in manifests},
        {},
        loose=tuple(map(d, loose)),
    )


def closed(found: RepositorySnapshot, *named: str, verdicts: Verdicts | None = None, **can: object) -> Closed:
    """Closes and proves."""
    capabilities: Capabilities = msgspec.structs.replace(gentle("any"), **can)
    loose = {d(name): OLD for name in named}
    made = close(found, verdicts or dict.fromkeys(found.tags, KEEP), capabilities, loose)
    plan = plan_closed(found, made, capabilities, TagFacts())
    assert check_plan(found, plan, capabilities, loose=loose) == ()
    return made


WORLD: Final = snapshot(
    {"v1": "tagged", "multi": "index"},
    *(image("tagged"), index("index", "child"), image("child"), image("referrer", "tagged")),
    *(image("alone"), index("untagged", "part", "child"), image("part"), image("signature", "part")),
    *(index("young", "inner"), image("inner")),
    loose=("child", "referrer", "alone", "untagged", "part", "signature", "young", "inner"),
)


def test_what_was_named_goes_with_all_that_only_it_holds() -> None:
    made = closed(WORLD, "alone", "untagged")
    assert made.doomed == {
        d("alone"): OLD,
        d("untagged"): OLD,
        d("part"): ChildOf(d("untagged")),
        d("signature"): ReferrerOf(d("part")),
    }
    assert made.kept[d("child")] == ChildOf(d("index"))


def test_nothing_that_was_not_named_goes() -> None:
    assert closed(WORLD).doomed == {}


def test_what_a_tag_an_index_or_a_subject_that_stays_needs_is_kept_though_it_was_named() -> None:
    assert closed(WORLD, "child", "referrer", "tagged", "inner").doomed == {}


def test_an_untagged_index_that_stays_holds_what_a_doomed_tag_is_on() -> None:
    found = snapshot({"v1": "part"}, index("young", "part"), image("part"), loose=("young",))
    doomed = {Tag("v1"): Delete((NotNeeded(),))}
    made = closed(found, verdicts=doomed)
    assert made.doomed == {}
    assert made.kept == {d("part"): ChildOf(d("young"))}
    unknown = msgspec.structs.replace(found, loose=None)
    assert closed(unknown, verdicts=doomed).doomed == {d("part"): Tagged(Tag("v1"))}


def test_what_got_a_tag_meanwhile_and_what_is_not_listed_does_not_go() -> None:
    found = snapshot({"v1": "a"}, image("a"), image("b"), loose=("a",))
    assert closed(found, "a", "b", "unknown").doomed == {}


def test_where_a_tags_manifest_is_not_known_it_may_need_any() -> None:
    lost = msgspec.structs.replace(WORLD, broken={Tag("lost"): "the registry has no manifest"})
    assert closed(lost, "alone", "untagged").doomed == {}
    odd = msgspec.structs.replace(WORLD, broken={Tag("v1"): "its configuration is odd"})
    assert closed(odd, "alone").doomed == {d("alone"): OLD}


def test_a_named_index_that_a_registry_would_take_a_kept_child_along_with_stays() -> None:
    found = snapshot({"v1": "other"}, image("other"), index("named", "young"), image("young"), loose=("named", "young"))
    made = closed(found, "named", cascade=Cascade(children=True))
    assert made.doomed.keys() == {d("named"), d("young")}, "what only it lists goes with it"


SIGNATURE: Final = Tag(f"sha256-{d('gone').hex}.sig")
GONE: Final = Delete((Orphaned(d("gone"), 9, 1),))


def test_an_attached_tag_whose_subject_is_gone_goes_by_a_verdict_that_knows_it() -> None:
    found = snapshot({SIGNATURE: "signature", "v1": "a"}, image("signature"), image("a"), loose=())
    made = closed(found, verdicts={SIGNATURE: GONE, Tag("v1"): KEEP})
    assert made.verdicts == {SIGNATURE: GONE, Tag("v1"): KEEP}
    assert made.doomed == {d("signature"): Tagged(SIGNATURE)}
    careless = closed(found, verdicts={SIGNATURE: Delete((NotNeeded(),)), Tag("v1"): KEEP})
    assert careless.verdicts[SIGNATURE] == Keep((NoVerdict(),))
    assert careless.doomed == {}


def test_an_attached_tag_whose_subject_is_there_stays_whatever_a_verdict_says_of_that() -> None:
    found = snapshot({SIGNATURE: "signature", "v1": "gone"}, image("signature"), image("gone"), loose=())
    assert closed(found, verdicts={SIGNATURE: GONE, Tag("v1"): KEEP}).doomed == {}


# The proof has an idea of its own


def test_the_proof_finds_what_nobody_asked_for_and_what_an_untagged_index_needs() -> None:
    can = gentle("any")
    verdicts = dict.fromkeys(WORLD.tags, KEEP)
    plan = plan_closed(WORLD, close(WORLD, verdicts, can, {d("alone"): OLD}), can, TagFacts())
    assert check_plan(WORLD, plan, can) == (f"manifest {d('alone')} would be deleted, but nothing that goes brings it",)
    young = snapshot({"v1": "part"}, index("young", "part"), image("part"), loose=("young",))
    blind = msgspec.structs.replace(young, loose=None)
    careless = plan_closed(blind, close(blind, {Tag("v1"): Delete((NotNeeded(),))}, can), can, TagFacts())
    assert any(f"the untagged {d('young')} needs it" in found for found in check_plan(young, careless, can))
