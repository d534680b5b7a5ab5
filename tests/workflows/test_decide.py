"""How images and stages are judged together. The policies have tests of their own; this is what stands between."""

import msgspec
import pytest

from holystone.engine.model.addresses import Address
from holystone.engine.model.history import GitNames, GitReference, History
from holystone.engine.model.image_config import ImageConfig
from holystone.engine.model.in_use import ListEntry
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.manifests import DOCKER_MANIFEST, Manifest
from holystone.engine.model.reasons import InUse, OtherStrategy, RecordNotJudged
from holystone.engine.model.references import Commit, ImageName, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.model.verdicts import Delete, Keep
from holystone.engine.names import parse_used_image
from holystone.engine.report.refusal_words import refusal_words
from holystone.policies.git_references import SelectedReference
from holystone.policies.werf.v1 import ImagesRepo, image_metadata_tag
from holystone.policies.werf.v1.tag_strategy import Allowance, StrategyRules
from holystone.workflows.decide import decide
from holystone.workflows.decision import Decision, GitIntent, Rules, Scope, StrategyIntent
from holystone.workflows.inventory import ProjectInventory
from tests.support.commit_graph import reached_from
from tests.support.image_values import commit_id, digest_of
from tests.support.notice_texts import notice_texts

HOST = RegistryHost("registry.example")
IMAGES = Repository(HOST, RepositoryPath("shop/app"))
STORAGE = Repository(HOST, RepositoryPath("shop/stages"))
OLD, NEW = commit_id("old"), commit_id("new")
CONTENT = "5e" * 28
"""A content signature, as werf writes them."""
RULES = Rules(v1_2=True, v1_2_confirmed=False, stages_grace=0, as_of=1_700_000_000)

Contents = dict[str, tuple[dict[str, str], str | None]]
"""Tag → labels and the tag of the stage it is built on."""


def snapshot(repository: Repository, contents: Contents, broken: dict[str, str] | None = None) -> RepositorySnapshot:
    manifests, configs = {}, {}
    for tag, (labels, parent) in contents.items():
        image_id = digest_of(f"config {tag}")
        manifests[digest_of(tag)] = Manifest(digest_of(tag), DOCKER_MANIFEST, 100, config=image_id)
        parent_id = digest_of(f"config {parent}") if parent else None
        configs[image_id] = ImageConfig(image_id, 1_600_000_000, labels, parent_id)
    tags = {Tag(tag): digest_of(tag) for tag in contents}
    return RepositorySnapshot(
        repository, tags, {Tag(tag): why for tag, why in (broken or {}).items()}, manifests, configs
    )


def image(signature: str, stage: str | None = None) -> tuple[dict[str, str], str | None]:
    return {"werf-image": "true", "werf-image-name": "app", "werf-content-signature": signature}, stage


def record(commit: Commit) -> str:
    return image_metadata_tag("app", commit)


IMAGE_TAGS: Contents = {"app-new": image("new", "aaa-1"), "app-old": image("old", "bbb-2"), "other": ({}, None)}
STORED: Contents = {
    "aaa-1": ({}, None),
    "bbb-2": ({}, None),
    record(NEW): ({"ContentSignature": "new"}, None),
    record(OLD): ({"ContentSignature": "old"}, None),
    "managed-image-app": ({}, None),
}


def project(*snapshots: RepositorySnapshot, storage: Repository = STORAGE) -> ProjectInventory:
    layout = ImagesRepo.at(Address(HOST, IMAGES.path), "monorepo")
    return ProjectInventory(layout, (ImageName("app"),), {each.repository: each for each in snapshots}, storage)


def git() -> GitIntent:
    """A branch that reaches the commit NEW only."""
    head = GitReference("branch", "master", NEW, 1_690_000_000)
    history = History({NEW: 1_690_000_000, OLD: 1_680_000_000}, reached_from({NEW: {NEW}, OLD: ()}))
    return GitIntent((SelectedReference(head, None, 1),), history)


