"""What retention rules see of a repository: times, labels, pulls, and what belongs to something that is gone."""

from collections.abc import Mapping
from typing import Final

import msgspec
import pytest

from holystone.engine.model.image_config import ImageConfig
from holystone.engine.model.inventory import Pulls, RepositorySnapshot
from holystone.engine.model.manifests import DOCKER_SCHEMA1, OCI_INDEX, OCI_MANIFEST, Manifest
from holystone.engine.model.references import Digest, Tag
from holystone.engine.model.sightings import Seen, Sight, Sightings
from holystone.policies.retention.candidates import Candidate, Moment
from holystone.workflows.candidate_facts import CREATED
from holystone.workflows.candidates import find_candidates, missing_subjects, sights
from tests.support.memory_registry import digest_of, repository

NOW: Final = 1_800_000_000
DAY: Final = 24 * 3600
YEAR_AGO: Final = NOW - 365 * DAY


def d(name: str) -> Digest:
    return digest_of(name.encode())


def image(name: str, *, annotated: str = "", subject: str = "", **more: object) -> Manifest:
    found = Manifest(
        d(name),
        OCI_MANIFEST,
        size=1,
        config=d(f"{name}'s config"),
        subject=d(subject) if subject else None,
        annotations={CREATED: annotated} if annotated else {},
    )
    return msgspec.structs.replace(found, **more)


def index(name: str, *children: str, **annotations: str) -> Manifest:
    return Manifest(d(name), OCI_INDEX, size=1, children=tuple(map(d, children)), annotations=annotations)


def config(name: str, created: int = 0, **labels: str) -> ImageConfig:
    return ImageConfig(d(f"{name}'s config"), created, labels, None)


def snapshot(
    tags: Mapping[str, str], *manifests: Manifest, configs: tuple[ImageConfig, ...] = (), **more: object
) -> RepositorySnapshot:
    found = RepositorySnapshot(
        repository(),
        {Tag(tag): d(name) for tag, name in tags.items()},
        {},
        {each.digest: each for each in manifests},
        {each.digest: each for each in configs},
    )
    return msgspec.structs.replace(found, **more)


def candidate(found: RepositorySnapshot, tag: str = "v1", sightings: Sightings | None = None) -> Candidate:
    return next(each for each in find_candidates(found, NOW, sightings or {}).tags if each.tag == tag)


def v1(**more: object) -> RepositorySnapshot:
    return snapshot({"v1": "a"}, image("a"), configs=(config("a", YEAR_AGO),), **more)


# When it was pushed


@pytest.mark.parametrize(
    ("put", "pushed", "expected"),
    [
        (NOW - 5, NOW - 9, Moment(NOW - 5, "tag-pushed")),
        (NOW - 9, NOW - 5, Moment(NOW - 5, "manifest-pushed")),
        (None, NOW - 5, Moment(NOW - 5, "manifest-pushed")),
        (None, None, Moment(YEAR_AGO, "created")),
        (NOW + DAY + 1, NOW - 5, None),
        (NOW - 5, 1, None),
        (315_532_800, None, None),
    ],
)
def test_the_later_of_what_the_listing_says_counts(
    put: int | None, pushed: int | None, expected: Moment | None
) -> None:
    """If one of the times makes no sense, the true one may be later than the other."""
    found = v1(
        put={} if put is None else {Tag("v1"): put},
        pushed={} if pushed is None else {d("a"): pushed},
    )
    assert candidate(found).pushed == expected


SEEN: Final = Sight("tag", d("a"), Tag("v1"))


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (Seen(NOW - DAY, missed=None), Moment(YEAR_AGO, "created")),
        (Seen(NOW - DAY, missed=NOW - 2 * DAY), Moment(NOW - DAY, "first-seen")),
        (Seen(YEAR_AGO + 2 * DAY, missed=YEAR_AGO - DAY), Moment(YEAR_AGO, "created")),
    ],
)
def test_a_new_tag_on_an_old_image_counts_from_the_first_run_that_saw_it(seen: Seen, expected: Moment) -> None:
    """Where no run had looked before, nothing is known of it; and what was built after the last look that missed it can
    only have been pushed in between."""
    assert candidate(v1(), sightings={SEEN: seen}).pushed == expected
    dated = v1(pushed={d("a"): YEAR_AGO})
    assert candidate(dated, sightings={SEEN: seen}).pushed == msgspec.structs.replace(
        expected, source="manifest-pushed" if expected.source == "created" else expected.source
    )


def test_a_sight_of_the_tag_on_another_image_says_nothing() -> None:
    elsewhere = Sight("tag", d("b"), Tag("v1"))
    assert candidate(v1(), sightings={elsewhere: Seen(NOW, NOW - DAY)}).pushed == Moment(YEAR_AGO, "created")


# When it was built


def test_an_annotation_says_it_before_the_configuration() -> None:
    found = snapshot({"v1": "a"}, image("a", annotated="2026-03-01T00:00:00Z"), configs=(config("a", YEAR_AGO),))
    assert candidate(found).created == Moment(1_772_323_200, "annotation")


