import subprocess
import sys
import time
import tracemalloc
import zlib
from pathlib import Path

import pygit2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holystone.adapters.git import reach
from holystone.engine.errors import IncompleteSource
from holystone.engine.model.references import Commit
from tests.support.commit_graph import CommitGraph
from tests.support.git_repositories import GitBuilder, opened
from tests.support.programs import require

NOW = 1_800_000_000
MISSING = Commit.parse("1" * 40)


def test_what_is_asked_for_and_no_more(tmp_path: Path) -> None:
    builder = GitBuilder(tmp_path)
    a = builder.commit("a", time=NOW)
    b = builder.commit("b", time=NOW + 1, parents=[a])
    c = builder.commit("c", time=NOW + 2, parents=[a])
    merge = builder.commit("merge", time=NOW + 3, parents=[b, c])
    dangling = builder.commit("dangling", time=NOW + 4)
    history = opened(builder).history([merge, b], [a, b, merge, dangling, MISSING, Commit.parse("a" * 64)])
    assert history.times == {a: NOW, b: NOW + 1, merge: NOW + 3, dangling: NOW + 4}
    assert history.reached_from == {
        a: frozenset({merge, b}),
        b: frozenset({merge, b}),
        merge: frozenset({merge}),
        dangling: frozenset(),
    }
    assert history.complete


def test_nothing_asked(tmp_path: Path) -> None:
    builder = GitBuilder(tmp_path)
    head = builder.commit("a", time=NOW)
    assert opened(builder).history([head], []).times == {}
    history = opened(builder).history([], [head])
    assert history.times == {head: NOW}
    assert history.reached_from == {head: frozenset()}


def test_something_that_is_no_commit_does_not_exist_as_one(tmp_path: Path) -> None:
    builder = GitBuilder(tmp_path)
    tree = Commit.parse(str(builder.repository.TreeBuilder().write()))
    assert opened(builder).history([], [tree]).times == {}


def test_a_file_that_a_record_or_a_tag_names_is_not_read(builder: GitBuilder) -> None:
    """A file of 700 MB took as much memory, for whoever may push to the stages storage. This one's content cannot be
    read at all."""
    head = builder.commit("a", time=NOW)
    blob = str(builder.repository.create_blob(b"x" * 10_000))
    builder.reference("refs/tags/file", pygit2.Oid(hex=blob))
    builder.annotated_tag("annotated", pygit2.Oid(hex=blob), time=NOW)
    file = Path(builder.repository.path) / "objects" / blob[:2] / blob[2:]
    file.chmod(0o600)
    file.write_bytes(zlib.compress(b"blob 10000\0" + b"x" * 10_000)[:-8])
    repository = opened(builder)
    assert repository.history([head], [head, Commit.parse(blob)]).times == {head: NOW}
    assert [each.name for each in repository.references().ignored] == ["annotated", "file"]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_reachability_is_by_parents_whatever_the_clocks_said(tmp_path: Path, data: st.DataObject) -> None:
    builder = GitBuilder(tmp_path)
    commits: list[Commit] = []
    parents: dict[Commit, list[Commit]] = {}
    times: dict[Commit, int] = {}
    for number in range(data.draw(st.integers(1, 12))):
        above = data.draw(st.lists(st.sampled_from(commits), max_size=3, unique=True)) if commits else []
        when = NOW + data.draw(st.integers(0, 50))
        commit = builder.commit(str(number), time=when, parents=above)
        commits.append(commit)
        parents[commit], times[commit] = above, when
    heads = data.draw(st.sets(st.sampled_from(commits)))
    asked = data.draw(st.sets(st.sampled_from([*commits, MISSING])))
    expected = CommitGraph(parents, times).history(heads, asked)
    history = opened(builder).history(heads, asked)
    assert history.times == expected.times
    assert history.reached_from == expected.reached_from


@pytest.mark.parametrize("lost", ["head", "ancestor"])
def test_missing_objects_are_no_absence(tmp_path: Path, lost: str) -> None:
    builder = GitBuilder(tmp_path)
    a = builder.commit("a", time=NOW)
    b = builder.commit("b", time=NOW, parents=[a])
    c = builder.commit("c", time=NOW, parents=[b])
    gone = c if lost == "head" else b
    (tmp_path / ".git" / "objects" / gone[:2] / gone[2:]).unlink()
    with pytest.raises(IncompleteSource) as caught:
        opened(builder).history([c], [a])
    assert "fsck" in caught.value.what_to_do


def test_a_damaged_commit_is_no_absence(tmp_path: Path) -> None:
    builder = GitBuilder(tmp_path)
    a = builder.commit("a", time=NOW)
    file = tmp_path / ".git" / "objects" / a[:2] / a[2:]
    file.chmod(0o600)
    file.write_bytes(b"no zlib stream")
    with pytest.raises(IncompleteSource):
        opened(builder).history([], [a])


