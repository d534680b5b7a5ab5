import pytest

from holystone.engine.errors import IncompleteSource
from holystone.engine.model.history import GitReference
from holystone.policies.git_references import SelectedReference
from holystone.workflows.breadth import refuse_too_many
from tests.support.image_values import IMAGE, commit_id, image_tag


def test_more_branches_than_can_be_judged_are_refused() -> None:
    selected = [SelectedReference(GitReference("branch", f"b{n}", commit_id("a"), 1), None, 1) for n in range(3)]
    tags = {IMAGE: [image_tag("x", "s"), image_tag("y", "s"), image_tag("z", "t")]}
    refuse_too_many(selected, tags, most=6)
    with pytest.raises(IncompleteSource, match="select 3 branches and git tags, and 2 contents of images"):
        refuse_too_many(selected, tags, most=5)
