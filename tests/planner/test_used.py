"""What a plan would take away although somebody uses it, by itself."""

import msgspec

from holystone.engine.model.in_use import ListEntry, UsedImage, User, Workload
from holystone.engine.model.references import Digest, Repository, Tag
from holystone.engine.planner.refusals import doomed_and_used
from tests.support.manifest_graphs import d
from tests.support.memory_registry import repository
from tests.support.small_plans import level, plan, remove, repository_plan

APP, OTHER = repository(), repository("team/other")
ONE, TWO = Workload("test", "shop", "Deployment", "web"), ListEntry("images.txt, line 3")


def used(by: User, tag: str | None = None, digest: Digest | None = None, *, at: Repository | None = APP) -> UsedImage:
    return UsedImage(at, Tag(tag) if tag else None, digest, by)


def test_what_goes_and_is_used_is_told_by_its_name_its_digest_and_its_configuration() -> None:
    made = repository_plan(APP, level(remove(d(1), "v1", "v2"), remove(d(2))))
    made = msgspec.structs.replace(made, image_ids={d(1): d(11)})
    images = [
        used(ONE, "v2"),
        used(TWO, "v2", d(9)),
        used(ONE, "kept", d(2)),
        used(TWO, digest=d(11), at=None),
        used(ONE, digest=d(1), at=OTHER),
        used(ONE, "v1", at=OTHER),
        used(ONE, "kept"),
        used(ONE, digest=d(8)),
        used(ONE, "v1", at=None),
    ]
    assert doomed_and_used(plan(made), images) == {
        f"{APP}:v1": (TWO, ONE),
        f"{APP}:v2": (ONE, TWO),
        f"{APP}@{d(2)}": (ONE,),
    }
    assert doomed_and_used(plan(made), images[-4:]) == {}
