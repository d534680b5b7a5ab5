"""A few of the schedules that `make torture` carries out by the thousand. This seed, these numbers: those that wait for
nothing long."""

from itertools import count, islice

import pytest

from tests.support.programs import require
from tests.torture.bench import carry_out, distribution_3
from tests.torture.schedules import WAITS, Part, Schedule, Server, schedule
from tests.torture.trial import Outcome

pytestmark = pytest.mark.slow

SEED = 14


def some(part: Part, server: Server, world: int, number: int) -> list[Schedule]:
    """The first ones of the kind: on one world, so that one undisturbed run is enough to compare with."""
    drawn = (schedule(SEED, part, each) for each in count())
    quick = (each for each in drawn if not any(set(rule.kinds) & WAITS for rule in each.rules))
    return list(islice((each for each in quick if (each.server, each.world) == (server, world)), number))


async def problems(schedules: list[Schedule], program: str = "") -> list[Outcome]:
    done: list[Outcome] = []
    await carry_out(schedules, program, 2, done.append)
    assert len(done) == len(schedules)
    return [each for each in done if each.problems]


async def test_on_docker_registry_nothing_wanted_goes_and_nothing_doomed_is_forgotten() -> None:
    require("docker-registry")
    faults, kills = some("faults", "docker-registry", 0, 2), some("kills", "docker-registry", 0, 2)
    assert await problems([*faults, *kills]) == []


async def test_on_distribution_3_as_well() -> None:
    program = distribution_3()
    if not program:
        pytest.skip("HOLYSTONE_DISTRIBUTION_3 names no program, and `make servers` could not install it")
    faults, kills = some("faults", "distribution-3", 1, 1), some("kills", "distribution-3", 1, 1)
    assert await problems([*faults, *kills], program) == []
