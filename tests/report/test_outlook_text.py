"""Before anything goes, it is said whether and for how long it can be put back."""

import msgspec
import pytest

from holystone.engine.model.codec import from_json
from holystone.engine.model.outlook import DAY, UndoOutlook
from holystone.engine.model.plan import Plan
from holystone.engine.model.references import Digest
from holystone.engine.report.outlook_text import outlook_lines, outlook_text
from holystone.engine.report.plan_text import plan_lines
from tests.support.memory_registry import repository
from tests.support.small_plans import level, plan, remove, repository_plan


def planned(*outlooks: UndoOutlook | None) -> Plan:
    steps = level(remove(Digest.of(b"v1"), "v1"))
    made = [repository_plan(repository(f"shop/app{number}"), steps) for number in range(len(outlooks))]
    return plan(*(msgspec.structs.replace(each, undo=outlook) for each, outlook in zip(made, outlooks, strict=True)))


@pytest.mark.parametrize(
    ("outlook", "said"),
    [
        (UndoOutlook(), "until the registry's garbage collection runs"),
        (UndoOutlook("push", DAY), "possible for 1 d"),
        (UndoOutlook("push", 0), "not to be relied on"),
        (UndoOutlook("restore"), "the registry restores what was deleted"),
        (UndoOutlook("restore", 30 * DAY), "for 30 d"),
        (UndoOutlook("none"), "none: the registry keeps nothing"),
        (UndoOutlook("restore", doubt="nobody says"), "; not known for sure: nobody says"),
        (UndoOutlook("push", lacks="the right to push"), "lacks the right to push, without which nothing comes back"),
    ],
)
def test_each_outlook_in_words(outlook: UndoOutlook, said: str) -> None:
    assert said in outlook_text(outlook)
    assert outlook.possible is (outlook.way != "none" and outlook.seconds != 0 and not outlook.lacks)
    assert f"undo: {outlook_text(outlook)}" in plan_lines(planned(outlook, outlook), every_tag=False)


@pytest.mark.parametrize(
    "said",
    [
        b'{"way": "none", "seconds": 60}',
        b'{"way": "none", "lacks": "the right to push"}',
        b'{"way": "none", "doubt": "nobody says"}',
        b'{"way": "restore", "seconds": 0}',
    ],
)
def test_an_outlook_that_contradicts_itself_cannot_be_said(said: bytes) -> None:
    with pytest.raises(msgspec.ValidationError, match="undo"):
        from_json(said, UndoOutlook)
    with pytest.raises(ValueError, match="undo"):
        UndoOutlook(**msgspec.json.decode(said))


def test_repositories_that_differ_are_told_apart_and_others_not_at_all() -> None:
    can, cannot = UndoOutlook(), UndoOutlook("none")
    first, second = outlook_lines(planned(can, cannot, None, can))
    assert first.startswith("undo in registry.test/shop/app0 and 1 more: possible")
    assert second.startswith("undo in registry.test/shop/app1: none")
    assert list(outlook_lines(planned(None))) == []
