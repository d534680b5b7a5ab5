"""Azure: the pace of each kind of request, and replies that mean later."""

from pathlib import Path

import pytest

from holystone.adapters.registries.acr.lanes import Lanes
from holystone.embedded.faults import Answer, Fault
from holystone.engine.model.capabilities import Quota
from holystone.engine.model.outcomes import Deleted, Failed
from holystone.engine.model.references import RegistryHost
from holystone.engine.scheduler import Lane, Scheduler
from tests.emulators.acr import AcrEmulator
from tests.registries.acr.connected import ABSENT, Connected, connected

# Throttling


@pytest.mark.parametrize("retry_after", [None, 0])
async def test_throttling_is_waited_out_wherever_it_comes(tmp_path: Path, retry_after: int | None) -> None:
    async with AcrEmulator(retry_after=retry_after) as emulator, connected(emulator, tmp_path) as acr:
        raw = acr.image("one", "v1")
        emulator.throttle(2)  # the first request and the token
        assert (await acr.session.list_tags()).tags.keys() == {"v1"}
        emulator.throttle(3)
        assert await acr.session.delete_manifests([raw.digest]) == [Deleted()]
        assert emulator.throttled == 0
        assert acr.session.writes.counts().throttled == 3


async def test_what_is_throttled_for_ever_fails_alone(acr: Connected) -> None:
    acr.image("one", "v1")
    acr.emulator.throttle(100)
    (outcome,) = await acr.session.delete_manifests([ABSENT])
    assert isinstance(outcome, Failed)
    assert "429" in outcome.error


# Limits


def test_four_kinds_of_requests_have_azures_published_pace() -> None:
    """A minute for one identity: 5,000 reads, 1,000 writes, 500 deletions, 250 questions for referrers."""
    quotas: dict[str, Quota | None] = {}
    made = Scheduler()

    def lane(api: str, quota: Quota | None = None) -> Lane:
        quotas[api] = quota
        return made.lane(RegistryHost.parse("shop.azurecr.io"), "nobody", api, quota)

    lanes = Lanes.of(lane, published=True)
    assert len({id(each) for each in (lanes.reads, lanes.pushes, lanes.deletions, lanes.referrers)}) == 4
    assert [quota and quota.rate for quota in quotas.values()] == [80, 16, 8, 4]
    Lanes.of(lane, published=False)
    assert set(quotas.values()) == {None}


@pytest.mark.parametrize(("said", "rate"), [("33.000000", 33.0), ("3.000000", 8.0), ("much", 8.0), ("", 8.0)])
async def test_what_a_reply_says_is_left_raises_the_pace_of_its_kind_alone(
    tmp_path: Path, said: str, rate: float
) -> None:
    async with AcrEmulator() as emulator, connected(emulator, tmp_path) as acr:
        await acr.session.list_tags()
        lanes = acr.session.writes, acr.session.reads
        for each in lanes:
            each.declare(Quota(8, 8))
        answer = Answer(202, b"", {"X-Ms-Ratelimit-Remaining-Calls-Per-Second": said})
        emulator.faults.add(Fault("DELETE", "/manifests/", answer))
        assert await acr.session.delete_manifests([ABSENT]) == [Deleted()]
        assert [each.declared for each in lanes] == [Quota(rate, rate), Quota(8, 8)]


async def test_what_goes_and_what_refers_do_not_wait_for_each_other(tmp_path: Path) -> None:
    async with AcrEmulator() as emulator, connected(emulator, tmp_path) as acr:
        raw = acr.image("one", "v1")
        acr.image("what has no tag, and may refer to it")
        await acr.session.list_tags()
        await acr.session.referrers(raw.digest)
        await acr.session.delete_manifests([ABSENT])
        lanes = (acr.session.reads, acr.session.writes, acr.session.pushes, acr.session.referring)
        assert [each.key.api for each in lanes] == ["read", "delete", "write", "referrers"]
        assert [each.key.api for each in lanes if each.counts().requests] == ["read", "delete", "referrers"]
