"""Over random projects: the plan takes exactly what the policies' text, said a second time, takes; and never more."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from random import Random
from typing import Literal, TypeAlias

import anyio
import pytest
import structlog
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from holystone.engine.model.capabilities import SPARES_ALL, Capabilities, DigestDeletion, TagDeletion
from tests.support.drawn_worlds import crowded, world
from tests.support.gentle import gentle
from tests.support.plain_history import reachable
from tests.support.plain_rules import doomed, unrecorded
from tests.support.plain_world import World
from tests.support.real_pipeline import doomed_tags, plan_of

By: TypeAlias = Literal["history", "strategy"]
TAGS_ALONE = gentle("memory", tags=TagDeletion(SPARES_ALL))
WHOLE_DIGESTS = [
    gentle("memory", digests=DigestDeletion()),
    gentle("memory", digests=DigestDeletion(tombstones=SPARES_ALL, cost_grows=True)),
    gentle("memory", tags=TagDeletion()),
]
pytestmark = [pytest.mark.slow, pytest.mark.parametrize("by", ["history", "strategy"])]
SEEDS = st.integers(0, 10**9)


def examples(number: int) -> settings:
    """The same ones each time. A smaller seed makes no smaller world, so none is looked for."""
    phases = [phase for phase in Phase if phase is not Phase.shrink]
    return settings(max_examples=number, deadline=None, derandomize=True, database=None, phases=phases)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


def planned(project: World, can: Capabilities, *, complete: bool = True) -> set[tuple[str, str]]:
    plan = anyio.run(partial(plan_of, project, can, complete=complete))
    return doomed_tags(plan)


def test_where_tags_go_alone_exactly_those_go(by: By) -> None:
    @examples(400)
    @given(SEEDS)
    def check(seed: int) -> None:
        project = world(seed, by)
        plan = anyio.run(plan_of, project, TAGS_ALONE)
        assert doomed_tags(plan) == doomed(project)
        assert sorted(str(each.repository.path) for each in plan.refusals if each.repository) == unrecorded(project)

    check()


@pytest.mark.parametrize("can", WHOLE_DIGESTS, ids=["plain", "tombstones", "last tag"])
def test_where_digests_go_whole_nothing_else_goes(by: By, can: Capabilities) -> None:
    @examples(100)
    @given(SEEDS)
    def check(seed: int) -> None:
        project = world(seed, by)
        assert planned(project, can) <= doomed(project)

    check()


def test_a_shallow_clone_takes_nothing_that_the_whole_one_keeps(by: By) -> None:
    @examples(600)
    @given(SEEDS)
    def check(seed: int) -> None:
        project = crowded(seed) if by == "history" and seed % 8 else world(seed, by)
        assert planned(severed(project, Random(seed)), TAGS_ALONE, complete=False) <= doomed(project)

    check()


def severed(project: World, random: Random) -> World:
    """What a shallow clone shows. One that is narrow too lacks references; history then is not asked, as keep policies
    would select others."""
    cut = random.sample(sorted(project.times), min(len(project.times), random.choice([1, 1, 2, 3])))
    parents = {commit: () if commit in cut else found for commit, found in project.parents.items()}
    refs = [ref for ref in project.refs if project.strategies is None or random.random() < 0.7]
    clone = replace(project, parents=parents, refs=refs)
    present = {commit for ref in refs for commit in reachable(clone, ref)}
    return replace(clone, times={commit: time for commit, time in project.times.items() if commit in present})
