"""One broken thing is a fact about that thing. Over random projects: any one of the list is added, and all that neither
hangs on it nor shares with it is judged as before, for the reasons of before; it is told once, with a way out."""

import logging
import re
from collections.abc import Iterator, Set
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest
import structlog
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from holystone.embedded.quirks import DISTRIBUTION_2_8, OCI, Quirks
from holystone.engine.model.references import Tag
from holystone.policies.werf.v1 import kind_of
from holystone.policies.werf.v1.records import image_metadata_tag, parse_metadata_tag
from tests.support.broken_things import (
    EVERY,
    IMAGE_TAG,
    KNOWN,
    LOST,
    MALFORMED,
    NO_NAMES,
    RECORDS,
    SPOILED,
    STAGE_TAG,
    Here,
    unread,
)
from tests.support.command_line import hasty
from tests.support.drawn_worlds import world
from tests.support.plain_world import World
from tests.support.served_worlds import Judged, Name, Site, site

WAYS_OUT = (
    "or delete it by hand",
    "Have it taken out",
    "Run again",
    "neither in the project's configuration nor managed images",
    "managed-images rm",
)
SEEDS = range(60)


class Place(NamedTuple):
    repository: str
    tag: str
    named_like: str
    image: str = ""


class Project(NamedTuple):
    """A drawn world in which something goes."""

    seed: int
    world: World
    before: Judged

    def places(self, what: str) -> list[Place]:
        """Not where nothing else of its kind is read: there the registry may be at fault."""
        found = [each for each in self._places() if what not in RECORDS or each.named_like == "stage"]
        read = {str(at.path) for at, each in self.before.inventory.snapshots.items() if len(each.configs) > 1}
        return [each for each in found if each.repository in read]

    def _places(self) -> Iterator[Place]:
        storage = self.world.storage
        yield Place(storage, STAGE_TAG, "stage")
        recorded = {record for _, tag in self.before.verdicts if (record := parse_metadata_tag(tag))}
        for image in self.before.inventory.images:
            prefix = f"{image}-" if self.world.mode == "monorepo" and image else ""
            yield Place(self.world.repository(image), prefix + IMAGE_TAG, "image", image)
            records = [image_metadata_tag(image, commit) for commit in self.world.times]
            yield from [
                Place(storage, tag, "record", image) for tag in records if parse_metadata_tag(tag) not in recorded
            ]

    def may_hang(self, what: str, place: Place, shares: Set[str]) -> Set[Name]:
        """By docs/policies.md, "One broken thing"."""
        names = self.before.verdicts.keys()
        stages = {(at, tag) for at, tag in names if at == self.world.storage and kind_of(tag) in ("stage", "rejected")}
        found = {(place.repository, tag) for tag in shares}
        if unread(what):  # it may be an index, which may list any manifest, and nothing else shows what it is
            found |= {name for name in names if name[0] == place.repository}
        if place.named_like != "record" and (what in LOST or (place.named_like == "stage" and what in MALFORMED)):
            found |= stages  # it may be built on any
        if place.named_like == "record" and what in KNOWN.keys() | MALFORMED.keys() | LOST.keys():
            # It does not say of which of the image's contents it is; and what stays needs its stages.
            found |= stages | {name for name in names if self._is_of(name, place.image)}
        return found | self._sharing(found)

    def twins(self, name: Name) -> Set[Name]:
        """All tags of its manifest: where one of them stays, another can go that was left to hold it."""
        at, snapshot = next(found for found in self.before.inventory.snapshots.items() if str(found[0].path) == name[0])
        digest = snapshot.tags.get(Tag(name[1]))
        return {(str(at.path), str(tag)) for tag, there in snapshot.tags.items() if there == digest} - {name}

    def _sharing(self, found: Set[Name]) -> Set[Name]:
        """With one of them: the manifest, or what it is a signature of."""
        shared: set[Name] = set()
        for at, snapshot in self.before.inventory.snapshots.items():
            here = {tag: digest for tag, digest in snapshot.tags.items() if (str(at.path), str(tag)) in found}
            digests = {*here.values()}
            subjects = {digest.replace(":", "-") for digest in digests}
            shared |= {
                (str(at.path), str(tag))
                for tag, digest in snapshot.tags.items()
                if digest in digests or tag.partition(".")[0] in subjects
            }
        return shared

    def _is_of(self, name: Name, image: str) -> bool:
        at, tag = name
        if at == self.world.storage and (record := parse_metadata_tag(tag)):
            return image_metadata_tag(image, record.commit) == tag
        return at == self.world.repository(image)


