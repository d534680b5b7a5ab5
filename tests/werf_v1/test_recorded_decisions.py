"""Sixty decisions that werf made, from plain values."""

import pytest

from holystone.engine.model.history import GitReference
from holystone.policies.git_references import heads_to_ask
from tests.support.commit_graph import CommitGraph
from tests.support.git_history_cases import NOW, Case, recorded_cases
from tests.support.image_values import commit_id


def test_all_sixty_are_there() -> None:
    assert len(recorded_cases()) == 60


@pytest.mark.parametrize("case", recorded_cases(), ids=lambda case: str(case.seed))
def test_decides_as_werf_did(case: Case) -> None:
    names = {each.id: commit_id(each.id) for each in case.commits}
    graph = CommitGraph(
        parents={names[each.id]: [names[parent] for parent in each.parents] for each in case.commits},
        times={names[each.id]: NOW - each.age for each in case.commits},
    )
    branches = [GitReference("branch", name, names[c], graph.times[names[c]]) for name, c in case.branches.items()]
    tags = [
        GitReference(
            "tag",
            name,
            names[each.commit],
            graph.times[names[each.commit]] if each.tagger_age is None else NOW - each.tagger_age,
        )
        for name, each in case.tags.items()
    ]
    case.check([*branches, *tags], names, lambda chosen, commits: graph.history(heads_to_ask(chosen), commits))
