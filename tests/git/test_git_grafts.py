"""History is read as it was written: what cuts it off or replaces it in one clone is nobody's word about images."""

from pathlib import Path

from holystone.adapters.git.repository import open_history
from holystone.engine.model.references import Commit
from tests.git.conftest import Git
from tests.support.git_repositories import GitBuilder, opened

NOW = 1_800_000_000


def line(builder: GitBuilder, length: int) -> list[Commit]:
    commits: list[Commit] = []
    for number in range(length):
        commits.append(builder.commit(str(number), time=NOW + number, parents=commits[-1:]))
    return commits


def test_grafts_cut_nothing_off(builder: GitBuilder) -> None:
    first, middle, head = line(builder, 3)
    builder.branch_of_origin("master", head)
    (builder.directory / ".git" / "info" / "grafts").write_text(f"{head}\n")
    history = opened(builder).history([head], [first, middle, head])
    assert history.reached_from == dict.fromkeys((first, middle, head), frozenset([head]))
    assert history.complete


def test_grafts_join_nothing_on(builder: GitBuilder) -> None:
    stray, head = builder.commit("stray", time=NOW), builder.commit("head", time=NOW + 1)
    (builder.directory / ".git" / "info" / "grafts").write_text(f"{head} {stray}\n")
    assert opened(builder).history([head], [stray]).reached_from == {stray: frozenset()}


def test_a_shallow_clone_with_grafts_ends_at_its_boundary(tmp_path: Path, origin: Path, git: Git) -> None:
    git(tmp_path, "clone", "-q", "--depth=3", origin.as_uri(), "shallow")
    folder = tmp_path / "shallow"
    head = git(folder, "rev-parse", "HEAD")
    below = [Commit.parse(each) for each in git(folder, "rev-list", "HEAD").split()]
    (folder / ".git" / "info" / "grafts").write_text(f"{head}\n")
    repository = open_history(folder)
    assert repository is not None
    assert len(below) == 3
    assert repository.history(below[:1], below).reached_from == dict.fromkeys(below, frozenset(below[:1]))


def test_replacements_change_nothing(builder: GitBuilder) -> None:
    first, middle, head = line(builder, 3)
    builder.reference(f"refs/replace/{head}", builder.commit("instead", time=NOW))
    history = opened(builder).history([head], [first, middle])
    assert history.reached_from == dict.fromkeys((first, middle), frozenset([head]))