@pytest.mark.parametrize("text", ["yesterday", "0001-01-01T00:00:00Z", "1980-01-01T00:00:01Z", "9999-01-01T00:00:00Z"])
def test_an_annotation_that_makes_no_sense_is_unknown(text: str) -> None:
    found = snapshot({"v1": "a"}, image("a", annotated=text), configs=(config("a", YEAR_AGO),))
    assert candidate(found).created is None


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [(YEAR_AGO, YEAR_AGO + 5, YEAR_AGO + 5), (YEAR_AGO, 0, None), (None, YEAR_AGO, None)],
)
def test_an_index_is_as_new_as_its_newest_image_if_all_are_known(
    first: int | None, second: int | None, expected: int | None
) -> None:
    configs = [config(name, at) for name, at in (("a", first), ("b", second)) if at is not None]
    attestation = image("attestation", config=None)
    nested = index("nested", "b")
    found = snapshot(
        {"v1": "multi"},
        index("multi", "a", "nested", "attestation"),
        *(image("a"), image("b"), nested, attestation),
        configs=tuple(configs),
    )
    assert candidate(found).created == (Moment(expected, "created") if expected else None)


def test_an_index_of_which_a_part_was_not_read_is_of_unknown_age_unless_it_says_it_itself() -> None:
    parts = index("multi", "a", "missing")
    found = snapshot({"v1": "multi"}, parts, image("a"), configs=(config("a", YEAR_AGO),))
    assert candidate(found).created is None
    assert candidate(found).labels is None
    said = msgspec.structs.replace(parts, annotations={CREATED: "2026-03-01T00:00:00Z"})
    found = snapshot({"v1": "multi"}, said, image("a"), configs=(config("a", YEAR_AGO),))
    assert candidate(found).created == Moment(1_772_323_200, "annotation")


def test_images_of_schema_1_and_artifacts() -> None:
    old = snapshot({"v1": "a"}, image("a", media_type=DOCKER_SCHEMA1, config=None))
    assert (candidate(old).created, candidate(old).labels) == (None, None)
    chart = snapshot({"v1": "a"}, image("a", config=None, annotations={"keep": "true"}))
    assert (candidate(chart).created, candidate(chart).labels) == (None, {"keep": frozenset({"true"})})


# Labels


def test_an_index_has_its_annotations_and_the_labels_of_its_images() -> None:
    found = snapshot(
        {"v1": "multi", "single": "a"},
        index("multi", "a", "b", keep="index"),
        *(image("a", annotations={"keep": "annotation"}), image("b")),
        configs=(config("a", keep="label"), config("b", keep="label", only="b")),
    )
    assert candidate(found).labels == {
        "keep": frozenset({"index", "annotation", "label"}),
        "only": frozenset({"b"}),
    }
    assert candidate(found, "single").labels == {"keep": frozenset({"annotation", "label"})}


def test_labels_that_were_not_read_are_unknown_and_not_missing() -> None:
    assert candidate(snapshot({"v1": "a"}, image("a"))).labels is None


# Pulls


def pulled(pulls: Pulls | None = None) -> Moment | None:
    found = snapshot(
        {"v1": "multi", "latest": "multi", "other": "b"},
        *(index("multi", "a"), image("a"), image("b")),
        pushed={d("multi"): YEAR_AGO, d("b"): YEAR_AGO},
        pulls=pulls,
    )
    return candidate(found).pulled


@pytest.mark.parametrize(
    "pulls",
    [
        Pulls(tags={Tag("v1"): NOW - 7}),
        Pulls(tags={Tag("latest"): NOW - 7, Tag("v1"): NOW - 9}),
        Pulls(manifests={d("multi"): NOW - 7}),
        Pulls(manifests={d("a"): NOW - 7, d("multi"): NOW - 9}),
        Pulls(manifests={d("b"): NOW - 1}, restored={d("multi"): NOW - 7}),
    ],
)
def test_the_latest_pull_by_any_name_counts(pulls: Pulls) -> None:
    found = pulled(pulls=pulls)
    assert found
    assert found.seconds == NOW - 7


def test_what_was_never_pulled_counts_from_its_push_if_the_registry_has_counted_any_pull_there() -> None:
    assert pulled(pulls=Pulls(manifests={d("b"): NOW - 1})) == Moment(YEAR_AGO, "manifest-pushed")
    assert pulled(pulls=Pulls()) is None
    assert pulled() is None


def test_a_pull_of_the_tag_before_its_last_push_is_older_than_the_push() -> None:
    found = v1(put={Tag("v1"): NOW - 3}, pulls=Pulls(tags={Tag("v1"): NOW - 90 * DAY}))
    assert candidate(found).pulled == Moment(NOW - 3, "tag-pushed")


