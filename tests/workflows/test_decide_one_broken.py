"""What cannot be read, or only in part, keeps what could hang on it: its own relations, and no more than that."""

import msgspec
import pytest

from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.manifests import Manifest
from holystone.engine.model.reasons import Unreadable, WithoutMetadata
from holystone.engine.model.references import Tag
from holystone.engine.model.verdicts import Keep
from holystone.policies.werf.v1 import image_metadata_tag, without_rejected
from holystone.workflows.decide import decide
from holystone.workflows.decision import Scope
from tests.support.image_values import digest_of
from tests.support.notice_texts import notice_texts
from tests.workflows.test_decide import (
    BACK,
    BOTH,
    FRONT,
    IMAGE_TAGS,
    IMAGES,
    NEW,
    OLD,
    RULES,
    STORAGE,
    STORED,
    Contents,
    git,
    gone,
    image,
    project,
    record,
    snapshot,
    two_images,
)

UNNEEDED: Contents = {**STORED, "ccc-3": ({}, None), "ddd-4": ({}, "ccc-3")}


def odd(snapshot: RepositorySnapshot, tag: str, why: str = "its creation time is none") -> RepositorySnapshot:
    """As it is read if only a field makes no sense."""
    config = snapshot.image(Tag(tag))
    assert config
    configs = {**snapshot.configs, config.digest: msgspec.structs.replace(config, odd=why)}
    return msgspec.structs.replace(snapshot, configs=configs, broken={**snapshot.broken, Tag(tag): why})


def lost(snapshot: RepositorySnapshot, tag: str) -> RepositorySnapshot:
    """The registry has the manifest and not the configuration."""
    config = snapshot.image(Tag(tag))
    assert config
    configs = {digest: each for digest, each in snapshot.configs.items() if each != config}
    return msgspec.structs.replace(snapshot, configs=configs, broken={**snapshot.broken, Tag(tag): "no configuration"})


def test_an_odd_stage_stays_with_its_ancestors_and_the_others_go() -> None:
    storage = odd(snapshot(STORAGE, {**UNNEEDED, "eee-5": ({}, None)}), "ddd-4")
    decision = decide(project(snapshot(IMAGES, IMAGE_TAGS), storage), git(), Scope(), RULES)
    assert gone(decision, STORAGE) == {"bbb-2", "eee-5", record(OLD)}
    assert decision.verdicts[STORAGE][Tag("ddd-4")] == Keep((Unreadable("its creation time is none"),))


def test_an_odd_image_stays_with_its_stages_and_records() -> None:
    images = odd(snapshot(IMAGES, IMAGE_TAGS), "app-old")
    decision = decide(project(images, snapshot(STORAGE, UNNEEDED)), git(), Scope(), RULES)
    assert gone(decision, IMAGES) == set()
    assert gone(decision, STORAGE) == {"ccc-3", "ddd-4"}


def test_an_odd_thing_among_the_images_that_is_no_image_of_ours_holds_nothing() -> None:
    images = odd(snapshot(IMAGES, {**IMAGE_TAGS, "app-x": ({}, None)}), "app-x")
    decision = decide(project(images, snapshot(STORAGE, UNNEEDED)), git(), Scope(), RULES)
    assert gone(decision, IMAGES) == {"app-old"}
    assert gone(decision, STORAGE) == {"bbb-2", "ccc-3", "ddd-4", record(OLD)}


@pytest.mark.parametrize("records", [True, False])
def test_an_image_whose_configuration_is_lost_holds_every_stage(records: bool) -> None:
    """As a stage of which the same is true does."""
    images = lost(snapshot(IMAGES, {**IMAGE_TAGS, "app-x": ({}, "ccc-3")}), "app-x")
    stored = UNNEEDED if records else {tag: each for tag, each in UNNEEDED.items() if "metadata" not in tag}
    decision = decide(project(images, snapshot(STORAGE, stored)), None if not records else git(), Scope(), RULES)
    assert not {"bbb-2", "ccc-3", "ddd-4"} & gone(decision, STORAGE)
    assert gone(decision, IMAGES) == ({"app-old"} if records else set())
    (notice,) = (
        each for each in notice_texts(decision.notices) if each.startswith(f"{IMAGES}: 1 broken tag left alone")
    )
    assert "each stage that nothing else needs stays" in notice
    assert "app-x" in notice


@pytest.mark.parametrize("at", ["tag", "manifest"])
def test_so_does_one_that_the_registry_does_not_give_out(at: str) -> None:
    images = snapshot(IMAGES, IMAGE_TAGS, {"app-x": "it answers 500"})
    if at == "tag":
        images = msgspec.structs.replace(images, unread={Tag("app-x"): "it answers 500"})
    else:
        digest = digest_of("unread")
        images = msgspec.structs.replace(
            images, tags={**images.tags, Tag("app-x"): digest}, unread={digest: "it answers 500"}
        )
    decision = decide(project(images, snapshot(STORAGE, UNNEEDED)), git(), Scope(), RULES)
    assert gone(decision, IMAGES) == {"app-old"}
    assert gone(decision, STORAGE) == set(), "the name does not say of which content it is, so that each record stays"