def gone(decision: Decision, repository: Repository) -> set[str]:
    return {tag for tag, verdict in decision.verdicts.get(repository, {}).items() if isinstance(verdict, Delete)}


def test_stages_are_judged_by_the_images_that_remain() -> None:
    decision = decide(project(snapshot(IMAGES, IMAGE_TAGS), snapshot(STORAGE, STORED)), git(), Scope(), RULES)
    assert gone(decision, IMAGES) == {"app-old"}
    assert gone(decision, STORAGE) == {"bbb-2", record(OLD)}
    assert not decision.refusals


def test_stages_alone_leave_images_and_records() -> None:
    inventory = project(snapshot(IMAGES, IMAGE_TAGS), snapshot(STORAGE, STORED))
    decision = decide(inventory, None, Scope(images=False), RULES)
    assert gone(decision, IMAGES) == set()
    assert gone(decision, STORAGE) == set()


def test_images_alone_leave_stages() -> None:
    inventory = project(snapshot(IMAGES, IMAGE_TAGS), snapshot(STORAGE, STORED))
    decision = decide(inventory, git(), Scope(stages=False), RULES)
    assert gone(decision, IMAGES) == {"app-old"}
    assert gone(decision, STORAGE) == {record(OLD)}


def test_without_git_all_images_stay_and_protect_their_stages() -> None:
    stored = {**STORED, "ccc-3": ({}, None)}
    inventory = project(snapshot(IMAGES, IMAGE_TAGS), snapshot(STORAGE, stored))
    decision = decide(inventory, None, Scope(), RULES)
    assert gone(decision, IMAGES) == set()
    assert gone(decision, STORAGE) == {"ccc-3"}
    assert any("no git repository" in notice for notice in notice_texts(decision.notices))


@pytest.mark.parametrize("storage", [IMAGES, STORAGE])
def test_images_and_stages_in_one_repository_are_judged_as_in_two(storage: Repository) -> None:
    if storage == IMAGES:
        decision = decide(project(snapshot(IMAGES, {**IMAGE_TAGS, **STORED}), storage=IMAGES), git(), Scope(), RULES)
        assert gone(decision, IMAGES) == {"app-old", "bbb-2", record(OLD)}
        assert isinstance(decision.verdicts[IMAGES][Tag("other")], Keep)
    else:
        decision = decide(project(snapshot(IMAGES, IMAGE_TAGS), snapshot(STORAGE, STORED)), git(), Scope(), RULES)
        assert gone(decision, IMAGES) | gone(decision, STORAGE) == {"app-old", "bbb-2", record(OLD)}


def test_an_image_tag_that_looks_like_a_stage_stays_while_the_image_does() -> None:
    """Image `app` with tag 5 is `app-5`, which also parses as stage `app` of the year 1970."""
    tags: Contents = {"app-5": image("new")}
    decision = decide(project(snapshot(IMAGES, {**tags, **STORED}), storage=IMAGES), git(), Scope(), RULES)
    assert "app-5" not in gone(decision, IMAGES)


def test_stages_alone_take_no_image_that_looks_like_a_stage() -> None:
    tags: Contents = {"app-5": image("new")}
    inventory = project(snapshot(IMAGES, {**tags, **STORED}), storage=IMAGES)
    decision = decide(inventory, git(), Scope(images=False), RULES)
    assert gone(decision, IMAGES) == {"aaa-1", "bbb-2"}


def test_an_image_without_any_record_stops_the_run_unless_confirmed() -> None:
    inventory = project(snapshot(IMAGES, IMAGE_TAGS), snapshot(STORAGE, {"aaa-1": ({}, None)}))
    (refusal,) = decide(inventory, git(), Scope(), RULES).refusals
    assert refusal.promise == "fail-closed"
    assert "--stages-storage" in refusal_words(refusal).what_to_do
    confirmed = decide(inventory, git(), Scope(), msgspec.structs.replace(RULES, v1_2_confirmed=True))
    assert not confirmed.refusals
    assert gone(confirmed, IMAGES) == {"app-new", "app-old"}
    kept = decide(inventory, git(), Scope(), msgspec.structs.replace(RULES, v1_2=False))
    assert not kept.refusals
    assert gone(kept, IMAGES) == set()