def test_who_tells_pulls_and_what_is_archived() -> None:
    found = v1(pulls=Pulls(), archived=frozenset({d("a")}))
    assert find_candidates(found, NOW, {}).tells_pulls
    assert not find_candidates(v1(), NOW, {}).tells_pulls
    assert candidate(found).archived
    assert not candidate(v1()).archived


# What is attached, and what has no tag

SIGNATURE: Final = Tag(f"sha256-{d('a').hex}.sig")


def signed(*there: Manifest) -> RepositorySnapshot:
    return snapshot({SIGNATURE: "signature"}, image("signature"), *there, pushed={d("signature"): YEAR_AGO})


def test_an_attached_tag_is_no_candidate_and_belongs_to_its_subject() -> None:
    found = signed(image("a"))
    assert find_candidates(found, NOW, {}).tags == ()
    (attached,) = find_candidates(found, NOW, {}).attached
    assert (attached.tag, attached.subject, attached.subject_is_there) == (SIGNATURE, d("a"), True)
    assert missing_subjects(found) == frozenset()
    assert sights(found) == frozenset()


def test_an_orphan_is_one_only_if_the_registry_was_asked_and_counts_from_when_a_run_found_it_so() -> None:
    found = signed()
    assert missing_subjects(found) == {d("a")}
    (unasked,) = find_candidates(found, NOW, {}).attached
    assert unasked.subject_is_there
    gone = frozenset({d("a")})
    sight = Sight("orphan", d("signature"), SIGNATURE)
    assert sights(found, gone) == {sight}
    assert sights(found) == frozenset()
    (unseen,) = find_candidates(found, NOW, {}, gone).attached
    assert (unseen.subject_is_there, unseen.found) == (False, None)
    (seen,) = find_candidates(found, NOW, {sight: Seen(NOW - DAY)}, gone).attached
    assert seen.found == Moment(NOW - DAY, "first-seen")


def test_a_name_that_does_not_say_its_whole_subject_belongs_to_nobody() -> None:
    found = snapshot({f"sha512-{'0' * 64}": "signature"}, image("signature"))
    assert find_candidates(found, NOW, {}).attached == ()
    assert find_candidates(found, NOW, {}).tags == ()


def test_loose_is_what_no_tag_no_index_and_no_subject_needs() -> None:
    found = snapshot(
        {"v1": "multi"},
        *(index("multi", "child"), image("child"), image("loose"), image("referrer", subject="multi")),
        *(index("untagged", "part"), image("part"), image("orphan", subject="gone")),
        *(index("cycle", "cycle"), image("never-read", config=None)),
        loose=tuple(map(d, ("child", "loose", "referrer", "untagged", "part", "orphan", "cycle", "not-there"))),
        pushed={d("loose"): NOW - 5},
    )
    assert missing_subjects(found) == {d("gone")}
    gone = frozenset({d("gone")})
    expected = {d("loose"): None, d("untagged"): None, d("orphan"): d("gone")}
    assert {each.digest: each.subject for each in find_candidates(found, NOW, {}, gone).loose} == expected
    assert {each.digest for each in sights(found, gone) if each.kind == "loose"} == expected.keys()
    assert d("orphan") not in {each.digest for each in find_candidates(found, NOW, {}).loose}
    seen = {Sight("loose", digest): Seen(NOW - DAY) for digest in expected}
    moments = {each.digest: each.found for each in find_candidates(found, NOW, seen, gone).loose}
    assert moments[d("loose")] == Moment(NOW - 5, "manifest-pushed"), "it was pushed once more"
    assert moments[d("untagged")] == Moment(NOW - DAY, "first-seen")


@pytest.mark.parametrize("runs", ["untagged", "part", "part's config"])
def test_what_runs_somewhere_is_nobodys_candidate_though_it_has_no_tag(runs: str) -> None:
    """`latest` was pushed again, and the image that had the name before still runs."""
    found = snapshot(
        {"v1": "a"},
        *(image("a"), index("untagged", "part"), image("part"), image("alone")),
        loose=(d("untagged"), d("part"), d("alone")),
    )
    used = frozenset({d(runs), d("elsewhere")})
    assert [each.digest for each in find_candidates(found, NOW, {}, used=used).loose] == [d("alone")]
    assert Sight("loose", d("untagged")) in sights(found), "it is seen all the same"


def test_tags_that_cannot_be_read_are_nobodys_candidates() -> None:
    found = snapshot({"v1": "a", "odd": "b"}, image("a"), image("b"), broken={Tag("odd"): "odd", Tag("lost"): "lost"})
    assert [each.tag for each in find_candidates(found, NOW, {}).tags] == ["v1"]
    assert sights(found) == {SEEN}


def test_where_a_tags_manifest_is_not_known_nothing_is_known_to_be_loose() -> None:
    found = snapshot({"v1": "a"}, image("a"), image("alone"), loose=(d("alone"),))
    assert [each.digest for each in find_candidates(found, NOW, {}).loose] == [d("alone")]
    lost = msgspec.structs.replace(found, broken={Tag("lost"): "lost"})
    assert find_candidates(lost, NOW, {}).loose == ()