@pytest.mark.slow
def test_twenty_thousand_commits_and_two_hundred_heads(tmp_path: Path) -> None:
    """A main line with a branch off every hundredth commit; every tenth commit was published."""
    builder = GitBuilder(tmp_path)
    commits: list[Commit] = []
    for number in range(20_000):
        commits.append(builder.commit(str(number), time=NOW + number, parents=commits[-1:]))
    heads = [builder.commit(f"head {commit}", time=NOW, parents=[commit]) for commit in commits[::100]]
    asked = commits[::10]
    repository = opened(builder)
    repository.history(heads, asked)  # reads loose files; what is measured is the walk
    began = time.process_time()  # a busy machine is none of its business
    history = repository.history(heads, asked)
    assert all(len(history.reached_from[commit]) == 200 - -(-number // 10) for number, commit in enumerate(asked))
    assert time.process_time() - began < 3


@pytest.mark.slow
def test_thousands_of_branches_take_little_memory(tmp_path: Path) -> None:
    """Whoever may push makes as many as he likes; with a set of them for each, memory grows with the square."""
    builder = GitBuilder(tmp_path)
    stream = "".join(
        f"commit refs/heads/main\nmark :{number}\ncommitter c <c@example.com> {NOW + number} +0000\ndata 0\n"
        + (f"from :{number - 1}\n" if number > 1 else "")
        for number in range(1, 5_001)
    )
    require("git")
    subprocess.run(["git", "fast-import", "--quiet"], cwd=tmp_path, input=stream.encode(), check=True)
    walker = builder.repository.walk(builder.repository.references["refs/heads/main"].target)
    commits = [Commit.parse(str(commit.id)) for commit in walker]
    repository = opened(builder)
    tracemalloc.start()
    try:
        history = repository.history(commits, [commits[0], commits[-1]], commits)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(history.reached_from[commits[-1]]) == 5_000
    assert history.reached_from[commits[0]] == {commits[0]}
    assert peak < 3_000_000


@pytest.mark.slow
def test_thousands_of_commits_take_little_memory(tmp_path: Path) -> None:
    """Half a million took 500 MB, so that each run was ended before it had judged anything."""
    GitBuilder(tmp_path)
    said = "It was needed because of something else, and took a while. " * 5
    stream = "".join(
        f"commit refs/heads/main\nmark :{number}\ncommitter c <c@example.com> {NOW + number} +0000\n"
        f"data {len(said)}\n{said}\n" + (f"from :{number - 1}\n" if number > 1 else "")
        for number in range(1, 15_001)
    )
    require("git")
    stream += "reset refs/heads/first\nfrom :1\n\n"
    subprocess.run(["git", "fast-import", "--quiet"], cwd=tmp_path, input=stream.encode(), check=True)
    grown = subprocess.run([sys.executable, "-c", _GROWN, tmp_path], check=True, capture_output=True, text=True)
    assert int(grown.stdout) < 8_000_000


_GROWN = """
import sys
from pathlib import Path
from holystone.adapters.git.repository import GitRepository
from holystone.engine.model.references import Commit
from holystone.cli.bounds import own_memory
import pygit2
folder = Path(sys.argv[1])
branches = pygit2.Repository(folder).references
head, first = (Commit.parse(str(branches[f"refs/heads/{name}"].target)) for name in ("main", "first"))
repository = GitRepository(folder, pygit2.Repository(folder))
before = own_memory()
assert repository.history([head], [first]).reached_from == {first: {head}}
print(own_memory() - before)
"""


def test_more_sets_of_branches_than_there_is_memory_for(builder: GitBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Branches that each begin at another commit: their sets wait at once, which is memory by the square of them."""
    line = [builder.commit("0", time=1000)]
    for number in range(1, 100):
        line.append(builder.commit(f"{number}", time=1000 + number, parents=line[-1:]))
    heads = [builder.commit(f"head {at}", time=9000 + at, parents=[start]) for at, start in enumerate(line)]
    assert opened(builder).history(heads, [line[-1]]).reached_from == {line[-1]: {heads[-1]}}
    monkeypatch.setattr(reach, "_LARGEST", 10)
    with pytest.raises(IncompleteSource, match="100 branches that begin at different commits, and no more are read"):
        opened(builder).history(heads, [line[0]])


def test_more_sets_of_branches_to_be_judged_by_than_there_is_memory_for(
    builder: GitBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of different ones that reach each of the commits that images were built at."""
    line = [builder.commit("0", time=1000)]
    for number in range(1, 100):
        line.append(builder.commit(f"{number}", time=1000 + number, parents=line[-1:]))
    monkeypatch.setattr(reach, "_KEPT", 200)
    assert len(opened(builder).history([line[-1]], line).reached_from) == 100, "the same one is kept once"
    with pytest.raises(IncompleteSource, match=r"different ones reach each of 2[0-9] commits"):
        opened(builder).history(line, line)
