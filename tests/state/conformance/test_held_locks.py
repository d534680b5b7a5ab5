"""Locks by themselves, as the port promises them."""

import pytest

from holystone.engine.errors import Busy
from holystone.engine.model.references import RegistryHost, Repository
from tests.state.conformance.stand import Stand
from tests.support.memory_registry import repository

ONE, TWO = "20261123-161300-cd34", "20261123-161400-ef56"
APP, OTHER = repository(), repository("other")


async def test_a_run_is_locked_until_it_is_released(stand: Stand) -> None:
    held = await stand.locks().take(ONE)
    with pytest.raises(Busy, match=f"{ONE} is still going on") as refused:
        await stand.locks().take(ONE)
    assert refused.value.not_deleted
    assert refused.value.what_to_do
    another = await stand.locks().take(TWO)
    held.release()
    held.release()
    again = await stand.locks().take(ONE)
    held.release()
    with pytest.raises(Busy):
        await stand.locks().take(ONE)
    again.release()
    another.release()


async def test_whoever_has_a_lock_is_not_asked_twice_for_it(stand: Stand) -> None:
    """Not even by itself: two runs of one process are two runs."""
    locks = stand.locks()
    held = await locks.take(ONE, [APP])
    with pytest.raises(Busy):
        await locks.take(ONE, [OTHER])
    with pytest.raises(Busy):
        await locks.take(TWO, [APP])
    held.release()


async def test_all_repositories_are_taken_or_none(stand: Stand) -> None:
    many = [repository(f"team/app-{number}") for number in range(2_000)]
    held = await stand.locks().take(ONE, many)
    for refused in ([APP, many[-1]], [many[0], APP], [*many]):
        with pytest.raises(Busy, match=rf"team/app-\d+: another run.*run {ONE}"):
            await stand.locks().take(TWO, refused)
        await stand.locks().refuse_if_busy(APP)
    (await stand.locks().take(TWO, [APP])).release()
    held.release()
    (await stand.locks().take(TWO, many)).release()


async def test_a_question_holds_nothing(stand: Stand) -> None:
    held = await stand.locks().take(ONE, [APP])
    for _ in range(2):
        await stand.locks().refuse_if_busy(OTHER)
        with pytest.raises(Busy, match="team/app: another run"):
            await stand.locks().refuse_if_busy(APP)
    held.release()
    for _ in range(2):
        await stand.locks().refuse_if_busy(APP)
    (await stand.locks().take(TWO, [APP, OTHER])).release()


async def test_other_spellings_of_a_repository_are_the_same_repository(stand: Stand) -> None:
    spelled = Repository(RegistryHost(f"{APP.host}:443"), APP.path)
    held = await stand.locks().take(ONE, [APP])
    with pytest.raises(Busy, match="another run"):
        await stand.locks().take(TWO, [spelled])
    with pytest.raises(Busy, match="another run"):
        await stand.locks().refuse_if_busy(spelled)
    held.release()


async def test_a_repository_that_is_named_twice_is_taken_once(stand: Stand) -> None:
    (await stand.locks().take(ONE, [APP, APP])).release()
    (await stand.locks().take(TWO, [APP])).release()
