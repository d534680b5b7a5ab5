"""What the check after a run looks at, one by one: all that a deletion could have reached, and a sample of the rest.

What a deletion could have reached is not asked of what is known of the registry: the check is there for the day on
which that is wrong. It is everything that is tied to something that went, in either direction and however far: tags on
the same manifest, what an index lists and what lists it, what refers to a manifest and what it refers to, by its bytes
or by a tag's name. Nothing else tells a registry what belongs together.

Pure: whoever calls has the manifests, and a source of chance.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Container, Iterable, Mapping, Set
from dataclasses import dataclass
from random import Random
from typing import Final, Generic, TypeVar

from holystone.engine.closure.graph import subjects_by_name
from holystone.engine.executor.results import Looked
from holystone.engine.model.plan import RepositoryPlan
from holystone.engine.model.references import Digest, Tag

R = TypeVar("R", Tag, Digest)
FEW: Final = 500
"""Of so many all are looked at, each time."""
SAMPLE: Final = 200
"""Of more than that. If one in 67 were gone, 95 of 100 runs would see one of them, and then look at all. Each run draws
anew, so that no order of names hides anything, and what one night leaves out another one looks at."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """What lets a check do without a look at each and everything: nothing that the run saw contradicts its plan."""

    odd: Collection[Tag]
    """Tags that stay and were seen on another manifest than planned: whoever may move them did."""
    random: Random


@dataclass(frozen=True, slots=True)
class Looks(Generic[R]):
    reached: tuple[R, ...] = ()
    sampled: tuple[R, ...] = ()
    left: tuple[R, ...] = ()
    """To be looked at only if something is amiss with one of the others."""

    @property
    def first(self) -> tuple[R, ...]:
        return self.reached + self.sampled

    @property
    def whole(self) -> "Looks[R]":
        """Once all is looked at."""
        return Looks(self.reached, tuple(sorted(self.sampled + self.left)))

    def looked(self, told: int = 0) -> Looked:
        return Looked(told, len(self.reached), len(self.sampled), len(self.sampled) + len(self.left))


def choose(
    plan: RepositoryPlan,
    listed: Container[Tag],
    tags: Set[Tag],
    manifests: Set[Digest],
    named: Mapping[Digest, Collection[Digest]],
    sampling: Sampling | None,
) -> tuple[Looks[Tag], Looks[Digest]]:
    """How to look at `tags` and `manifests`, which are to stay and of which the listing says no more than which tags
    are `listed`. `named`: as for `in_reach`. Without `sampling` all is looked at, and so it is where `named` is not
    complete: what is not known may be tied to anything."""
    if sampling is None or not all_manifests(plan) <= named.keys():
        return Looks(reached=tuple(sorted(tags))), Looks(reached=tuple(sorted(manifests)))
    reached, odd = in_reach(plan, named), frozenset(sampling.odd)
    on = {each.tag: each.digest for each in plan.kept}
    return (
        _choose(tags, lambda tag: on[tag] in reached or tag in odd or tag not in listed, sampling.random),
        _choose(manifests, lambda digest: digest in reached, sampling.random),
    )


def _choose(what: Iterable[R], is_reached: Callable[[R], bool], random: Random) -> Looks[R]:
    reached: list[R] = []
    others: list[R] = []
    for each in sorted(what):
        (reached if is_reached(each) else others).append(each)
    if len(others) <= FEW:
        return Looks(tuple(reached), tuple(others))
    sampled = frozenset(random.sample(others, SAMPLE))
    return Looks(tuple(reached), tuple(sorted(sampled)), tuple(each for each in others if each not in sampled))


def all_manifests(plan: RepositoryPlan) -> Set[Digest]:
    """All that stay or go."""
    tagged = {each.digest for each in plan.kept if each.digest}
    return tagged | plan.kept_manifests.keys() | {step.digest for step in plan.steps}


def in_reach(plan: RepositoryPlan, named: Mapping[Digest, Collection[Digest]]) -> Set[Digest]:
    """All manifests that are tied to one that a step of the plan is about, those included. `named`: what each manifest
    lists or refers to (`Manifest.named`), of all that go or stay."""
    ties: defaultdict[Digest, list[Digest]] = defaultdict(list)

    def tie(one: Digest, other: Digest) -> None:
        ties[one].append(other)
        ties[other].append(one)

    for digest, others in named.items():
        for other in others:
            tie(digest, other)
    tags = {each.tag: each.digest for each in plan.kept if each.digest}
    tags |= {tag: step.digest for step in plan.steps for tag in step.tags}
    for tag, subject in subjects_by_name(tags, named.keys()).items():
        if subject:
            tie(tags[tag], subject)
    frontier = {step.digest for step in plan.steps}
    found: set[Digest] = set()
    while frontier:
        found |= frontier
        frontier = {other for digest in frontier for other in ties.get(digest, ())} - found
    return found