MARKED: Contents = {**UNNEEDED, "lost-9": ({}, "ccc-3"), "lost-9-rejected": ({}, None)}


def rejected(contents: Contents = MARKED) -> RepositorySnapshot:
    return without_rejected(lost(snapshot(STORAGE, contents), "lost-9"))


def test_a_rejected_stage_that_is_lost_goes_with_its_mark_and_holds_nothing() -> None:
    decision = decide(project(snapshot(IMAGES, IMAGE_TAGS), rejected()), git(), Scope(), RULES)
    assert gone(decision, STORAGE) == {"bbb-2", "ccc-3", "ddd-4", record(OLD), "lost-9", "lost-9-rejected"}
    assert not any("broken" in notice for notice in notice_texts(decision.notices))


def test_one_that_an_image_is_built_on_stays_with_all_that_it_may_be_built_on() -> None:
    images = {**IMAGE_TAGS, "app-new": image("new", "lost-9")}
    decision = decide(project(snapshot(IMAGES, images), rejected()), git(), Scope(), RULES)
    assert gone(decision, STORAGE) == {record(OLD)}


@pytest.mark.parametrize("elsewhere", [True, False])
def test_one_without_a_manifest_may_be_what_an_image_is_built_on(elsewhere: bool) -> None:
    """Of which the storage knows nothing otherwise."""
    contents = {tag: each for tag, each in MARKED.items() if tag != "lost-9"}
    storage = without_rejected(snapshot(STORAGE, contents, {"lost-9": "the registry has no manifest for it"}))
    images = {**IMAGE_TAGS, "app-new": image("new", "nowhere-7" if elsewhere else "aaa-1")}
    decision = decide(project(snapshot(IMAGES, images), storage), git(), Scope(), RULES)
    assert gone(decision, STORAGE) == ({record(OLD)} if elsewhere else {"bbb-2", "ccc-3", "ddd-4", record(OLD)})


def test_a_lost_stage_without_a_mark_holds_every_stage() -> None:
    contents = {tag: each for tag, each in MARKED.items() if tag != "lost-9-rejected"}
    decision = decide(project(snapshot(IMAGES, IMAGE_TAGS), rejected(contents)), git(), Scope(), RULES)
    assert gone(decision, STORAGE) == {record(OLD)}


def without_records_of_back() -> Contents:
    return {tag: each for tag, each in BOTH.items() if "-back-" not in tag}


def test_an_image_without_records_stays_where_others_have_theirs() -> None:
    back = snapshot(BACK, {"back-new": image("back-new", "bbb-2"), "back-old": image("back-old")})
    decision = decide(two_images(back, without_records_of_back()), git(), Scope(), RULES)
    assert not decision.refusals
    assert gone(decision, BACK) == set()
    assert decision.verdicts[BACK][Tag("back-old")] == Keep((WithoutMetadata(),))
    assert gone(decision, FRONT) == {"front-old"}
    assert gone(decision, STORAGE) == {image_metadata_tag("front", OLD)}
    (notice,) = (each for each in notice_texts(decision.notices) if "image back has 2 tags" in each)
    assert "--git-history-based-cleanup-v1.2" in notice


def test_it_goes_if_that_is_confirmed() -> None:
    back = snapshot(BACK, {"back-new": image("back-new", "bbb-2")})
    confirmed = msgspec.structs.replace(RULES, v1_2_confirmed=True)
    decision = decide(two_images(back, without_records_of_back()), git(), Scope(), confirmed)
    assert gone(decision, BACK) == {"back-new"}


def test_where_no_image_has_records_it_is_refused() -> None:
    back = snapshot(BACK, {"back-new": image("back-new", "bbb-2")})
    stored: Contents = {tag: each for tag, each in BOTH.items() if "metadata" not in tag}
    decision = decide(two_images(back, stored), git(), Scope(), RULES)
    assert {each.repository for each in decision.refusals} == {BACK, FRONT}


def test_records_of_other_contents_show_nothing() -> None:
    """As of another project with an image of this name."""
    back = snapshot(BACK, {"back-new": image("back-new", "bbb-2")})
    stored: Contents = {image_metadata_tag("front", NEW): ({"ContentSignature": "another"}, None), "bbb-2": ({}, None)}
    assert decide(two_images(back, stored), git(), Scope(), RULES).refusals


def test_a_manifest_that_says_to_be_no_image_is_no_lost_one() -> None:
    images = snapshot(IMAGES, {**IMAGE_TAGS, "app-x": ({}, None)})
    digest = images.tags[Tag("app-x")]
    manifests = {**images.manifests, digest: Manifest(digest, "application/vnd.oci.image.manifest.v1+json", 1)}
    images = msgspec.structs.replace(images, manifests=manifests)
    decision = decide(project(images, snapshot(STORAGE, UNNEEDED)), git(), Scope(), RULES)
    assert gone(decision, STORAGE) == {"bbb-2", "ccc-3", "ddd-4", record(OLD)}
