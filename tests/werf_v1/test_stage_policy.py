import random
import time
import tracemalloc
from collections.abc import Iterable

import pytest

from holystone.engine.model.delete_reasons import NotNeeded, Rejected
from holystone.engine.model.reasons import (
    AncestorOfStage,
    Bookkeeping,
    Foreign,
    ImportedBy,
    ParentOfImage,
    Unreadable,
    YoungerThan,
)
from holystone.engine.model.references import ImageName, Reference, Tag
from holystone.engine.model.verdicts import Delete, Keep, Verdicts
from holystone.policies.werf.v1.project import Stage, StagesStorage
from holystone.policies.werf.v1.stage_policy import decide_stages, images_built_elsewhere
from tests.support.image_values import IMAGES_REPO, digest_of, image_tag

NOW = 1_800_000_000
OLD = NOW - 86_400
GRACE = 7200


def stage(
    name: str,
    parent: str | None = None,
    *,
    imports: Iterable[str] = (),
    created: int = OLD,
    image_id: str | None = None,
    rejected: bool = False,
    tag: str | None = None,
) -> Stage:
    spelled = Tag.parse(tag or f"{name}-1600000000000")
    return Stage(
        tag=spelled,
        image_id=digest_of(image_id or name),
        parent=digest_of(parent) if parent else None,
        created=created,
        imports=tuple(map(digest_of, imports)),
        rejected_by=Tag(f"{spelled}-rejected") if rejected else None,
    )


def storage(
    *stages: Stage,
    rejected: Iterable[str] = (),
    bookkeeping: Iterable[str] = (),
    foreign: Iterable[str] = (),
    unclaimed: Iterable[str] = (),
    ambiguous: Iterable[str] = (),
    unreadable: Iterable[str] = (),
) -> StagesStorage:
    marks = [each.rejected_by for each in stages if each.rejected_by]
    return StagesStorage(
        stages=stages,
        metadata=(),
        managed_images=(ImageName("image"),),
        rejected=(*marks, *map(Tag, rejected)),
        bookkeeping=tuple(map(Tag, bookkeeping)),
        foreign=tuple(map(Tag, foreign)),
        unclaimed_metadata=tuple(map(Tag, unclaimed)),
        ambiguous_metadata=tuple(map(Tag, ambiguous)),
        unreadable=tuple(map(Tag, unreadable)),
    )


def kept(verdicts: Verdicts) -> set[str]:
    return {tag.partition("-")[0] for tag, verdict in verdicts.items() if isinstance(verdict, Keep)}


def reference(tag: str) -> Reference:
    return Reference(IMAGES_REPO, Tag(tag))


def full(name: str) -> Tag:
    return Tag(f"{name}-1600000000000")


def test_s1_all_stages_of_an_image_with_an_import_stay() -> None:
    stages = storage(
        stage("from"), stage("artifact"), stage("install", "from", imports=["artifact"]), stage("setup", "install")
    )
    verdicts = decide_stages(stages, [image_tag("v1", parent="setup")], NOW, grace=0)
    assert verdicts == {
        full("artifact"): Keep((ImportedBy(full("install")),)),
        full("from"): Keep((AncestorOfStage(full("install")),)),
        full("install"): Keep((AncestorOfStage(full("setup")),)),
        full("setup"): Keep((ParentOfImage(reference("v1")),)),
    }


def test_s2_only_the_stages_of_the_second_build_stay() -> None:
    stages = storage(stage("from1"), stage("setup1", "from1"), stage("from2"), stage("setup2", "from2"))
    verdicts = decide_stages(stages, [image_tag("v1", parent="setup2")], NOW, grace=0)
    assert kept(verdicts) == {"from2", "setup2"}
    assert verdicts[full("from1")] == Delete((NotNeeded(),))


def test_s3_empty_storages() -> None:
    assert decide_stages(storage(), [image_tag("v1", parent="gone")], NOW, GRACE) == {}
    assert kept(decide_stages(storage(stage("a")), [], NOW, GRACE)) == set()


def test_imports_of_ancestors_of_imports() -> None:
    stages = storage(
        stage("base", imports=["tools"]),
        stage("app", "base"),
        stage("tools", "toolsbase"),
        stage("toolsbase", imports=["deep"]),
        stage("deep"),
        stage("other", "base"),
    )
    verdicts = decide_stages(stages, [image_tag("v1", parent="app")], NOW, grace=0)
    assert kept(verdicts) == {"app", "base", "tools", "toolsbase", "deep"}


def test_what_an_image_itself_says_it_imported() -> None:
    stages = storage(stage("tools", "toolsbase"), stage("toolsbase"))
    verdicts = decide_stages(stages, [image_tag("v1", parent="elsewhere", imports=["tools"])], NOW, grace=0)
    assert verdicts[full("tools")] == Keep((ImportedBy(Tag("v1")),))
    assert kept(verdicts) == {"tools", "toolsbase"}


def test_all_stages_with_one_image_id_are_needed() -> None:
    stages = storage(
        stage("a1", image_id="a"),
        stage("a2", image_id="a"),
        stage("b1", "a", image_id="b"),
        stage("b2", "a", image_id="b"),
    )
    assert kept(decide_stages(stages, [image_tag("v1", parent="b")], NOW, grace=0)) == {"a1", "a2", "b1", "b2"}


def test_young_stages_keep_what_they_are_made_of() -> None:
    stages = storage(
        stage("base"),
        stage("lib"),
        stage("young", "base", imports=["lib"], created=NOW - 7199),
        stage("due", created=NOW - 7200),
    )
    verdicts = decide_stages(stages, [], NOW, GRACE)
    assert verdicts == {
        full("base"): Keep((AncestorOfStage(full("young")),)),
        full("lib"): Keep((ImportedBy(full("young")),)),
        full("young"): Keep((YoungerThan(7199, GRACE),)),
        full("due"): Delete((NotNeeded(),)),
    }
    assert kept(decide_stages(stages, [], NOW, grace=0)) == set()


