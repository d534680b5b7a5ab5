"""Sixty decisions that werf made, from real repositories through the reader."""

from pathlib import Path

import pytest

from holystone.adapters.git.repository import open_history
from holystone.engine.model.references import Commit
from holystone.policies.git_references import heads_to_ask
from tests.support.git_history_cases import NOW, Case, recorded_cases
from tests.support.git_repositories import GitBuilder


@pytest.mark.parametrize("case", recorded_cases(), ids=lambda case: str(case.seed))
def test_decides_as_werf_did(case: Case, tmp_path: Path) -> None:
    builder = GitBuilder(tmp_path)
    names: dict[str, Commit] = {}
    for each in case.commits:
        parents = [names[parent] for parent in each.parents]
        names[each.id] = builder.commit(each.id, time=NOW - each.age, parents=parents)
    for name, commit in case.branches.items():
        builder.branch_of_origin(name, names[commit])
    for name, tag in case.tags.items():
        if tag.tagger_age is None:
            builder.reference(f"refs/tags/{name}", names[tag.commit])
        else:
            builder.annotated_tag(name, names[tag.commit], time=NOW - tag.tagger_age)
    repository = open_history(tmp_path)
    assert repository is not None
    references = repository.references()
    assert not references.ignored
    case.check(
        references.found,
        names,
        lambda chosen, commits: repository.history(heads_to_ask(chosen), commits),
    )
