"""A source that shrank since the last run stops the next one; tidying up, and clusters at night, do not."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath
from holystone.engine.model.sources import Counted, Key, Remembered, Source
from holystone.engine.planner.baseline import HALVES_FROM, Shrunk, hold_against, less
from holystone.engine.report.refusal_words import refusal_words
from tests.support.notice_texts import notice_texts

SOURCES: tuple[Source, ...] = get_args(Source)
STAGES = Repository(RegistryHost("r.example"), RepositoryPath("shop/stages"))
NUMBERS = st.integers(0, 60)
KEYS = st.builds(Key, st.sampled_from(SOURCES), st.just(STAGES), st.sampled_from(["", "shop"]))


def held(source: Source, before: int, now: int, *, accepted: bool = False) -> Shrunk:
    key = Key(source, STAGES)
    return hold_against({key: Remembered(before, as_of=0)}, [Counted(key, now, now)], accepted=accepted)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    ("before", "now", "refused"),
    [
        (0, 0, False),
        (1, 0, True),
        (9, 0, True),
        (9, 1, False),
        (10, 5, False),
        (10, 4, True),
        (11, 6, False),
        (11, 5, True),
        (1000, 500, False),
        (1000, 499, True),
        (1000, 1001, False),
    ],
)
def test_more_than_half_and_nothing_left(source: Source, before: int, now: int, refused: bool) -> None:
    """Images in use may become fewer, and never none."""
    found = held(source, before, now)
    assert bool(found.refusals) == (refused and (source != "in-use" or now == 0))
    assert bool(found.notices) == (source == "in-use" and 0 < now < before)


def test_a_source_that_is_new_or_has_grown_hides_none_that_shrank() -> None:
    new, grown, shrunk = (Key(source, STAGES) for source in ("commits", "managed-images", "tags"))
    before = {grown: Remembered(10, as_of=0), shrunk: Remembered(50, as_of=0)}
    found = hold_against(before, [Counted(new, 1, 1), Counted(grown, 20, 20), Counted(shrunk, 3, 3)])
    assert [each.repository for each in found.refusals] == [STAGES]


def test_what_is_said() -> None:
    (refusal,) = held("references", 52, 3).refusals
    assert refusal.promise == "fail-closed"
    assert refusal_words(refusal).why.startswith(
        "branches and tags of origin of r.example/shop/stages: 3, where the run of 1970-01-01 00:00 UTC left 52"
    )
    assert "--accept-new-baseline" in refusal_words(refusal).what_to_do
    assert refusal.repository is None, "which belongs to a source, and stops more than one repository"
    (refusal,) = held("tags", 52, 3).refusals
    assert refusal.repository == STAGES
    assert refusal_words(refusal).why.startswith("tags: 3, where the run of 1970-01-01 00:00 UTC left 52")


@pytest.mark.parametrize("source", SOURCES)
def test_what_a_person_accepts_is_told(source: Source) -> None:
    found = held(source, 40, 0, accepted=True)
    assert not found.refusals
    (notice,) = notice_texts(found.notices)
    assert notice.startswith("--accept-new-baseline says that it is meant: ")


@given(st.dictionaries(KEYS, NUMBERS), st.dictionaries(KEYS, NUMBERS))
def test_only_what_was_read_both_times_is_compared(before: dict[Key, int], now: dict[Key, int]) -> None:
    counted = [Counted(key, number, number) for key, number in now.items()]
    both = {key: Remembered(number, 0) for key, number in before.items() if key in now}
    remembered = {key: Remembered(number, 0) for key, number in before.items()}
    assert hold_against(remembered, counted) == hold_against(both, counted)


@given(st.sampled_from(SOURCES), NUMBERS, NUMBERS, NUMBERS)
def test_losing_more_never_helps(source: Source, before: int, now: int, fewer: int) -> None:
    if held(source, before, now).refusals:
        assert held(source, before, min(now, fewer)).refusals


@given(st.sampled_from(SOURCES), st.integers(1, 10_000), st.integers(0, 10_000))
def test_what_is_refused_and_what_is_not(source: Source, before: int, now: int) -> None:
    refused = bool(held(source, before, now).refusals)
    if now >= before or (now and (source == "in-use" or before < HALVES_FROM)):
        assert not refused
    if now == 0 or (source != "in-use" and before >= HALVES_FROM and now < before / 2):
        assert refused


def test_where_our_own_runs_deleted_nothing_all_of_it_is_expected() -> None:
    key = Key("tags", STAGES)
    assert less({key: Remembered(1, 0)}, {}) == {key: Remembered(1, 0)}


@given(KEYS, NUMBERS, NUMBERS, NUMBERS)
def test_what_our_own_runs_deleted_is_not_lost(key: Key, before: int, ours: int, others: int) -> None:
    remembered = less({key: Remembered(before, 0)}, {key: ours})
    now = max(0, before - ours)
    assert hold_against(remembered, [Counted(key, now, now)]) == Shrunk()
    fewer = max(0, now - others)
    same = hold_against({key: Remembered(now, 0)}, [Counted(key, fewer, fewer)])
    assert hold_against(remembered, [Counted(key, fewer, fewer)]) == same
