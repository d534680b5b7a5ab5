"""One call for many, and its failure for those who waited for it."""

import pytest

from holystone.adapters.credentials.single_flight import SingleFlight


async def test_who_comes_later_tries_again_though_somebody_still_has_the_failure() -> None:
    flights = SingleFlight[str, int]()
    calls = 0

    async def call() -> int:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ValueError("not today")
        return calls

    with pytest.raises(ValueError, match="not today") as held:
        await flights.run("key", lambda: None, call)
    assert await flights.run("key", lambda: None, call) == 2
    assert held.value.__traceback__ is not None, "as long as that is there, so is its call"


async def test_what_is_known_is_not_asked_for() -> None:
    async def call() -> int:
        raise AssertionError

    assert await SingleFlight[str, int]().run("key", lambda: 7, call) == 7