class Bench:
    def __init__(self, portal: BlockingPortal, at: Site) -> None:
        self._portal = portal
        self._at = at
        self.project = cache(self._project)

    def _project(self, seed: int) -> Project | None:
        project = self._at.hold(world(seed, "history"), Random(seed))
        before = self._portal.call(self._at.judge, project)
        return Project(seed, project, before) if len(before.goes) > 3 and not before.refusals else None

    def broken(self, what: str, project: Project, place: Place) -> tuple[Here, Judged]:
        self._at.hold(world(project.seed, "history"), Random(project.seed))
        here = Here(self._at.registry, place.repository, place.tag)
        EVERY[what](here)
        return here, self._portal.call(self._at.judge, project.world)


@pytest.fixture(scope="module")
def benches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Bench]]:
    """Of a server that deletes by digest alone and has no referrers API, and of one that does all of it."""
    nowhere: Path = tmp_path_factory.mktemp("nowhere")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with ExitStack() as stack:
        stack.enter_context(hasty())
        portal = stack.enter_context(start_blocking_portal())
        kinds: tuple[Quirks, ...] = (DISTRIBUTION_2_8, OCI)
        yield [
            Bench(portal, stack.enter_context(portal.wrap_async_context_manager(site(nowhere, each)))) for each in kinds
        ]
    structlog.reset_defaults()


def test_there_are_enough() -> None:
    assert len(EVERY) >= 60


@pytest.mark.parametrize("what", EVERY)
def test_all_else_is_judged_as_before(benches: list[Bench], what: str, pytestconfig: pytest.Config) -> None:
    number = 24 if pytestconfig.getoption("exhaustive") else 1
    phases = [phase for phase in Phase if phase is not Phase.shrink]

    @settings(
        max_examples=number,
        deadline=None,
        derandomize=True,
        database=None,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, 10**6))
    def check(number: int) -> None:
        random = Random(f"{what} {number}")
        bench = random.choice(benches)
        seeds = random.sample(SEEDS, len(SEEDS))
        project, places = next(
            (found, places) for seed in seeds if (found := bench.project(seed)) and (places := found.places(what))
        )
        check_one(bench, what, project, random.choice(places))

    check()


def without_numbers(notice: str) -> str:
    return re.sub(r"\b\d+ (?=\w+ )", "", notice)


def is_about_others(notice: str) -> bool:
    """That stay because of it, or that are as they should be."""
    return "built from stages" in notice or "does not exist in the registry" in notice


def check_one(bench: Bench, what: str, project: Project, place: Place) -> None:
    before = project.before
    here, after = bench.broken(what, project, place)
    may_hang = project.may_hang(what, place, here.shares)
    for name, verdict in before.verdicts.items():
        if name not in may_hang:
            assert after.verdicts[name] == verdict, name
    own = {(place.repository, here.tag)} if here.tag in here.shares else set[Name]()
    assert all(after.stays.keys() & project.twins(name) for name in after.goes.keys() - before.goes.keys() - own)
    if unread(what):
        assert place.repository not in {at for at, _ in after.goes}
    assert after.refusals == before.refusals
    told = [each for each in after.notices if each not in before.notices and not is_about_others(each)]
    known = {without_numbers(each) for each in before.notices}
    # In a record's place it is told once as what it is, and once as the record that it is not.
    most = 2 if what in SPOILED and place.named_like == "record" else 1
    assert len([each for each in told if without_numbers(each) not in known]) <= most, told
    told = [each for each in told if any(way in each for way in WAYS_OUT)]
    assert told or what not in {*NO_NAMES, *LOST, *MALFORMED, *SPOILED}
