"""A machine whose clock is wrong does not judge anything by its age."""

import time
from types import SimpleNamespace

import pytest

from holystone.adapters.http import dates
from tests.support.command_line import Bench


@pytest.mark.parametrize("hours", [3, -3, 40 * 365 * 24, -40 * 365 * 24])
def test_a_clock_that_is_wrong(shop: Bench, monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    now = time.time
    monkeypatch.setattr(dates, "time", SimpleNamespace(time=lambda: now() + hours * 3600))
    before = shop.contents()
    for command in (("cleanup",), ("images", "cleanup"), ("stages", "cleanup")):
        ran = shop.run(*command, *shop.addresses())
        assert ran.code == 3
        assert f"{shop.registry.host} says that it is" in ran.message
        assert "the clock of this machine says" in ran.message
        assert "--allow-clock-skew" in ran.message
    assert shop.contents() == before
    assert shop.cleanup("--dry-run", env={"HOLYSTONE_ALLOW_CLOCK_SKEW": "1"}).code == 0
    ran = shop.cleanup("--allow-clock-skew")
    assert ran.code == 0
    assert "--allow-clock-skew says that it is meant" in ran.out


def test_what_asks_for_no_ages_asks_for_no_clock(shop: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time
    monkeypatch.setattr(dates, "time", SimpleNamespace(time=lambda: now() + 24 * 3600))
    assert shop.run("managed-images", "ls", "--stages-storage", f"{shop.registry.host}/shop/stages").code == 0
    assert shop.run("purge", *shop.addresses(), "--dry-run").code == 0
