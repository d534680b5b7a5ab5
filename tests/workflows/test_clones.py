"""What clones say for retention rules, within bounds."""

import gc
import tracemalloc
from functools import partial
from pathlib import Path

import anyio
import pytest

from holystone.engine.errors import IncompleteSource
from holystone.policies.keep_policies import KeepPolicy, ReferencesRule
from holystone.policies.retention.candidates import Candidates
from holystone.policies.retention.rules import CommitsOf, Entry, Mentioned, Policy
from holystone.workflows import clones
from holystone.workflows.breadth import bounded, refuse_pairs
from tests.support.git_clone import GitClone
from tests.support.programs import require
from tests.support.retention_scenes import APP, NOW, image


async def facts(folder: Path, expression: str, head: str) -> object:
    wanted = CommitsOf("shop", (KeepPolicy(ReferencesRule("branch", expression)),))
    policy = Policy("p", (), keep=(Entry(commits_of=wanted),))
    there = Candidates(APP, (image("a", revision=head), image("b", revision=head), image("c", revision="1" * 40)))
    return (await clones.Clones({"shop": str(folder)}, NOW).facts(policy, there)).histories[wanted].history.times


async def test_images_without_end_are_not_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clone = GitClone(tmp_path)
    assert await facts(clone.path, "/x?/", clone.head)
    monkeypatch.setattr(clones, "refuse_pairs", partial(refuse_pairs, most=1))
    with pytest.raises(IncompleteSource, match="select 1 branches and git tags, and 2 contents of images"):
        await facts(clone.path, "/x?/", clone.head)


async def test_names_without_end_are_not_held_against_expressions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = GitClone(tmp_path)
    monkeypatch.setattr(clones, "bounded", partial(bounded, most=5))
    with pytest.raises(IncompleteSource, match="Write shorter expressions"):
        await facts(clone.path, "/x?/", clone.head)


async def test_each_policy_that_selects_in_its_own_way_keeps_little_of_each_commit(tmp_path: Path) -> None:
    """Three of them, and 400,000 commits, which anybody who may push makes, took more than a run may."""
    clone, number = GitClone(tmp_path), 2_000
    clone.grow(number)
    known = clones.Clones({"shop": str(clone.path)}, NOW)

    async def ask(expression: str) -> None:
        wanted = CommitsOf("shop", (KeepPolicy(ReferencesRule("branch", expression)),))
        policy = Policy("p", (), keep=(Entry(commits_of=wanted),))
        found = await known.facts(policy, Candidates(APP, (image("a", revision=clone.head[:12]),)))
        assert found.histories[wanted].history.reached_from[clone.head] == {clone.head}

    def kept() -> int:
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        await ask("/x?/")
        before = kept()
        for each in range(2):
            await ask(f"/x{each}|/")
        assert (kept() - before) / 2 / number < 80
    finally:
        tracemalloc.stop()


async def test_what_was_pushed_since_the_clone_was_made_is_fetched_where_that_is_asked_for(tmp_path: Path) -> None:
    """A run over thousands of repositories lasts, and each push would leave alone all that come after it."""
    clone = GitClone(tmp_path)
    policy = Policy("p", (), keep=(Entry(branch_exists_in="shop"),))
    there = Candidates(APP, (image("a"),))
    plain = clones.Clones({"shop": str(clone.path)}, NOW)
    fetching = clones.Clones({"shop": str(clone.path)}, NOW, synchronize=True)
    for each in (plain, fetching):
        assert [branch.name for branch in (await each.facts(policy, there)).clones["shop"].branches] == ["master"]
    clone.push_elsewhere("feature")
    with pytest.raises(IncompleteSource, match="lacks what origin has"):
        await plain.facts(policy, there)
    found = (await fetching.facts(policy, there)).clones["shop"].branches
    assert sorted(branch.name for branch in found) == ["feature", "master"]


async def test_whoever_waits_for_a_look_at_origin_that_fails_is_not_told_what_was_known_before(tmp_path: Path) -> None:
    clone = GitClone(tmp_path)
    policy = Policy("p", (), keep=(Entry(branch_exists_in="shop"),))
    there = Candidates(APP, (image("a"),))
    known = clones.Clones({"shop": str(clone.path)}, NOW)
    await known.facts(policy, there)
    clone.push_elsewhere("feature")
    behind: list[IncompleteSource] = []

    async def ask() -> None:
        try:
            await known.facts(policy, there)
        except IncompleteSource as error:
            behind.append(error)

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(ask)
    assert len(behind) == 3


@pytest.mark.parametrize(
    "entry",
    [
        Entry(branch_exists_in="shop"),
        Entry(branch_head_of="shop"),
        Entry(mentioned_in=Mentioned("shop")),
        Entry(commits_of=CommitsOf("shop", (KeepPolicy(ReferencesRule("branch", "/.*/")),))),
    ],
)
async def test_a_shallow_clone_answers_no_entry(tmp_path: Path, entry: Entry) -> None:
    clone = GitClone(tmp_path)
    clone.commit()
    clone.push("master")
    shallow = tmp_path / "shallow"
    origin = f"file://{tmp_path}/origin.git"
    await anyio.run_process([require("git"), "clone", "--quiet", "--depth=1", origin, str(shallow)])
    there = Candidates(APP, (image("a", revision=clone.head),))
    with pytest.raises(IncompleteSource, match="shallow"):
        await clones.Clones({"shop": str(shallow)}, NOW).facts(Policy("p", (), keep=(entry,)), there)
