"""A random repository on a real server, told in kinds: what was lost, what was left, what a second run still plans and
what undo did not bring back are different faults.

Lost is worked out here, from what was pushed and not from the plan: a plan that forgets something would also forget to
miss it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

import msgspec

from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.engine.errors import HolystoneError
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.outcomes import Locked, Needed, Outcome, StillReferenced
from holystone.engine.model.plan import Remove, RepositoryPlan, StepId
from holystone.engine.report.reason_words import reason_words
from holystone.engine.report.refusal_words import refusal_words
from tests.contract.stands import Stand, unlocked
from tests.contract.test_contract_worlds import World, build
from tests.real.servers import Takes


@dataclass(frozen=True, slots=True)
class Told:
    """Empty: as it should be."""

    refused: tuple[str, ...] = ()
    """The server did not take what was pushed, so that nothing was tried."""
    stopped: tuple[str, ...] = ()
    """The run did not come to its end."""
    lost: tuple[str, ...] = ()
    """What was to stay and is gone, or a tag that points elsewhere."""
    left: tuple[str, ...] = ()
    """What was to go, is there, and has no reason."""
    again: tuple[str, ...] = ()
    """What a second run plans."""
    not_back: tuple[str, ...] = ()
    """What undo did not bring back, or said that it did not."""
    undo_possible: bool = True
    """As it is said before anything is deleted."""

    @property
    def faults(self) -> dict[str, tuple[str, ...]]:
        """By kind. That it would not come back is no fault where it was said."""
        kinds = ("refused", "stopped", "lost", "left", "again", *(("not_back",) if self.undo_possible else ()))
        return {kind: found for kind in kinds if (found := getattr(self, kind))}


async def told_of(served: Stand, seed: int, takes: Takes) -> Told:
    try:
        world = await build(served, Random(seed), takes)
    except HolystoneError as error:
        return Told(refused=(str(error),))
    digests = [raw.digest for raw in world.manifests]
    tags, manifests = await served.state(*digests)
    cache = SqliteDigestCache(None)
    possible = (await served.session.probe()).undo.possible
    _, plan = await served.plan(world.doomed, cache)
    if refusals := unlocked(plan).refusals:
        return Told(stopped=tuple(f"{each.promise}: {refusal_words(each).why}" for each in refusals))
    result = await served.apply(plan, cache)
    if result.incomplete:
        result = await served.resume()  # as the run says
    stopped = tuple(f"incomplete: {each}" for each in result.repositories) if result.incomplete else ()
    (planned,) = plan.repositories
    now, there = await served.state(*digests)
    lost = _lost(world, planned, tags, manifests, now, there) + tuple(f"told: {each}" for each in result.losses)
    (told,) = result.repositories
    reasoned = _reasoned(planned, told.outcomes)
    left = tuple(each for each in _left(world, planned, tags, now, there) if each not in reasoned)
    _, second = await served.plan(world.doomed)
    again = tuple(f"{step}" for each in second.repositories for step in each.steps)
    undone = await served.undo()
    back, restored = await served.state(*digests)
    not_back = _differences(tags, back) + tuple(sorted(manifests - restored))
    if undone.incomplete or undone.lost:
        not_back += tuple(f"told: {each}" for each in undone.lost) or ("told: incomplete",)
    return Told((), stopped, lost, left, again, not_back, possible)


def _lost(
    world: World,
    planned: RepositoryPlan,
    tags: Mapping[str, str],
    manifests: set[str],
    now: Mapping[str, str],
    there: set[str],
) -> tuple[str, ...]:
    by_digest = {str(raw.digest): raw for raw in world.manifests}
    wanted = {tag: digest for tag, digest in tags.items() if tag not in world.doomed and not tag.startswith("sha256-")}
    wanted |= {str(each.tag): tags[each.tag] for each in planned.kept if each.tag in tags}
    needed = _needed(wanted.values(), by_digest) | set(map(str, planned.kept_manifests))
    return _differences(wanted, now) + tuple(sorted((needed & manifests) - there))


def _needed(roots: Iterable[str], by_digest: Mapping[str, RawManifest]) -> set[str]:
    """With all that they list, at any depth."""
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        if (digest := waiting.pop()) not in found:
            found.add(digest)
            waiting += _children(by_digest[digest]) if digest in by_digest else ()
    return found


def _children(raw: RawManifest) -> Sequence[str]:
    listed = msgspec.json.decode(raw.body).get("manifests", ())
    return [str(each["digest"]) for each in listed]


def _left(
    world: World, planned: RepositoryPlan, tags: Mapping[str, str], now: Mapping[str, str], there: set[str]
) -> tuple[str, ...]:
    reasoned = {
        each.tag
        for each in planned.kept
        if each.reasons and all(reason_words(reason).of_one for reason in each.reasons)
    }
    doomed = (world.doomed | set(map(str, planned.doomed_tags))) & tags.keys()
    removed = {str(step.digest) for step in planned.steps if isinstance(step, Remove)}
    strangers = now.keys() - tags.keys()
    return tuple(sorted((doomed & now.keys()) - set(map(str, reasoned)))) + tuple(sorted(removed & there | strangers))


def _reasoned(planned: RepositoryPlan, outcomes: Mapping[StepId, Outcome]) -> set[str]:
    """What the server keeps by a rule of its own, and what waits for that."""
    steps = {step.id: str(step.digest) for step in planned.steps}
    found = {steps[step_id] for step_id, why in outcomes.items() if isinstance(why, StillReferenced | Locked)}
    while (
        more := {steps[step_id] for step_id, why in outcomes.items() if isinstance(why, Needed) and why.by in found}
        - found
    ):
        found |= more
    return found


def _differences(wanted: Mapping[str, str], found: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(sorted(f"{tag} on {digest}" for tag, digest in wanted.items() if found.get(tag) != digest))
