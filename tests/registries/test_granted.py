"""What a token says of itself."""

import pytest

from holystone.adapters.registries.granted import granted_actions
from holystone.engine.model.references import RepositoryPath

PATH = RepositoryPath("team/app")


@pytest.mark.parametrize(
    ("access", "expected"),
    [
        ([{"type": "repository", "name": "team/app", "actions": ["pull", "delete"]}], {"pull", "delete"}),
        ([{"type": "repository", "name": "team/app", "actions": None}], set()),
        ([{"type": "repository", "name": "team/other", "actions": ["delete"]}], set()),
        ([{"type": "registry", "name": "team/app", "actions": ["*"]}], set()),
        ([], set()),
        (None, None),
        ("all", None),
        ([{"Type": "repository", "Name": "team/app", "Actions": ["delete"]}], {"delete"}),  # Azure's 1.0
    ],
)
def test_only_the_actions_in_that_repository_count(access: object, expected: set[str] | None) -> None:
    assert granted_actions({"sub": "acme", "access": access}, PATH) == expected
    assert granted_actions({}, PATH) is None
