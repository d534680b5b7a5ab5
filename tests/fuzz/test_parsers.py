"""What is fuzzed by `make fuzz` for an hour, for a moment: seeds, what was found, and a few changes of each seed."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.spoil import spoil
from tests.fuzz.target import Target, load, names


@pytest.fixture(scope="module", params=names())
def target(request: pytest.FixtureRequest) -> Target:
    return load(request.param)


def test_the_seeds_are_read(target: Target) -> None:
    for seed in target.seeds:
        target.try_input(seed)


@pytest.mark.parametrize(
    "file", sorted(Path(__file__).parent.glob("corpora/*/*")), ids=lambda file: f"{file.parent.name}/{file.name}"
)
def test_what_was_found_once_is_refused_in_words(file: Path) -> None:
    load(file.parent.name).try_input(file.read_bytes())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(random=st.randoms(use_true_random=False), changes=st.integers(1, 6), choice=st.integers(0, 99))
def test_a_sound_input_with_something_changed_is_read_or_refused_in_words(
    target: Target, random: Random, changes: int, choice: int
) -> None:
    data = target.seeds[choice % len(target.seeds)]
    for _ in range(changes):
        data = spoil(data, random)
    target.try_input(data)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_in_words(target: Target, data: bytes) -> None:
    target.try_input(data)
