import pytest

from holystone.adapters.http.dates import Reading
from holystone.engine.errors import Refused
from holystone.engine.model.history import GitReference
from holystone.workflows.clock import check_clock
from tests.support.image_values import commit_id
from tests.support.notice_texts import notice_texts

NOW = 1_800_000_000
HOUR = 3600


def branch(date: int) -> GitReference:
    return GitReference("branch", "master", commit_id("a"), date)


@pytest.mark.parametrize("apart", [-301, 301, 3 * HOUR, -40 * 365 * 24 * HOUR, NOW * 3])
def test_clocks_that_are_apart_are_refused_naming_both(apart: int) -> None:
    with pytest.raises(Refused) as caught:
        check_clock({"registry.example": Reading(NOW, NOW + apart)}, None, NOW + apart, allow_skew=False)
    assert caught.value.exit_code == 3
    assert "registry.example says that it is 2027-01-15 08:00:00 UTC" in caught.value.message
    assert "the clock of this machine says" in caught.value.message
    assert "--allow-clock-skew" in caught.value.what_to_do


@pytest.mark.parametrize("apart", [-300, 0, 300])
def test_clocks_that_agree_say_nothing(apart: int) -> None:
    assert check_clock({"a": Reading(NOW, NOW + apart)}, branch(NOW - HOUR), NOW + apart, allow_skew=False) == ()


def test_what_is_meant_is_told_and_goes_on() -> None:
    (notice,) = notice_texts(check_clock({"a": Reading(NOW, NOW + 3 * HOUR)}, None, NOW + 3 * HOUR, allow_skew=True))
    assert "3 h apart" in notice


def test_one_of_two_registries_is_enough_to_doubt() -> None:
    said = {"a": Reading(NOW, NOW), "b": Reading(NOW - HOUR, NOW)}
    with pytest.raises(Refused, match="b says"):
        check_clock(said, None, NOW, allow_skew=False)


def test_a_commit_of_the_future_stops_nobody_whose_registry_agrees_with_the_clock() -> None:
    (notice,) = notice_texts(check_clock({"a": Reading(NOW, NOW)}, branch(NOW + HOUR), NOW, allow_skew=False))
    assert "branch master is dated" in notice


def test_a_commit_of_the_future_is_the_witness_where_no_registry_tells_the_time() -> None:
    with pytest.raises(Refused, match="branch master is dated"):
        check_clock({"a": None}, branch(NOW + HOUR), NOW, allow_skew=False)
    assert len(check_clock({"a": None}, branch(NOW + HOUR), NOW, allow_skew=True)) == 2
    (notice,) = notice_texts(check_clock({"a": None}, branch(NOW - HOUR), NOW, allow_skew=False))
    assert "no registry said what time it is" in notice
