"""Whose a tag is: another project's, somebody's who has nothing to do with werf, or left to another command."""

import msgspec

from holystone.engine.model.reasons import AncestorOfStage, BesideOtherProject, Foreign, OtherProject
from holystone.engine.model.references import ImageName, Tag
from holystone.engine.model.verdicts import Keep
from holystone.policies.werf.v1 import image_metadata_tag
from holystone.workflows.decide import decide
from holystone.workflows.decision import Scope
from holystone.workflows.inventory import ProjectInventory
from tests.support.notice_texts import notice_texts
from tests.workflows.test_decide import (
    IMAGE_TAGS,
    IMAGES,
    NEW,
    OLD,
    RULES,
    STORAGE,
    STORED,
    git,
    gone,
    image,
    project,
    record,
    snapshot,
)

THEIRS: dict[str, tuple[dict[str, str], str | None]] = {
    "ccc-3": ({"werf": "bakery"}, "ddd-4"),
    "ddd-4": ({"werf": "shop"}, None),
    "managed-image-cake": ({}, None),
    image_metadata_tag("cake", OLD): ({"ContentSignature": "cake"}, None),
}
STAGES, WITH_IMAGES = Scope(images=False, stages=True), Scope(images=True, stages=False)


def shared(ours: tuple[str, ...] = ("shop",), *, of_werf_yaml: tuple[str, ...] = ("app",)) -> ProjectInventory:
    return msgspec.structs.replace(
        project(snapshot(IMAGES, IMAGE_TAGS), snapshot(STORAGE, {**STORED, **THEIRS})),
        images=(ImageName("app"), ImageName("cake")),
        configured=tuple(ImageName(each) for each in of_werf_yaml),
        project=ours,
    )


def test_a_stage_of_another_project_stays_with_what_it_is_built_on() -> None:
    for scope in (Scope(), STAGES):
        decision = decide(shared(), git(), scope, RULES)
        assert decision.verdicts[STORAGE][Tag("ccc-3")] == Keep((OtherProject("bakery"),))
        assert decision.verdicts[STORAGE][Tag("ddd-4")] == Keep((AncestorOfStage(Tag("ccc-3")),))
        assert any("ccc-3" in notice and "project bakery" in notice for notice in notice_texts(decision.notices))


def test_records_beside_them_stay_unless_werf_yaml_names_their_image() -> None:
    theirs = Tag(image_metadata_tag("cake", OLD))
    decision = decide(shared(), git(), Scope(), RULES)
    assert decision.verdicts[STORAGE][theirs] == Keep((BesideOtherProject(),))
    assert gone(decision, STORAGE) == {"bbb-2", record(OLD)}
    decision = decide(shared(of_werf_yaml=("app", "cake")), git(), Scope(), RULES)
    assert theirs in gone(decision, STORAGE)


def test_a_storage_of_our_own_is_cleaned_of_what_werf_yaml_has_forgotten() -> None:
    stored = {**STORED, **THEIRS, "ccc-3": ({"werf": "shop"}, None)}
    inventory = msgspec.structs.replace(
        project(snapshot(IMAGES, IMAGE_TAGS), snapshot(STORAGE, stored)),
        images=(ImageName("app"), ImageName("cake")),
        configured=(ImageName("app"),),
        project=("shop",),
    )
    decision = decide(inventory, git(), Scope(), RULES)
    assert gone(decision, STORAGE) == {"bbb-2", "ccc-3", "ddd-4", record(OLD), image_metadata_tag("cake", OLD)}


def test_every_name_that_the_project_has_is_its_own_and_without_any_labels_say_nothing() -> None:
    for ours in (("shop", "bakery"), ()):
        decision = decide(shared(ours), git(), Scope(), RULES)
        assert "ccc-3" in gone(decision, STORAGE)


def test_an_image_of_another_project_stays_and_protects_its_stages() -> None:
    labels, stage = image("theirs", "bbb-2")
    tags = {**IMAGE_TAGS, "app-theirs": ({**labels, "werf": "bakery"}, stage)}
    inventory = msgspec.structs.replace(project(snapshot(IMAGES, tags), snapshot(STORAGE, STORED)), project=("shop",))
    decision = decide(inventory, git(), Scope(), RULES)
    assert decision.verdicts[IMAGES][Tag("app-theirs")] == Keep((OtherProject("bakery"),))
    assert "bbb-2" not in gone(decision, STORAGE)
    assert gone(decision, IMAGES) == {"app-old"}


def test_what_werf_did_not_make_is_told_apart_from_what_the_command_does_not_judge() -> None:
    world = project(snapshot(IMAGES, IMAGE_TAGS), snapshot(STORAGE, {**STORED, "latest": ({}, None)}))
    decision = decide(world, git(), Scope(), RULES)
    assert decision.verdicts[IMAGES][Tag("other")] == Keep((Foreign(),))
    assert decision.verdicts[STORAGE][Tag("latest")] == Keep((Foreign(),))
    stages = decide(world, None, STAGES, RULES).verdicts
    assert stages.keys() == {STORAGE}
    assert not stages[STORAGE].keys() & {record(NEW), record(OLD)}, "records are images' business"
    images = decide(world, git(), WITH_IMAGES, RULES).verdicts
    assert images[STORAGE].keys() == {record(NEW), record(OLD)}


def test_images_and_stages_in_one_repository_are_not_called_foreign_by_the_other_half() -> None:
    world = project(snapshot(IMAGES, {**IMAGE_TAGS, **STORED}), storage=IMAGES)
    images = decide(world, git(), WITH_IMAGES, RULES).verdicts[IMAGES]
    assert not images.keys() & {"aaa-1", "bbb-2", "managed-image-app"}
    assert images[Tag("other")] == Keep((Foreign(),))
    stages = decide(world, None, STAGES, RULES).verdicts[IMAGES]
    assert not stages.keys() & {"app-new", "app-old"}


def test_a_label_that_is_empty_names_nobody() -> None:
    there = snapshot(STORAGE, {**STORED, "ccc-3": ({"werf": ""}, None)})
    inventory = msgspec.structs.replace(project(snapshot(IMAGES, IMAGE_TAGS), there), project=("shop",))
    assert "ccc-3" in gone(decide(inventory, git(), Scope(), RULES), STORAGE)
