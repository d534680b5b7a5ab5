"""Repositories that nobody would make up: random indexes, referrers, signatures and shared manifests, with and without
tags. Whatever the registry's own rules: what stays is whole, what was to go is gone or has a reason, the run ends, and
undo brings everything back.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Final

import pytest

from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.engine.executor import RunResult
from holystone.engine.model.manifests import OCI_INDEX, RawManifest
from holystone.engine.model.outcomes import Outcome, is_settled
from holystone.engine.report.reason_words import reason_words
from tests.contract.stands import Stand, unlocked
from tests.real.servers import Takes

SEEDS: Final = (3, 4, 6, 9, 10, 11, 18, 27, 35, 50, 53, 103, 107, 132)
"""Most showed a mistake once: of the closure, of the guard, or of what an adapter said of its registry."""

EVERYTHING: Final = Takes()


@dataclass
class World:
    manifests: list[RawManifest] = field(default_factory=list)
    doomed: set[str] = field(default_factory=set)


async def build(served: Stand, random: Random, takes: Takes = EVERYTHING) -> World:
    """`takes`: what the server lets people push; the rest is left out."""
    world = World()
    made, subjects, plain = world.manifests, dict[str, str](), list[str]()
    for number in range(random.randint(3, 9)):
        kind = random.random()
        tags = [f"t{number}"] if random.random() < 0.7 else []
        if tags and random.random() < 0.25:
            tags.append(f"t{number}b")
        single = [each for each in made if each.media_type != OCI_INDEX]
        parts = made if takes.nested else single
        subjects_of = {"any": made, "images": single, "none": []}[takes.subjects]
        if parts and kind < 0.3:
            raw = await served.index(tuple(random.sample(parts, min(len(parts), random.randint(1, 3)))), *tags)
        elif subjects_of and kind < 0.5:
            subject = random.choice(subjects_of)
            raw = await served.image(f"i{number}", *tags, subject=subject)
            subjects[raw.digest] = subject.digest
        else:
            raw = await served.image(f"i{number}", *tags)
        if raw not in made:
            made.append(raw)
        plain += tags
    for subject in list(made):
        referrers = [each for each in made if subjects.get(each.digest) == subject.digest]
        if referrers and random.random() < 0.4:
            made.append(await served.index(tuple(referrers), f"sha256-{subject.digest.hex}"))
        if random.random() < 0.15:
            made.append(await served.signature(f"of {subject.digest}", f"sha256-{subject.digest.hex}.sig"))
    world.doomed |= {tag for tag in plain if random.random() < 0.6}
    return world


def left_over(result: RunResult) -> list[Outcome]:
    return [each for each in result.repositories[0].outcomes.values() if not is_settled(each)]


@pytest.mark.everywhere
@pytest.mark.parametrize("seed", SEEDS)
async def test_a_random_repository(served: Stand, seed: int) -> None:
    world = await build(served, Random(seed), Takes(nested=served.nests))
    digests = [raw.digest for raw in world.manifests]
    tags, manifests = await served.state(*digests)
    cache = SqliteDigestCache(None)
    _, plan = await served.plan(world.doomed, cache)
    assert unlocked(plan).refusals == ()
    result = await served.apply(plan, cache)
    if result.incomplete:  # refused because of an index that nobody knows of, or so the second attempt says
        assert {outcome.__struct_config__.tag for outcome in left_over(result)} == {"referenced"}
        result = await served.resume()
    assert not result.incomplete, result
    assert result.losses == ()
    (planned,) = plan.repositories
    kept = {each.tag: each for each in planned.kept}
    now, left = await served.state(*digests)
    assert now == {tag: digest for tag, digest in tags.items() if tag in kept}
    assert {str(digest) for digest in planned.kept_manifests} & manifests <= left
    spared = [each for tag, each in kept.items() if tag in world.doomed]
    assert all(reason_words(reason).of_one for each in spared for reason in each.reasons)
    _, again = await served.plan(world.doomed)
    assert not any(each.passes for each in again.repositories), "of an empty repository Azure says that it never was"
    if (await served.session.probe()).undo.way == "none":
        return
    undone = await served.undo()
    assert (undone.lost, undone.incomplete) == ((), False)
    back, there = await served.state(*digests)
    assert back == tags
    assert manifests <= there