def test_an_unreadable_record_of_a_reached_commit_keeps_the_image() -> None:
    stored = {tag: each for tag, each in STORED.items() if tag != record(NEW)}
    inventory = project(snapshot(IMAGES, IMAGE_TAGS), snapshot(STORAGE, stored, broken={record(NEW): "no manifest"}))
    decision = decide(inventory, git(), Scope(), RULES)
    assert gone(decision, IMAGES) == set()


def test_tags_named_after_their_content_are_known_to_be_written_once() -> None:
    tags: Contents = {"app-new": image("new"), "app-latest": image("new")}
    decision = decide(project(snapshot(IMAGES, tags), snapshot(STORAGE, STORED)), git(), Scope(), RULES)
    assert decision.facts[IMAGES].written_once == {"app-new"}
    assert decision.facts[STORAGE].written_once == {"aaa-1", "bbb-2", record(NEW), record(OLD)}


def test_what_is_in_use_stays_with_its_stages_and_records() -> None:
    inventory = project(snapshot(IMAGES, IMAGE_TAGS), snapshot(STORAGE, STORED))
    used = [parse_used_image(f"{IMAGES}:app-old", ListEntry("a file"))]
    decision = decide(inventory, git(), Scope(), RULES, used)
    assert gone(decision, IMAGES) == set()
    assert gone(decision, STORAGE) == set()
    assert decision.verdicts[IMAGES][Tag("app-old")] == Keep((InUse(ListEntry("a file")),))


def by_strategy(strategy: str, meta_tag: str) -> tuple[dict[str, str], str | None]:
    labels, _ = image("s")
    return {**labels, "werf-tag-strategy": strategy, "werf-image-tag": meta_tag}, None


def names(*tags: str, limit: int | None = None) -> StrategyIntent:
    existing = {tag: tag for tag in tags}
    return StrategyIntent(GitNames({}, existing, frozenset()), StrategyRules(git_tag=Allowance(limit)))


STRATEGY_TAGS: Contents = {f"app-v{number}": by_strategy("git-tag", f"v{number}") for number in range(4)}


def test_strategies_judge_tags_and_leave_records() -> None:
    contents: Contents = {**STRATEGY_TAGS, "app-old": image("old", "bbb-2")}
    inventory = project(snapshot(IMAGES, contents), snapshot(STORAGE, STORED))
    decision = decide(inventory, names("v1", "v3"), Scope(), RULES)
    assert gone(decision, IMAGES) == {"app-v0", "app-v2"}
    assert gone(decision, STORAGE) == {"aaa-1"}
    assert decision.verdicts[STORAGE][Tag(record(NEW))] == Keep((RecordNotJudged(),))
    assert decision.verdicts[IMAGES][Tag("app-old")] == Keep((OtherStrategy(None),))
    assert not decision.refusals


def test_what_is_in_use_takes_no_place_in_the_limits_of_strategies() -> None:
    inventory = project(snapshot(IMAGES, STRATEGY_TAGS), snapshot(STORAGE, STORED))
    existing = names("v1", "v2", "v3", limit=1)
    assert gone(decide(inventory, existing, Scope(), RULES), IMAGES) == {"app-v0", "app-v1", "app-v2"}
    used = [
        parse_used_image(f"{IMAGES}:app-v1", ListEntry("a file")),
        parse_used_image(f"{IMAGES}:app-v0", ListEntry("a")),
    ]
    assert gone(decide(inventory, existing, Scope(), RULES, used), IMAGES) == {"app-v2"}