@pytest.mark.parametrize(
    ("created", "tag", "stays"),
    [
        (0, "s-1600000000000", False),
        (0, f"s-{(NOW - 60) * 1000}", True),
        (0, "s-0", True),
        (0, "s--5", True),
        (OLD, f"s-{NOW * 1000}", False),
        (NOW + 60, "s-1600000000000", True),
    ],
)
def test_an_unknown_age_is_taken_from_the_tag_and_counts_as_young_without(created: int, tag: str, stays: bool) -> None:
    verdicts = decide_stages(storage(stage("s", created=created, tag=tag)), [], NOW, GRACE)
    assert isinstance(verdicts[Tag(tag)], Keep) is stays


def test_rejected_stages_go_with_their_marks() -> None:
    stages = storage(stage("broken", "base", rejected=True), stage("base"), rejected=["gone-1-rejected"])
    assert decide_stages(stages, [], NOW, GRACE) == {
        full("base"): Delete((NotNeeded(),)),
        full("broken"): Delete((Rejected(),)),
        Tag(f"{full('broken')}-rejected"): Delete((Rejected(),)),
        Tag("gone-1-rejected"): Delete((Rejected(),)),
    }


def test_a_rejected_stage_that_stays_keeps_its_mark() -> None:
    """Without the mark werf would take the broken stage for a good one."""
    needed = storage(stage("broken", "base", rejected=True), stage("base"))
    assert kept(decide_stages(needed, [image_tag("v1", parent="broken")], NOW, GRACE)) == {"broken", "base"}
    young = storage(stage("broken", rejected=True, created=NOW))
    verdicts = decide_stages(young, [], NOW, GRACE)
    assert verdicts[Tag(f"{full('broken')}-rejected")] == Keep((Bookkeeping(),))


def test_while_a_stage_cannot_be_read_none_goes() -> None:
    """The unreadable stage may be where the image's parents are found."""
    stages = storage(stage("base"), unreadable=["lost-1"], rejected=["lost-1-rejected"])
    verdicts = decide_stages(stages, [image_tag("v1", parent="lost")], NOW, GRACE)
    assert all(isinstance(verdict, Keep) for verdict in verdicts.values())
    assert verdicts[full("base")] == Keep((Unreadable("lost-1, which may descend from this stage"),))


def test_records_and_foreign_tags_stay() -> None:
    stages = storage(
        bookkeeping=["managed-image-a", "client-id-x-1"], foreign=["latest"], unclaimed=["m1"], ambiguous=["m2"]
    )
    verdicts = decide_stages(stages, [], NOW, GRACE)
    assert verdicts == {
        Tag("client-id-x-1"): Keep((Bookkeeping(),)),
        Tag("latest"): Keep((Foreign(),)),
        Tag("m1"): Keep((Bookkeeping(),)),
        Tag("m2"): Keep((Bookkeeping(),)),
        Tag("managed-image-a"): Keep((Bookkeeping(),)),
    }


def test_images_built_elsewhere_are_noted() -> None:
    images = [image_tag("v2", parent="gone"), image_tag("v1", parent="here"), image_tag("v0")]
    assert images_built_elsewhere(storage(stage("here")), images) == (reference("v2"),)


def test_the_order_of_reading_changes_nothing() -> None:
    order = random.Random(3)
    names = [f"s{number}" for number in range(60)]
    stages = [
        stage(
            name,
            order.choice([None, *names]),
            imports=order.sample(names, order.choice([0, 0, 2])),
            created=NOW - 9000 * (number % 3),
        )
        for number, name in enumerate(names)
    ]
    images = [image_tag(f"v{number}", parent=order.choice(names)) for number in range(10)]
    first = decide_stages(storage(*stages), images, NOW, GRACE)
    assert kept(first) != {*names}
    for _ in range(3):
        order.shuffle(stages)
        order.shuffle(images)
        again = decide_stages(storage(*stages), images, NOW, GRACE)
        assert (again, list(again)) == (first, list(first))


@pytest.mark.slow
def test_a_chain_of_a_hundred_thousand_stages() -> None:
    chain = [stage(f"s{number}", f"s{number - 1}" if number else None) for number in range(100_000)]
    began = time.process_time()  # whatever else the machine does
    verdicts = decide_stages(storage(*chain), [image_tag("v1", parent="s99999")], NOW, GRACE)
    assert time.process_time() - began < 5
    assert all(isinstance(verdict, Keep) for verdict in verdicts.values())


@pytest.mark.parametrize("on", ["stages", "images"])
def test_thousands_of_reasons_for_each_of_thousands_of_stages_take_little_memory(on: str) -> None:
    """Ten thousand tags of one stage, and as many that are built on it, which whoever may push can make: 780 MB, and a
    plan of ten gigabytes."""
    twins = [stage("base", image_id="base", tag=f"base-{number}", created=NOW) for number in range(2000)]
    children = [stage("x", "base", tag=f"child-{number}", created=NOW) for number in range(2000)]
    images = [image_tag(f"v{number}", parent="base") for number in range(2000)]
    tracemalloc.start()
    verdicts = decide_stages(storage(*twins, *children), images if on == "images" else [], NOW, GRACE)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept(verdicts) == {"base", "child"}
    assert max(len(verdict.reasons) for verdict in verdicts.values()) == 21, "young, and twenty that need it"
    assert peak < 8_000_000
