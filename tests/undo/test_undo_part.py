"""What comes back with a name."""

from dataclasses import replace
from typing import Final

from holystone.engine.model.records import Journaled
from holystone.engine.model.references import Tag
from holystone.engine.undo.taken import Taken, to_come_back, whole
from tests.support.image_values import digest_of as digest

STAGE, MARK, OTHER = Tag("stage"), Tag("stage-rejected"), Tag("other")
TAGS: Final = {STAGE: digest("a"), MARK: digest("b"), OTHER: digest("c")}
TAKEN: Final[Taken] = to_come_back(frozenset(TAGS.values()), TAGS, Journaled({}, frozenset()))


def test_a_mark_comes_back_with_what_it_marks() -> None:
    """A rejected stage without its mark is used by every build."""
    part = whole(TAKEN, {STAGE}, {MARK: STAGE})
    assert part == replace(
        TAKEN, manifests=frozenset({digest("a"), digest("b")}), tags={STAGE: digest("a"), MARK: digest("b")}
    )


def test_and_not_the_other_way_round() -> None:
    part = whole(TAKEN, {MARK}, {MARK: STAGE})
    assert part.tags.keys() == {MARK}
    assert part.manifests == {digest("b")}