FRONT, BACK = (Repository(HOST, RepositoryPath(f"shop/app/{name}")) for name in ("front", "back"))
ABSENT = RepositorySnapshot(BACK, {}, {}, {}, {}, exists=False)
BOTH: Contents = {
    "aaa-1": ({}, None),
    "bbb-2": ({}, None),
    image_metadata_tag("front", NEW): ({"ContentSignature": "front-new"}, None),
    image_metadata_tag("front", OLD): ({"ContentSignature": "front-old"}, None),
    image_metadata_tag("back", NEW): ({"ContentSignature": "back-new"}, None),
    image_metadata_tag("back", OLD): ({"ContentSignature": "back-old"}, None),
}
SEEN: Contents = {"front-new": image("front-new", "aaa-1"), "front-old": image("front-old")}


def two_images(
    back: RepositorySnapshot, stored: Contents | None = None, names: tuple[str, ...] = ("back", "front")
) -> ProjectInventory:
    """In a repository each: `front` has an image of each commit."""
    layout = ImagesRepo.at(Address(HOST, IMAGES.path), "multirepo")
    snapshots = (snapshot(FRONT, SEEN), back, snapshot(STORAGE, BOTH if stored is None else stored))
    images = tuple(ImageName(name) for name in names)
    return ProjectInventory(layout, images, {each.repository: each for each in snapshots}, STORAGE)


@pytest.mark.parametrize("back", [ABSENT, snapshot(BACK, {})], ids=["absent", "empty"])
@pytest.mark.parametrize("scope", [Scope(), Scope(images=False), Scope(stages=False)])
def test_what_records_name_in_a_repository_that_shows_nothing_may_be_there(
    back: RepositorySnapshot, scope: Scope
) -> None:
    """A proxy's 404, a renamed repository. Nothing but the image itself says on which stages it is built."""
    decision = decide(two_images(back), git(), scope, RULES)
    of_front = {image_metadata_tag("front", OLD)}
    assert gone(decision, STORAGE) == (of_front if scope.images else set())
    assert gone(decision, FRONT) == ({"front-old"} if scope.images else set())
    (notice,) = (notice for notice in notice_texts(decision.notices) if f"image back: {BACK} has no tag" in notice)
    assert "2 records" in notice
    assert "leave the image out of werf.yaml" in notice
    assert "holystone managed-images rm back" in notice


def test_an_image_that_the_project_gave_up_holds_no_stage() -> None:
    """The way out of the above. Its records stay, since nobody knows whose they are."""
    decision = decide(two_images(ABSENT, names=("front",)), git(), Scope(), RULES)
    assert gone(decision, STORAGE) == {"bbb-2", image_metadata_tag("front", OLD)}


def test_a_repository_in_which_nothing_was_published_holds_nothing() -> None:
    """Neither by no record, nor by one that does not say of which content it is and would stay for ever."""
    silent: Contents = {image_metadata_tag("back", OLD): ({}, None)}
    stored = {tag: each for tag, each in BOTH.items() if "-back-" not in tag} | silent
    decision = decide(two_images(ABSENT, stored), git(), Scope(), RULES)
    assert gone(decision, STORAGE) == {"bbb-2", image_metadata_tag("front", OLD)}


def test_a_tag_that_is_listed_and_cannot_be_read_keeps_what_hangs_on_its_name() -> None:
    back = snapshot(BACK, {}, broken={CONTENT: "the registry has no manifest for it", "whatever": "not JSON"})
    back = msgspec.structs.replace(back, tags={Tag("whatever"): digest_of("not JSON")})
    stored = BOTH | {image_metadata_tag("back", OLD): ({"ContentSignature": CONTENT}, None)}
    decision = decide(two_images(back, stored), git(), Scope(), RULES)
    of_others = {image_metadata_tag("front", OLD), image_metadata_tag("back", NEW)}
    assert gone(decision, STORAGE) == of_others, "its own record stays, and every stage"
    assert gone(decision, FRONT) == {"front-old"}
    (notice,) = (notice for notice in notice_texts(decision.notices) if "its content" in notice)
    assert f"{BACK}: 1 broken tag" in notice
    assert "each stage that nothing else needs stays" in notice
    assert CONTENT in notice


def test_the_same_where_all_images_live_in_one_repository() -> None:
    stored = {**STORED, "ccc-3": ({}, None)}
    broken = {"app-old": "the registry has no image configuration"}
    images = snapshot(IMAGES, {"app-new": IMAGE_TAGS["app-new"]}, broken)
    decision = decide(project(images, snapshot(STORAGE, stored)), git(), Scope(), RULES)
    assert gone(decision, STORAGE) == set()
    assert gone(decision, IMAGES) == set()


def test_a_record_that_names_a_branch_its_content_dooms_no_other_record() -> None:
    """Whoever may push to the stages storage can write one. A name that werf makes of no content may be of any."""
    forged = {image_metadata_tag("back", commit_id("any")): ({"ContentSignature": "master"}, None)}
    back = snapshot(BACK, {}, broken={"master": "500"})
    decision = decide(two_images(back, BOTH | forged), git(), Scope(), RULES)
    assert gone(decision, STORAGE) == {image_metadata_tag("front", OLD)}


def test_an_image_that_looks_like_a_stage_and_is_not_given_out_keeps_its_record() -> None:
    stored = {tag: each for tag, each in STORED.items() if tag != record(OLD)}
    inventory = project(snapshot(IMAGES, {"app-new": image("x"), **stored}, broken={"app-5": "500"}), storage=IMAGES)
    assert record(NEW) not in gone(decide(inventory, git(), Scope(), RULES), IMAGES)


def test_a_broken_tag_that_no_record_names_holds_nothing() -> None:
    back = snapshot(BACK, {}, broken={"latest": "the registry has no manifest for it"})
    stored = {tag: each for tag, each in BOTH.items() if "-back-" not in tag}
    decision = decide(two_images(back, stored), git(), Scope(), RULES)
    assert gone(decision, STORAGE) == {"bbb-2", image_metadata_tag("front", OLD)}


@pytest.mark.parametrize("lost", ["manifest", "configuration"])
def test_an_image_under_any_name_that_is_not_given_out_for_a_night_has_its_record_in_the_next(lost: str) -> None:
    """As with `--tag-git-branch`: the name does not say which content it is of."""
    at_dev = {image_metadata_tag("back", commit_id("dev")): ({"ContentSignature": "back-dev"}, None)}
    whole = snapshot(BACK, {"master": image("back-new", "aaa-1"), "dev": image("back-dev"), "v1": image("back-old")})
    image_id = digest_of("config master")
    sick = msgspec.structs.replace(
        whole,
        broken={Tag("master"): "500"},
        tags={tag: at for tag, at in whole.tags.items() if tag != "master" or lost != "manifest"},
        configs={at: config for at, config in whole.configs.items() if at != image_id},
    )
    intent = git()
    history = msgspec.structs.replace(
        intent.history,
        times={**intent.history.times, commit_id("dev"): 1_690_000_000},
        reached_from=reached_from({**intent.history.reached_from, commit_id("dev"): {NEW}}),
    )
    intent = msgspec.structs.replace(intent, history=history)

    first = decide(two_images(sick, BOTH | at_dev), intent, Scope(), RULES)
    assert gone(first, BACK) == {"v1"}
    assert any(
        "e.g. master: 500" in each and "the records of its content stay" in each for each in notice_texts(first.notices)
    )
    stored = {tag: each for tag, each in (BOTH | at_dev).items() if tag not in gone(first, STORAGE)}
    second = decide(two_images(whole, stored), intent, Scope(), RULES)
    assert gone(second, BACK) == {"v1"}
